/**
 * SimCLR: a network learns from pairs of altered images, without labels. Then ten labeled images a class teach a linear
 * classifier more than they do by their pixels.
 */
import { ContrastiveEmbedding, tf } from 'parametric-umap';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';

const imageShape = [8, 8, 1] as const;
const batchSize = 128;

/** Images turned, scaled, sheared and moved at random, with noise. Takes the seeds from `seed` to `seed + 6`. */
function altered(images: tf.Tensor4D, seed: number): tf.Tensor4D {
  return tf.tidy(() => {
    let drawn = seed;
    const draw = (most: number) => tf.randomUniform([images.shape[0]], -most, most, 'float32', drawn++);
    const [turn, shear, width, height] = [draw(0.3), draw(0.2), tf.exp(draw(0.2)), tf.exp(draw(0.2))];
    // Position in the image = [a b; d e] (position in the view - center) + center + shift.
    const [cos, sin] = [tf.cos(turn), tf.sin(turn)];
    const [a, b] = [tf.mul(cos, width), tf.sub(tf.mul(cos, shear), tf.mul(sin, height))];
    const [d, e] = [tf.mul(sin, width), tf.add(tf.mul(sin, shear), tf.mul(cos, height))];
    const offset = (sum: tf.Tensor) => tf.add(draw(1), tf.mul(tf.sub(1, sum), 3.5));
    const [c, f, zero] = [offset(tf.add(a, b)), offset(tf.add(d, e)), tf.zerosLike(a)];
    const maps = tf.stack([a, b, c, d, e, f, zero, zero], 1) as tf.Tensor2D;
    const moved = tf.image.transform(images, maps, 'bilinear');
    return tf.add(moved, tf.randomNormal(moved.shape, 0, 0.1, 'float32', drawn));
  });
}

/** Two views of randomly chosen images, batch after batch. */
function* pairs(images: tf.Tensor4D, seed: number): Generator<[tf.Tensor, tf.Tensor]> {
  for (let draw = 1e6 * seed; ; draw += 20) {
    yield tf.tidy(() => {
      const chosen = tf.randomUniform([batchSize], 0, images.shape[0], 'int32', draw);
      const batch = tf.gather(images, chosen as tf.Tensor1D);
      return [altered(batch, draw + 1), altered(batch, draw + 10)];
    });
  }
}

/** A small convolutional network, and the projection that only the training uses. */
function network(seed: number): { encoder: tf.LayersModel; representation: tf.LayersModel } {
  const { conv2d, dense, flatten } = tf.layers;
  let layer = 0;
  const start = () => ({ kernelInitializer: tf.initializers.heNormal({ seed: 100 * seed + layer++ }) });
  const convolution = { kernelSize: 3, padding: 'same', activation: 'relu' } as const;
  const encoder = tf.sequential({
    layers: [
      conv2d({ ...convolution, ...start(), inputShape: [...imageShape], filters: 16 }),
      conv2d({ ...convolution, ...start(), filters: 32, strides: 2 }),
      conv2d({ ...convolution, ...start(), filters: 64 }),
      flatten(),
      dense({ ...start(), units: 128, activation: 'relu', name: 'representation' }),
      dense({ ...start(), units: 64, activation: 'relu' }),
      dense({ ...start(), units: 32 }),
    ],
  });
  const { output } = encoder.getLayer('representation');
  return { encoder, representation: tf.model({ inputs: encoder.inputs, outputs: output }) };
}

/** Row numbers of `count` random images of each class. */
function choose(labels: Int32Array, count: number, seed: number): number[] {
  const draws = tf.tidy(
    () => tf.randomUniform([labels.length], 0, 1, 'float32', seed).arraySync() as number[],
  );
  const order = [...labels.keys()].sort((i, j) => draws[i]! - draws[j]!);
  const left = new Array<number>(10).fill(count);
  return order.filter((row) => left[labels[row]!]!-- > 0);
}

