/** The loop: draw a batch, encode it once, add the terms up, step. It knows no loss by name. */

import { holdBackend } from '../backend/choose.js';
import { gatherRows } from '../backend/gatherRows.js';
import { DivergedError, OptionError } from '../core/errors.js';
import { pausesFor } from '../core/pauses.js';
import { isError } from '../core/realms.js';
import * as tf from '../core/tf.js';
import type { Batch, LossTerm, Matrix, Network, Optimizer, Progress, Sampler } from '../core/types.js';

export interface TrainOptions {
  /** Rows as the encoder takes them. */
  readonly matrix: Matrix;
  readonly sampler: Sampler;
  readonly encoder: Network;
  readonly terms: readonly LossTerm[];
  readonly optimizer: Optimizer;
  /** Learning rate of a step, from 0 to `steps - 1`. */
  readonly learningRate: (step: number) => number;
  /** Gradient steps. */
  readonly steps: number;
  /** Reports in all, spread evenly; at most `steps`. */
  readonly reports: number;
  /** Each gradient element is clipped to [-clipValue, clipValue]. */
  readonly clipValue: number;
  /** The backend of this training, made active again after others had their turn. Default: whatever is active. */
  readonly backend?: string;
  readonly signal?: AbortSignal;
  /** Called after every step with its number, the rows it took and its total loss, which belongs to the loop. */
  readonly onStep?: (step: number, rows: number, loss: tf.Scalar) => Promise<void> | void;
}

/**
 * Trains and yields a `Progress` at every report. Stops when the consumer stops; throws the signal's reason
 * when aborted, and `DivergedError` for a report whose loss is not finite, with the weights of the last
 * finite report (or of the start) put back.
 */
export async function* train(options: TrainOptions): AsyncGenerator<Progress, void, void> {
  const { terms, encoder, steps, learningRate, backend, signal, onStep } = options;
  const reports = Math.min(options.reports, steps);
  const networks = trainedNetworks(encoder, terms);
  const variables = networks.flatMap((network) => network.variables());
  const meter = lossMeter(terms);
  const takeStep = stepper(options, variables);
  try {
    let good = await readWeights(networks);
    const pauses = pausesFor(signal);
    for (let step = 0, epoch = 0; epoch < reports; epoch++) {
      const until = Math.round(((epoch + 1) * steps) / reports);
      for (; step < until; step++) {
        await pauses.take();
        if (backend !== undefined) holdBackend(backend);
        const { rows, losses } = takeStep(learningRate(step));
        try {
          await onStep?.(step, rows, losses[0]!);
          meter.add(losses);
        } finally {
          tf.dispose(losses);
        }
      }
      const losses = await meter.take();
      if (!Object.values(losses).every(Number.isFinite)) {
        writeWeights(networks, good);
        throw diverged(losses, step, epoch, learningRate(step - 1));
      }
      good = await readWeights(networks);
      yield { epoch, epochs: reports, step, steps, losses, learningRate: learningRate(step - 1) };
    }
  } finally {
    meter.dispose();
  }
}

/** The encoder and the networks of the terms, each once. */
export function trainedNetworks(encoder: Network, terms: readonly LossTerm[]): Network[] {
  return [...new Set([encoder, ...terms.flatMap((term) => term.networks ?? [])])];
}

