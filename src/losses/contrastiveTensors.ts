/** The contrastive losses in tensor operations, for a backend that cannot be read synchronously. Formulas: contrastive.ts. */
import type { ContrastiveForm, ContrastivePairs } from '../backend/contrastiveLoss.js';
import * as tf from '../core/tf.js';
import { readNegatives } from './contrastiveNegatives.js';
import { detach } from './gradient.js';

/** What is trained with the loss; it takes the place of `kappa` and `temperature` of the form. */
export interface Learned {
  readonly logZ?: tf.Scalar | tf.Variable<tf.Rank.R0> | undefined;
  readonly logTemperature?: tf.Scalar | tf.Variable<tf.Rank.R0> | undefined;
}

/** A similarity's value of each pair `[pairs, 1]`; of its negatives, and how often each occurs, `[pairs, entries]`. */
interface Values {
  readonly own: tf.Tensor;
  readonly others: tf.Tensor;
  readonly counts: tf.Tensor;
}

/** The weighted cost of all pairs with their negatives. `coldest` is the lowest temperature. */
export function contrastiveByTensors(
  z: tf.Tensor2D,
  pairs: ContrastivePairs,
  form: ContrastiveForm & { readonly coldest: number },
  learned: Learned,
): tf.Scalar {
  // Such as a sum over nothing, but a gradient of zeros for whatever is differentiated.
  if (pairs.count === 0) return tf.mul(0, tf.sum(z)) as tf.Scalar;
  const { mode, cosine, factor } = form;
  const { logZ, logTemperature } = learned;
  const values = compared(cosine ? unit(z) : z, pairs, cosine);
  const temperature = logTemperature ? notBelow(form.coldest, logTemperature) : form.temperature;
  const numbers = tf.sum(values.counts, 1, true);
  const infonce = mode === 'infonce' || mode === 'infonceAlt';
  const normalization = logZ ? tf.exp(logZ) : form.kappa;
  const kappa = mode === 'nce' ? tf.mul(numbers, normalization) : tf.scalar(mode === 'umap' ? 1 : form.kappa);
  const costs = infonce
    ? tf.mul(contrasted(mode === 'infonce', cosine, values, numbers, kappa, temperature), factor)
    : cosine
      ? ofCosines(values, numbers, kappa, temperature)
      : ofDistances(mode === 'umap' ? form.tangent : undefined, values, numbers, kappa);
  const weights = tf.tensor2d(pairs.weights.slice(0, pairs.count), [pairs.count, 1]);
  return tf.sum(tf.mul(costs, weights)) as tf.Scalar;
}

/** exp(log), at least `lowest`. Below it the gradient is that of the lowest, where a step against it leads up, else 0. */
function notBelow(lowest: number, log: tf.Tensor): tf.Tensor {
  const limited = tf.customGrad((...inputs: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const own = tf.exp(inputs[0] as tf.Tensor);
    const save = inputs[1] as tf.GradSaveFunc;
    const value = tf.maximum(own, lowest);
    save([own, value]);
    return {
      value,
      gradFunc: (dy, saved) => {
        const byLog = tf.mul(dy as tf.Tensor, saved[1]!);
        return tf.where(tf.greater(saved[0]!, lowest), byLog, tf.minimum(byLog, 0));
      },
    };
  });
  return limited(log);
}

/** Rows scaled to length 1; a row of zeros stays one, and has no gradient. */
function unit(z: tf.Tensor2D): tf.Tensor2D {
  const squares = tf.sum(tf.square(z), 1, true);
  const zero = detach(squares, (values) => tf.cast(tf.equal(values, 0), 'float32'));
  return tf.mul(z, tf.mul(tf.sub(1, zero), tf.rsqrt(tf.add(squares, zero))));
}

/** Squared distances or scalar products of the pairs, and of each head with its negatives or with all rows. */
function compared(z: tf.Tensor2D, pairs: ContrastivePairs, cosine: boolean): Values {
  const { count } = pairs;
  const [rows, columns] = z.shape;
  const heads = tf.gather(z, tf.tensor1d(pairs.heads.slice(0, count), 'int32')) as tf.Tensor2D;
  const tails = tf.gather(z, tf.tensor1d(pairs.tails.slice(0, count), 'int32'));
  const of = (a: tf.Tensor, b: tf.Tensor, axis: number, keep: boolean) =>
    tf.sum(cosine ? tf.mul(a, b) : tf.square(tf.sub(a, b)), axis, keep);
  const own = of(heads, tails, 1, true);
  const reader = readNegatives(pairs);
  const most = reader.rows.length;
  // A table with an entry for each row of the batch is smaller than one of all coordinates of many negatives.
  const whole = most * columns > rows;
  const entries = whole ? rows : most;
  const counts = new Float32Array(count * entries);
  const positions = new Int32Array(whole ? 0 : count * entries);
  for (let p = 0; p < count; p++) {
    const n = reader.next(p);
    for (let k = 0; k < n; k++) {
      if (whole) counts[p * entries + reader.rows[k]!]!++;
      else positions[p * entries + k] = reader.rows[k]!;
    }
    if (!whole) counts.fill(1, p * entries, p * entries + n);
  }
  const others = whole
    ? table(heads, z, cosine)
    : of(
        tf.reshape(heads, [count, 1, columns]),
        tf.reshape(tf.gather(z, tf.tensor1d(positions, 'int32')), [count, entries, columns]),
        2,
        false,
      );
  return { own, others, counts: tf.tensor2d(counts, [count, entries]) };
}