interface Labeled {
  /** One row per image. */
  readonly rows: tf.Tensor2D;
  readonly labels: Int32Array;
}

/** Held-out accuracy of a linear classifier, a multinomial logistic regression. */
async function probe(train: Labeled, test: Labeled): Promise<number> {
  const zeros = (...shape: number[]) => tf.tidy(() => tf.variable(tf.zeros(shape)));
  const [weights, bias] = [zeros(train.rows.shape[1], 10), zeros(10)];
  const optimizer = tf.train.adam(0.05);
  const right = tf.tidy(() => {
    const { mean, variance } = tf.moments(train.rows, 0);
    const deviation = tf.sqrt(tf.mean(variance));
    const scores = ({ rows }: Labeled) =>
      tf.add(tf.matMul(tf.div(tf.sub(rows, mean), deviation), weights), bias);
    const expected = tf.oneHot(tf.tensor1d(train.labels, 'int32'), 10);
    const loss = () => {
      const penalty = tf.mul(tf.sum(tf.square(weights)), 0.003);
      return tf.add(tf.losses.softmaxCrossEntropy(expected, scores(train)), penalty) as tf.Scalar;
    };
    for (let step = 0; step < 150; step++) optimizer.minimize(loss, false, [weights, bias]);
    return tf.mean(tf.equal(tf.argMax(scores(test), 1), tf.tensor1d(test.labels, 'int32')));
  });
  const [accuracy] = await right.data();
  tf.dispose([weights, bias, right]);
  optimizer.dispose();
  return accuracy!;
}

export interface SimclrOptions {
  /** Gradient steps. Default 400. */
  readonly steps?: number;
  /** Of the network and the views. Default 1. */
  readonly seed?: number;
  /** Of the loss. Default 0.5. */
  readonly temperature?: number;
  /** Number of choices of labeled images, over which accuracies are averaged. Default 5. */
  readonly choices?: number;
}

export async function main(
  digits = loadDigits(),
  { steps = 400, seed = 1, choices = 5, temperature = 0.5 }: SimclrOptions = {},
) {
  const { train: known, trainLabels, test: unknown, testLabels } = await digits;
  const [images, heldOut] = [known, unknown].map(({ data, shape: [count] }) =>
    tf.tensor4d(data, [count, ...imageShape]),
  );
  const { encoder, representation } = network(seed);
  const simclr = new ContrastiveEmbedding({
    ...{ encoder, nComponents: 32, similarity: 'cosine', temperature },
    ...{ learningRate: 0.003, lossReportFrequency: 5 },
  });
  await simclr.fit(() => pairs(images!, seed), null, { steps });
  const losses = simclr.history.infonce!;
  simclr.dispose();
  const views = {
    pixels: (x: tf.Tensor) => tf.reshape(x, [-1, 64]) as tf.Tensor2D,
    representation: (x: tf.Tensor) => representation.predict(x) as tf.Tensor2D,
  };
  const accuracy = { pixels: 0, representation: 0 };
  for (let choice = 0; choice < choices; choice++) {
    const chosen = choose(trainLabels, 10, 10 * seed + choice);
    const labeled = tf.gather(images!, chosen);
    const labels = Int32Array.from(chosen, (row) => trainLabels[row]!);
    for (const [name, view] of Object.entries(views)) {
      const [rows, held] = [view(labeled), view(heldOut!)];
      const part = await probe({ rows, labels }, { rows: held, labels: testLabels });
      accuracy[name as keyof typeof views] += part / choices;
      tf.dispose([rows, held]);
    }
    labeled.dispose();
  }
  tf.dispose([images!, heldOut!]);
  encoder.dispose(); // and with it the layers of the representation
  return { losses, ...accuracy };
}

if (isProgram(import.meta.url)) {
  const { pixels, representation } = await main();
  console.log('held-out accuracy of a linear classifier with 10 labels a class');
  console.log(`on pixels: ${pixels.toFixed(3)}`);
  console.log(`on the learned representation: ${representation.toFixed(3)}`);
}
