/** A callback that records embeddings, losses and what they approximate, over a training. */

import { OptionError } from '../core/errors.js';
import { resolveOptions } from '../core/options.js';
import { pausesFor } from '../core/pauses.js';
import { createRandom, shuffle } from '../core/random.js';
import { choice, either, flag, integer, type Rule } from '../core/rules.js';
import type { Stage } from '../core/stages.js';
import type { Matrix } from '../core/types.js';
import { takeRows } from '../data/matrix.js';
import { divergenceInParts, partitionInParts, type Similarity, unitRows } from '../metrics/similarity.js';
import type { Training, TrainingCallback } from './callbacks.js';

/** Options of `embeddingLog`. */
export interface EmbeddingLogOptions {
  /** Reports from one record to the next, at least 1. Default 1. */
  readonly every?: number | undefined;
  /**
   * Which of the fitted rows are recorded: a number of them, at least 2, drawn once and the same in every fit of as many rows;
   * or at least two different row numbers. Default 1000; all rows where there are fewer.
   */
  readonly rows?: number | ArrayLike<number> | undefined;
  /** Whether to compute `partition`, which compares all pairs of the recorded rows. Default true. */
  readonly partition?: boolean | undefined;
  /**
   * Whether to compute `divergence`, which compares all pairs of all fitted rows. Default `'auto'`: up to 5,000 rows. With
   * true, a fit without a graph or a similarity throws `OptionError`.
   */
  readonly divergence?: boolean | 'auto' | undefined;
}

/** One record of an `embeddingLog`. */
export interface EmbeddingRecord {
  /** Number of the fit among those that the log has followed, from 1. */
  readonly fit: number;
  /** When it was made: before anything is trained, after the warm start (where there is one), or at a report. */
  readonly moment: 'start' | 'warm start' | 'report';
  /** Reports done. */
  readonly epoch: number;
  /** Gradient steps done. */
  readonly step: number;
  /** Numbers of the recorded rows among the fitted ones, ascending unless given otherwise. */
  readonly rows: Int32Array;
  /** Positions of these rows, in the same order. */
  readonly positions: Matrix;
  /** Losses of the report by name, `loss` the weighted total; empty before the first report. */
  readonly losses: Readonly<Record<string, number>>;
  /** Values of learned numbers by name, such as `Z` and `temperature`; empty where there are none. */
  readonly numbers: Readonly<Record<string, number>>;
  /**
   * The partition function: the sum of q(i, j) over all ordered pairs of different fitted rows, where q is the similarity of the
   * estimator. Where `divergence` is computed, over all rows; else over the recorded rows, times n (n - 1) / (m (m - 1)) for m
   * recorded of n rows, which is right on average for rows drawn at random. Undefined if not computed.
   */
  readonly partition: number | undefined;
  /**
   * KL(P || Q) over all fitted rows, at least 0: P are the weights of the graph and Q the similarities, each divided by their
   * sum over all pairs. Undefined if not computed.
   */
  readonly divergence: number | undefined;
}

/** A callback with the records that it makes. */
export type EmbeddingLog = TrainingCallback & {
  /** All records so far, in order; those of a later fit follow those of earlier ones. */
  readonly records: readonly EmbeddingRecord[];
};

const defaults: Required<EmbeddingLogOptions> = { every: 1, rows: 1000, partition: true, divergence: 'auto' };

/** Different row numbers. Whether there are so many rows is known at the fit. */
const rowNumbers: Rule = {
  kind: 'list',
  text: 'at least 2 different row numbers',
  accepts(value) {
    if (!Array.isArray(value) && !(value instanceof Int32Array)) return false;
    const numbers: unknown[] = Array.from(value);
    return (
      numbers.length >= 2 &&
      new Set(numbers).size === numbers.length &&
      numbers.every((row) => Number.isInteger(row) && (row as number) >= 0)
    );
  },
  bad: [null, 'all', [], [3], [1, 1], [0, 0.5], [-1, 2], {}],
};

/** What a log remembers. */
interface LogState {
  readonly fit: number;
  /** The last report, and whether it is recorded. */
  readonly last?: { epoch: number; losses: Record<string, number>; recorded: boolean } | undefined;
  readonly records: readonly EmbeddingRecord[];
}

/** Most rows whose pairs are all compared at each record with `divergence: 'auto'`. */
const MOST_COMPARED = 5000;

/**
 * A callback that records the embedding of a sample of the fitted rows, with losses and learned numbers: before training,
 * after the warm start, at every `every`-th report and at the last one. `log.records` can be read during the training and
 * after it; records of a fit that fails stay. A later fit appends its records. If another callback ends the training at a
 * report that is not recorded, this report is recorded at the end, with the weights that the training has then.
 *
 * Recording changes no bit of what is learned; a fit that goes on from a checkpoint has the records made before. Use one log per estimator. Throws `OptionError` for a wrong option; the fit throws
 * it for row numbers that it does not have.
 *
 * ```js
 * const log = embeddingLog({ rows: 500 });
 * await new ParametricUMAP({ callbacks: [log] }).fit(rows);
 * console.log(log.records.map(({ step, partition }) => [step, partition]));
 * ```
 */
