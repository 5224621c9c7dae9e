/** The training loop: embeds a batch, adds up the losses, takes a step. It depends on no particular loss or network. */

import { holdBackend } from '../backend/choose.js';
import { DivergedError, OptionError } from '../core/errors.js';
import { pausesFor } from '../core/pauses.js';
import { isError } from '../core/realms.js';
import * as tf from '../core/tf.js';
import type {
  Forward,
  LossTerm,
  Optimizer,
  Progress,
  Schedule,
  Step,
  StepContext,
  Trainable,
} from '../core/types.js';

/** Where the loop is between two steps, beside what `TrainState` has. */
export interface LoopState {
  /** Gradient steps done. */
  readonly step: number;
  /** Reports done. */
  readonly reports: number;
  /** Sums of the losses since the last report, the total first; empty for none. Default: none. */
  readonly sums?: readonly number[];
  /** Steps since the last report. Default 0. */
  readonly summed?: number;
  /** Weights at the last finite report, or at the start. Default: the present ones. */
  readonly lastFinite?: readonly Float32Array[];
}

/** Saves the state of a training while it runs. */
export interface Saver {
  /** Whether to save after the step with this number. Asked before it, since no batch may be drawn ahead over a saved state. */
  due(step: number): boolean;
  save(state: LoopState): Promise<void>;
}

/** What an estimator remembers of a training beside weights, such as the best ones. */
export interface Kept {
  /** Plain data; typed arrays may be in it. */
  state(): unknown;
  restore(state: unknown): void | Promise<void>;
}

export interface TrainOptions<S extends Step = Step> {
  readonly forward: Forward<S>;
  readonly terms: readonly LossTerm<S>[];
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  /** Number of gradient steps. */
  readonly steps: number;
  /** Number of reports, spread evenly; at most `steps`. */
  readonly reports: number;
  /** Each gradient element is clipped to [-clipValue, clipValue]. */
  readonly clipValue: number;
  /** Backend of this training, made active again after each pause. Default: the active one. */
  readonly backend?: string;
  readonly signal?: AbortSignal;
  /** What is already done. Default: nothing. */
  readonly from?: LoopState | undefined;
  /** Saves the state at steps that it chooses, and when the training is aborted. Default: none. */
  readonly saver?: Saver | undefined;
  /** Memory that `TrainState` includes; the loop does not read it. Default: none. */
  readonly kept?: Kept | undefined;
  /** Called after every step with its number, its number of rows and its total loss, which the loop disposes of. */
  readonly onStep?: (step: number, rows: number, loss: tf.Scalar) => Promise<void> | void;
  /** Numbers to report (see `Progress`), where that part of the training was done at the last step. Default: none. */
  readonly numbers?: ((done: number) => Promise<Readonly<Record<string, number>>>) | undefined;
}

/**
 * Trains and yields a `Progress` at every report. Stops when the consumer does. Throws the signal's reason
 * when aborted, and `DivergedError` for a report whose loss is not finite, after restoring the weights of the last finite
 * report (or of the start).
 */
export async function* train<S extends Step>(options: TrainOptions<S>): AsyncGenerator<Progress, void, void> {
  const { forward, terms, steps, schedule, backend, signal, onStep, from, saver } = options;
  const reports = Math.min(options.reports, steps);
  const trained = trainedBy(forward, terms);
  const sums = lossSums(terms, from);
  const { take, ready, drawn, otherRates } = stepper(options, trained);
  const hold = () => {
    if (backend !== undefined) holdBackend(backend);
  };
  try {
    let lastFinite = from?.lastFinite ?? (await readWeights(trained));
    // An aborted training may have to take one more step, see below.
    const pauses = pausesFor(saver ? undefined : signal);
    let saved = -1;
    const save = async (step: number, reports: number) => {
      if (saved !== step) await saver?.save({ step, reports, ...(await sums.state()), lastFinite });
      saved = step;
      hold();
    };
    for (let step = from?.step ?? 0, epoch = from?.reports ?? 0; epoch < reports; epoch++) {
      const until = Math.round(((epoch + 1) * steps) / reports);
      for (; step < until; step++) {
        await pauses.take();
        hold();
        // With a batch that is drawn already the state cannot be saved, so that step is taken first.
        if (signal?.aborted && !drawn()) {
          await save(step, epoch);
          signal.throwIfAborted();
        }
        await ready();
        hold();
        const due = signal?.aborted || saver?.due(step) === true;
        const context = { done: step / steps, ahead: !due && (step + 1 < until || step + 1 === steps) };
        const { rows, losses } = take(context, step);
        try {
          await onStep?.(step, rows, losses[0]!);
          sums.add(losses);
        } finally {
          tf.dispose(losses);
        }
        if (due) await save(step + 1, epoch);
      }
      const losses = await sums.take();
      if (!Object.values(losses).every(Number.isFinite)) {
        writeWeights(trained, lastFinite);
        throw diverged(losses, step, epoch, schedule.rate(step - 1));
      }
      lastFinite = await readWeights(trained);
      const learningRate = schedule.rate(step - 1);
      const learningRates = otherRates(learningRate);
      const numbers = await options.numbers?.((step - 1) / steps);
      hold();
      const progress = {
        epoch,
        epochs: reports,
        step,
        steps,
        losses,
        learningRate,
        ...(learningRates && { learningRates }),
        ...(numbers && { numbers }),
      };
      schedule.report?.(progress);
      yield progress;
    }
  } finally {
    sums.dispose();
  }
}