/** Most columns of which squared differences are summed one by one: exact, but a table per column. */
const FEW = 4;

/** Squared distances or scalar products of each head with each row, without a table of all coordinates. */
function table(heads: tf.Tensor2D, z: tf.Tensor2D, cosine: boolean): tf.Tensor {
  if (cosine) return tf.matMul(heads, z, false, true);
  const [rows, columns] = z.shape;
  if (columns <= FEW) {
    const parts = Array.from({ length: columns }, (_, c) =>
      tf.square(
        tf.sub(
          tf.slice(heads, [0, c], [heads.shape[0], 1]),
          tf.reshape(tf.slice(z, [0, c], [rows, 1]), [1, rows]),
        ),
      ),
    );
    return tf.addN(parts);
  }
  // |a|^2 + |b|^2 - 2 ab loses digits far from the origin.
  const center = detach(z, (values) => tf.mean(values, 0, true));
  const [a, b] = [tf.sub(heads, center), tf.sub(z, center)] as const;
  const squares = tf.add(tf.sum(tf.square(a), 1, true), tf.reshape(tf.sum(tf.square(b), 1), [1, rows]));
  return tf.relu(tf.sub(squares, tf.mul(2, tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, false, true))));
}

/** log(1 + u) of the pair and log(1 + 1 / u) of each negative, u = kappa (1 + d^2); with a tangent u = d^2. */
function ofDistances(
  tangent: number | undefined,
  { own, others, counts }: Values,
  numbers: tf.Tensor,
  kappa: tf.Tensor,
): tf.Tensor {
  const offset = tangent === undefined ? 1 : 0;
  const attraction = tf.log1p(tf.mul(kappa, tf.add(own, offset)));
  // Anything but 0 for a pair without negatives, whose kappa may be 0.
  const u = tf.mul(tf.add(kappa, missing(numbers)), tf.add(tf.maximum(others, tangent ?? 0), offset));
  let costs = tf.log1p(tf.div(1, u));
  if (tangent !== undefined) {
    const derivative = -1 / (tangent * (1 + tangent));
    costs = tf.add(costs, tf.mul(tf.minimum(tf.sub(others, tangent), 0), derivative));
  }
  return tf.add(attraction, tf.sum(tf.mul(counts, costs), 1, true));
}

/** The same with u = kappa exp(-cosine / temperature). */
function ofCosines(
  { own, others, counts }: Values,
  numbers: tf.Tensor,
  kappa: tf.Tensor,
  temperature: tf.Tensor | number,
): tf.Tensor {
  const attraction = tf.log1p(tf.mul(kappa, tf.exp(tf.neg(tf.div(own, temperature)))));
  const odds = tf.div(tf.exp(tf.div(others, temperature)), tf.add(kappa, missing(numbers)));
  return tf.add(attraction, tf.sum(tf.mul(counts, tf.log1p(odds)), 1, true));
}

/** -log q of the pair + log(sum of q) / kappa, over the negatives, and with `withOwn` over the pair too. */
function contrasted(
  withOwn: boolean,
  cosine: boolean,
  { own, others, counts }: Values,
  numbers: tf.Tensor,
  kappa: tf.Tensor,
  temperature: tf.Tensor | number,
): tf.Tensor {
  const log = (values: tf.Tensor) => (cosine ? tf.div(values, temperature) : tf.neg(tf.log1p(values)));
  const [mine, theirs] = [log(own), log(others)];
  const most = detach(theirs, (values) => {
    const present = tf.where(tf.greater(counts, 0), values, -1e30);
    const largest = tf.max(present, 1, true);
    return withOwn ? tf.maximum(largest, mine) : tf.maximum(largest, -1e4);
  });
  // The entries of rows that are no negatives may be larger than `most`.
  const parts = tf.mul(counts, tf.exp(tf.minimum(tf.sub(theirs, most), 0)));
  const none = missing(numbers);
  const sum = tf.add(tf.sum(parts, 1, true), withOwn ? tf.exp(tf.sub(mine, most)) : none);
  const logSum = tf.div(tf.add(most, tf.log(sum)), kappa);
  return tf.sub(withOwn ? logSum : tf.mul(logSum, tf.sub(1, none)), mine);
}

/** 1 for pairs without negatives, else 0. */
function missing(numbers: tf.Tensor): tf.Tensor {
  return tf.cast(tf.equal(numbers, 0), 'float32');
}
