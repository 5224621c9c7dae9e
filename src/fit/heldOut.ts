/** Rows that take no part in training, and the losses on them. */

import { gatherRows } from '../backend/gatherRows.js';
import { DataError, OptionError } from '../core/errors.js';
import { createRandom, shuffle } from '../core/random.js';
import { type RunStage, untold } from '../core/stages.js';
import * as tf from '../core/tf.js';
import type { Edges, LossTerm, Matrix, Random, Step } from '../core/types.js';
import { type MatrixInput, type RowsInput, takeRows, toMatrixOfWidth } from '../data/matrix.js';
import { edgeSampler, everyRowSampler } from '../data/sampler.js';
import { type Targets, takeTargets } from '../data/targets.js';
import { type GraphOptions, neighborGraph } from '../graph/neighborGraph.js';
import { rowSize } from '../networks/network.js';
import { projectRows } from '../networks/projection.js';
import { rowsForward } from '../training/forward.js';
import { type Evaluation, validate } from '../training/validation.js';
import type { LandmarkInputs, RunInputs } from './inputs.js';
import type { Landmarks } from './landmarks.js';
import type { FitOptions } from './options/fitOptions.js';
import type { FitBase, FitContext, FitNetworks, Learned } from './records.js';
import { type FitRows, type RowOptions, readFitRows } from './rows.js';
import type { ReadingListener } from './sourceRows.js';

/** Rows that are reconstructed at once. */
const RECONSTRUCTED = 1000;
/** Most edges (or rows) per batch, and batches of edges, that the main loss of held-out rows is averaged over. */
const HELD_OUT_EDGES = 1000;
const HELD_OUT_BATCHES = 4;

/** Shares of the time for held-out rows that are over before their graph is weighted, and before they are projected. */
const GRAPH_FROM = 0.7;
const PROJECTION_FROM = 0.8;

/** The main loss of an estimator, on held-out rows. */
export interface HeldOutLoss {
  /** Name in the history, such as `valUmap`. */
  readonly name: string;
  /**
   * The graph of the held-out rows, for a loss of pairs. `stage` runs its two stages. Without a graph, the loss is the mean
   * over all held-out rows.
   */
  graph?(held: Matrix, random: Random, stage: RunStage): Promise<Edges>;
  /** The loss, drawing its negative samples from `random`. */
  loss(random: Random): LossTerm;
}

/**
 * What evaluates held-out rows at a report: the main loss by its name, and `valLoss`, which is the reconstruction loss
 * alone where there is a decoder, else the same as the main loss. Nothing without held-out rows.
 */
export async function heldOutValidator(
  base: FitBase,
  networks: FitNetworks,
  held: Matrix | undefined,
  { name, graph, loss }: HeldOutLoss,
  { pauses, stage }: FitContext,
): Promise<() => Promise<Record<string, number>>> {
  if (held === undefined) return async () => ({});
  const random = base.random.fork('validation');
  const { edges, matrix } = await stage('held-out rows', async (progress) => {
    const part: RunStage = (name, run) => {
      const [from, to] = name === 'neighbors' ? [0, GRAPH_FROM] : [GRAPH_FROM, PROJECTION_FROM];
      return run((done) => progress(from + (to - from) * done));
    };
    const edges = await graph?.(held, random, part);
    const projected = (done: number) => progress(PROJECTION_FROM + (1 - PROJECTION_FROM) * done);
    // Where only principal components are kept of the rows, `held` has them already.
    const projection = base.matrix === base.projected ? undefined : base.projection;
    return { edges, matrix: projection ? await projectRows(held, projection, pauses, projected) : held };
  });
  const rows = { matrix, data: held, encoder: networks.encoder, training: false };
  const [count] = held.shape;
  const batchSize = Math.min(HELD_OUT_EDGES, count);
  const batches = edges ? HELD_OUT_BATCHES : Math.ceil(count / batchSize);
  const reconstruction = heldOutReconstruction(base, networks, rows);
  return async () => {
    // The same edges and negative samples at each report, so that reports can be compared.
    const { compute } = loss(random.fork('negatives'));
    const sampler = edges
      ? edgeSampler(edges, { batchSize, random: random.fork('edges') })
      : everyRowSampler(count, batchSize);
    const main = { name, forward: rowsForward({ ...rows, sampler }), batches, compute };
    const means = await validate(reconstruction ? [reconstruction, main] : [main], pauses);
    return reconstruction ? means : { valLoss: means[name]!, ...means };
  };
}

/** Makes the graph of held-out rows, without targets, by the options of the fit's graph. */
export function heldOutGraph(
  options: GraphOptions,
  { signal }: Pick<FitContext, 'signal'>,
): NonNullable<HeldOutLoss['graph']> {
  return (held, random, stage) => {
    const nNeighbors = Math.min(options.nNeighbors, held.shape[0]);
    const metric = options.metric === 'precomputed' ? 'euclidean' : options.metric;
    const graph = { ...options, nNeighbors, metric };
    return neighborGraph(held, undefined, graph, { signal }, random, { log() {}, stage });
  };
}