/** Everything that the forward pass and the losses train, without duplicates. */
export function trainedBy<S extends Step>(
  forward: Pick<Forward<S>, 'trained'>,
  terms: readonly Pick<LossTerm<S>, 'trained'>[],
): Trainable[] {
  return [...new Set([...forward.trained, ...terms.flatMap((term) => term.trained ?? [])])];
}

function stepper<S extends Step>(
  { forward, terms, optimizer, schedule, clipValue, from }: TrainOptions<S>,
  trained: readonly Trainable[],
) {
  const variables = trained.flatMap((part) => part.variables());
  const groups = trained.flatMap((part) => part.variables().map(() => part.group));
  const distinct = [...new Set(groups)];
  const ratesAt = (step: number) => new Map(distinct.map((group) => [group, schedule.rate(step, group)]));
  // A training that goes on right before a report reports the rates of a step taken earlier.
  let rateOf: ReadonlyMap<string | undefined, number> = from?.step ? ratesAt(from.step - 1) : new Map();
  // Result of `begin` for the batch of the next step; undefined before it is called.
  let begun: { readonly rows: void | Promise<void> } | undefined;
  const begin = () => {
    begun = { rows: forward.begin() };
  };
  const take = (context: StepContext, step: number): { rows: number; losses: tf.Scalar[] } => {
    // The total first, then each term; kept for the sums.
    const losses: tf.Scalar[] = [];
    let rows = 0;
    rateOf = ratesAt(step);
    const rates = groups.map((group) => rateOf.get(group)!);
    begun = undefined;
    try {
      tf.tidy(() => {
        const { grads } = gradients(() => {
          const embedded = forward.apply(context);
          rows = embedded.batch.rowCount;
          const values = terms.map((term) => term.compute(embedded));
          const weighted = values.map((value, i) => {
            const { weight } = terms[i]!;
            return weight === 1 ? value : tf.mul(value, weight);
          });
          const total = weighted.reduce((sum, value) => tf.add(sum, value)) as tf.Scalar;
          losses.push(tf.keep(tf.clone(total)), ...values.map((value) => tf.keep(tf.clone(value))));
          return total;
        }, variables);
        // Other threads fetch the next rows while the optimizer works.
        if (context.ahead) begin();
        const all = variables.map((variable) => grads[variable.name] ?? tf.zerosLike(variable));
        optimizer.step(variables, all, rates, clipValue);
      });
    } catch (error) {
      tf.dispose(losses);
      throw error;
    }
    return { rows, losses };
  };
  return {
    take,
    /** The rates of groups of variables in the last step, where they are not the common one; undefined for none. */
    otherRates(common: number): Record<string, number> | undefined {
      const others = [...rateOf].filter(([group, rate]) => group !== undefined && rate !== common);
      return others.length > 0 ? Object.fromEntries(others) : undefined;
    },
    /** Settles when the rows of the next step are fetched. */
    ready(): void | Promise<void> {
      if (begun === undefined) begin();
      return begun!.rows;
    },
    /** Whether the batch of the next step is drawn. */
    drawn: () => begun !== undefined,
  };
}

/** `tf.variableGrads`, which does not free the tensors saved on its tape when the loss throws. */
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
    'encoder: expected a map that depends on its trainable weights, got one that does not; ' +
      'let trainable layers lead to its output by operations that have gradients',
    { cause },
  );
}

/** Running sums of the losses on the device, read once per report. */
function lossSums(terms: readonly Pick<LossTerm, 'name'>[], from: LoopState | undefined) {
  const names = ['loss', ...terms.map((term) => term.name)];
  let sums: tf.Tensor[] = (from?.sums ?? []).map((sum) => tf.scalar(sum));
  let count = from?.summed ?? 0;
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
    /** For `LoopState`. */
    async state() {
      const values = await Promise.all(sums.map((sum) => sum.data()));
      return { sums: values.map((value) => value[0]!), summed: count };
    },
    dispose: clear,
  };
}

function diverged(losses: Record<string, number>, step: number, epoch: number, rate: number): DivergedError {
  const terms = Object.entries(losses).map(([name, value]) => `${name} ${value}`);
  return new DivergedError(
    `training: expected a finite loss, got ${terms.join(', ')} in report ${epoch} (up to step ${step}, learning rate ${rate}); ` +
      `weights of ${epoch === 0 ? 'the start' : `report ${epoch - 1}`} were kept; lower learningRate or check the encoder`,
  );
}

/** All weights of `trained`, on the host. */
export async function readWeights(trained: readonly Trainable[]): Promise<Float32Array[]> {
  const weights = trained.flatMap((part) => part.weights());
  return Promise.all(weights.map(async (weight) => Float32Array.from(await weight.data())));
}

/** Restores weights from `readWeights`. The arrays are copied, since some backends would use them as they are. */
export function writeWeights(trained: readonly Trainable[], values: readonly Float32Array[]): void {
  const weights = trained.flatMap((part) => part.weights());
  tf.tidy(() => {
    weights.forEach((weight, i) => {
      weight.assign(tf.tensor(values[i]!.slice(), weight.shape, weight.dtype));
    });
  });
}