export function embeddingLog(options: EmbeddingLogOptions = {}): EmbeddingLog {
  const chosen = resolveOptions<Required<EmbeddingLogOptions>>('embeddingLog', options, defaults, {
    every: integer(1),
    rows: either(integer(2), rowNumbers),
    partition: flag,
    divergence: either(flag, choice('auto')),
  });
  const records: EmbeddingRecord[] = [];
  let training: Training | undefined;
  let epochs = 0;
  let rows: Int32Array = new Int32Array(0);
  let fit = 0;
  let last: LogState['last'];
  const record = async (moment: EmbeddingRecord['moment']) => {
    const { epoch = 0, losses = {} } = last ?? {};
    const measured = await measure(training!, rows, chosen);
    records.push({ fit, moment, epoch, step: training!.step, rows, ...measured, losses });
    if (last) last.recorded = true;
  };
  return {
    records,
    setParams(params: Record<string, unknown>) {
      training = params.training as Training;
      epochs = params.epochs as number;
    },
    async onTrainBegin() {
      rows = rowsOf(training!, chosen);
      fit++;
      last = undefined;
      await record('start');
    },
    async onStage(stage: Stage, done: number | undefined) {
      if (stage === 'warm start' && done === 1) await record('warm start');
    },
    async onEpochEnd(report: number, logs?: Readonly<Record<string, number>>) {
      last = { epoch: report + 1, losses: lossesOf(logs ?? {}), recorded: false };
      if (last.epoch % chosen.every === 0 || last.epoch === epochs) await record('report');
    },
    async onTrainEnd() {
      if (last?.recorded === false) await record('report');
    },
    state: (): LogState => ({ fit, last, records }),
    restore(state: unknown) {
      const saved = state as LogState;
      ({ fit, last } = saved);
      const none: Pick<EmbeddingRecord, 'partition' | 'divergence'> = {
        partition: undefined,
        divergence: undefined,
      };
      const whole = saved.records.map((each) => Object.assign({}, none, each));
      records.splice(0, records.length, ...whole);
    },
  };
}

/** The rows to record. Throws `OptionError` where the fit does not have what was asked for. */
function rowsOf(training: Training, { rows, divergence }: Required<EmbeddingLogOptions>): Int32Array {
  const count = training.rows;
  if (divergence === true && !comparable(training)) {
    throw new OptionError(
      'embeddingLog: divergence: expected a fit with a graph and a similarity, got one without; leave divergence out',
    );
  }
  if (typeof rows === 'number') {
    const all = Int32Array.from({ length: count }, (_, i) => i);
    if (rows >= count) return all;
    // A stream of its own, so that the training draws what it draws without a log.
    return shuffle(all, createRandom('embedding log')).slice(0, rows).sort();
  }
  const given = Int32Array.from(rows);
  const beyond = given.find((row) => row >= count);
  if (beyond === undefined) return given;
  throw new OptionError(
    `embeddingLog: rows: expected row numbers below ${count}, the number of fitted rows, got ${beyond}; correct them`,
  );
}

/** Whether there is a graph of all fitted rows, and a similarity. */
function comparable({ edges, similarity, rows }: Training): boolean {
  return edges !== undefined && similarity !== undefined && edges.vertices === rows;
}

type Measured = Pick<EmbeddingRecord, 'positions' | 'numbers' | 'partition' | 'divergence'>;

async function measure(
  training: Training,
  sample: Int32Array,
  options: Required<EmbeddingLogOptions>,
): Promise<Measured> {
  const { edges, similarity, rows } = training;
  const asked = options.divergence === 'auto' ? rows <= MOST_COMPARED : options.divergence;
  const compares = asked && comparable(training);
  const all = compares ? await training.embed() : undefined;
  const positions = all ? takeRows(all, sample) : await training.embed(sample);
  const numbers = await training.numbers();
  const bare = { positions, numbers, partition: undefined, divergence: undefined };
  if (!similarity || !(compares || options.partition)) return bare;
  const q: Similarity = (squaredDistance) => similarity(squaredDistance, numbers);
  const points = (matrix: Matrix) => (training.unitLength ? unitRows(matrix) : matrix);
  const pauses = pausesFor();
  if (!all) {
    const [m] = positions.shape;
    const sum = await pauses.run(partitionInParts(points(positions), q));
    return { ...bare, partition: (sum * (rows * (rows - 1))) / (m * (m - 1)) };
  }
  const compared = points(all);
  const partition = await pauses.run(partitionInParts(compared, q));
  const divergence = await pauses.run(divergenceInParts(edges!, compared, q, partition));
  return { ...bare, divergence, ...(options.partition && { partition }) };
}

/** The losses of a report, without the second names that held-out losses have for Keras' sake. */
function lossesOf(logs: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(logs).filter(([name]) => !name.startsWith('val_')));
}