/** The reconstruction loss on every held-out row; undefined without a decoder. */
export function heldOutReconstruction(
  { lossFn }: Pick<FitBase, 'lossFn'>,
  { decoder }: Pick<FitNetworks, 'decoder'>,
  rows: Omit<Parameters<typeof rowsForward>[0], 'sampler'>,
): Evaluation | undefined {
  if (!decoder || !lossFn) return undefined;
  const [count] = rows.matrix.shape;
  return {
    name: 'valLoss',
    forward: rowsForward({ ...rows, sampler: everyRowSampler(count, RECONSTRUCTED) }),
    batches: Math.ceil(count / RECONSTRUCTED),
    compute({ batch, input, z }: Step) {
      const target = gatherRows(input.matrix, input.rows, batch.rowCount, decoder.outputShape);
      return tf.mean(lossFn(target, decoder.apply(z, false)));
    },
  };
}

/** Rows to train on, and held-out rows where there are any. */
export interface FitSplit {
  readonly rows: FitRows;
  /** In the frame that the networks take rows in, flat; principal components where those of `rows` are. */
  readonly held: Matrix | undefined;
  /** Which of the rows were split off, by their place among all; undefined where `held` was given. */
  readonly split?: readonly number[] | undefined;
}

/**
 * Reads everything that a fit is given as rows: X, in memory or from a source, targets, landmarks (`kept` are those of earlier
 * calls), held-out rows. Throws `DataError` and `OptionError`.
 */
export async function readFit(
  X: RowsInput,
  targets: Targets | undefined,
  inputs: RunInputs & LandmarkInputs & { readonly knn?: object | undefined },
  kept: Landmarks | undefined,
  options: RowOptions & HeldOutOptions,
  earlier: Learned | undefined,
  listener: ReadingListener = { log() {}, stage: untold },
): Promise<FitSplit> {
  const rows = await readFitRows(X, targets, inputs, kept, options, earlier, listener);
  return withHeldOut(rows, inputs.validation, options);
}

type HeldOutOptions = Pick<FitOptions, 'reconstructionValidation' | 'seed'>;

/**
 * Reads the held-out rows: those of `validation`, or the share of the fit's own rows that it asks for, or those of the option
 * `reconstructionValidation`. Throws `OptionError` for both of the two, and `DataError` for rows that do not fit.
 */
export async function withHeldOut(
  rows: FitRows,
  validation: MatrixInput | number | undefined,
  { reconstructionValidation, seed }: HeldOutOptions,
): Promise<FitSplit> {
  if (validation !== undefined && reconstructionValidation !== null) {
    throw new OptionError(
      'fit: expected one set of held-out rows, got validation and the option reconstructionValidation; leave one out',
    );
  }
  if (typeof validation === 'number') return splitOff(rows, validation, seed);
  const given = validation ?? reconstructionValidation;
  if (given === null) return { rows, held: undefined };
  const caller = `fit: ${validation === undefined ? 'reconstructionValidation' : 'validation'}`;
  const { input, frame, components } = rows;
  const { matrix } = await toMatrixOfWidth(given, rowSize(input.rowShape), caller, { frame });
  if (matrix.shape[0] < 2)
    throw new DataError(`${caller}: expected at least 2 rows, got 1; hold out more rows, or none`);
  return { rows, held: components ? await projectRows(matrix, components.projection) : matrix };
}

/**
 * Splits a share of the rows off, at least 2, drawn by the seed. Landmarks stay among the rows to train on. Throws
 * `DataError` where fewer than 2 would be left on either side.
 */
export function splitOff(rows: FitRows, share: number, seed: number | string): FitSplit {
  const { input, y, positions } = rows;
  const [count] = input.matrix.shape;
  const width = positions?.shape[1] ?? 0;
  const free = Array.from({ length: count }, (_, row) => row).filter(
    (row) => !positions || Number.isNaN(positions.data[row * width]!),
  );
  const size = Math.max(2, Math.round(share * count));
  if (size > free.length || count - size < 2) {
    throw new DataError(
      `fit: expected a validation share that leaves 2 rows or more on either side, got ${share} of ${count} rows; give more rows`,
    );
  }
  const drawn = new Set(shuffle(free, createRandom(seed).fork('validation rows')).slice(0, size));
  const [held, kept] = [true, false].map((isHeld) =>
    Array.from({ length: count }, (_, row) => row).filter((row) => drawn.has(row) === isHeld),
  ) as [number[], number[]];
  return {
    split: held,
    held: takeRows(input.matrix, held),
    rows: {
      ...rows,
      input: { ...input, matrix: takeRows(input.matrix, kept) },
      y: y && takeTargets(y, kept),
      positions: positions && takeRows(positions, kept),
    },
  };
}