function stepper(
  { matrix, sampler, encoder, terms, optimizer, clipValue }: TrainOptions,
  variables: tf.Variable[],
) {
  const reader = encoder.reader?.table === matrix ? encoder.reader : undefined;
  // The next batch is drawn while other threads take the gradient back, if there are any.
  let batch: Batch;
  let drawn = false;
  const draw = () => {
    if (!drawn) batch = sampler.next();
    drawn = true;
  };
  const fetch = () => {
    draw();
    reader?.fetch(batch.rows, batch.rowCount);
    drawn = false;
  };
  const encode = ({ rows, rowCount }: Batch) =>
    reader ? reader.apply(draw) : encoder.apply(gatherRows(matrix, rows, rowCount, encoder.inputShape), true);
  fetch();
  return (rate: number): { rows: number; losses: tf.Scalar[] } => {
    const rows = batch.rowCount;
    // The total first, then each term; kept for the meter.
    const losses: tf.Scalar[] = [];
    try {
      tf.tidy(() => {
        const { grads } = gradients(() => {
          const z = encode(batch) as tf.Tensor2D;
          const values = terms.map((term) => term.compute({ batch, z }));
          const weighted = values.map((value, i) => {
            const { weight } = terms[i]!;
            return weight === 1 ? value : tf.mul(value, weight);
          });
          const total = weighted.reduce((sum, value) => tf.add(sum, value)) as tf.Scalar;
          losses.push(tf.keep(tf.clone(total)), ...values.map((value) => tf.keep(tf.clone(value))));
          return total;
        }, variables);
        // The next rows are on their way while this step is taken.
        fetch();
        const slopes = variables.map((variable) => grads[variable.name] ?? tf.zerosLike(variable));
        optimizer.step(variables, slopes, rate, clipValue);
      });
    } catch (error) {
      tf.dispose(losses);
      throw error;
    }
    return { rows, losses };
  };
}

/** `tf.variableGrads`, which forgets to free what its tape has saved when the loss throws. */
function gradients(loss: () => tf.Scalar, variables: tf.Variable[]) {
  try {
    return tf.variableGrads(loss, variables);
  } catch (error) {
    const { state } = tf.engine();
    for (const node of state.activeTape ?? []) tf.dispose(node.saved ?? []);
    state.activeTape = null as unknown as typeof state.activeTape;
    throw isError(error) && error.message.startsWith('Cannot find a connection')
      ? withoutGradient(error)
      : error;
  }
}

function withoutGradient(cause: Error): OptionError {
  return new OptionError(
    'encoder: a map that depends on its trainable weights expected, got one that does not; ' +
      'let trainable layers lead to its output by operations that have gradients',
    { cause },
  );
}

/** Running sums on the device: read once a report. */
function lossMeter(terms: readonly LossTerm[]) {
  const names = ['loss', ...terms.map((term) => term.name)];
  let sums: tf.Tensor[] = [];
  let count = 0;
  const clear = () => {
    tf.dispose(sums);
    sums = [];
    count = 0;
  };
  return {
    add(values: readonly tf.Scalar[]) {
      const next = values.map((value, i) => (count === 0 ? tf.clone(value) : tf.add(sums[i]!, value)));
      tf.dispose(sums);
      sums = next;
      count++;
    },
    async take(): Promise<Record<string, number>> {
      const totals = await Promise.all(sums.map((sum) => sum.data()));
      const means = Object.fromEntries(names.map((name, i) => [name, totals[i]![0]! / count]));
      clear();
      return means;
    },
    dispose: clear,
  };
}

function diverged(losses: Record<string, number>, step: number, epoch: number, rate: number): DivergedError {
  const terms = Object.entries(losses).map(([name, value]) => `${name} ${value}`);
  return new DivergedError(
    `training: a finite loss wanted, got ${terms.join(', ')} in report ${epoch} (up to step ${step}, learning rate ${rate}); ` +
      `weights of ${epoch === 0 ? 'the start' : `report ${epoch - 1}`} were kept; lower learningRate or check the encoder`,
  );
}

/** All weights of the networks, on the host. */
export async function readWeights(networks: readonly Network[]): Promise<Float32Array[]> {
  const weights = networks.flatMap((network) => network.model.weights);
  return Promise.all(weights.map(async (weight) => Float32Array.from(await weight.read().data())));
}

/** Puts copies of weights back that `readWeights` took: some backends would go on with the arrays themselves. */
export function writeWeights(networks: readonly Network[], values: readonly Float32Array[]): void {
  const weights = networks.flatMap((network) => network.model.weights);
  tf.tidy(() => {
    weights.forEach((weight, i) => {
      weight.write(tf.tensor(values[i]!.slice(), weight.read().shape, weight.read().dtype));
    });
  });
}
