/** Rows that take no part in training, and the losses on them. */

import { gatherRows } from '../../backend/gatherRows.js';
import { DataError, OptionError } from '../../core/errors.js';
import type { Pauses } from '../../core/pauses.js';
import { createRandom, shuffle } from '../../core/random.js';
import * as tf from '../../core/tf.js';
import type { Matrix, Step } from '../../core/types.js';
import { type MatrixInput, takeRows, toMatrixOfWidth } from '../../data/matrix.js';
import { edgeSampler, everyRowSampler } from '../../data/sampler.js';
import { isTable, type ParsedTargets } from '../../data/targets.js';
import { neighborGraph } from '../../graph/neighborGraph.js';
import { umapLoss } from '../../losses/umap.js';
import { projectRows } from '../../networks/projection.js';
import { rowsForward } from '../../training/forward.js';
import { validate } from '../../training/validation.js';
import type { ParametricUMAPOptions } from './options.js';
import type { FitRows } from './rows.js';
import { type Setting, umapOptions } from './terms.js';

/** Rows that are reconstructed at once. */
const RECONSTRUCTED = 1000;
/** Batches of edges that the held-out UMAP loss is averaged over. */
const HELD_OUT_BATCHES = 4;

/**
 * Builds the graph of the held-out rows, and returns what evaluates them at a report: `valUmap`, and `valLoss`, which is the
 * reconstruction loss alone where there is a decoder, else the same as `valUmap`.
 */
export async function validatorFor(
  setting: Setting,
  held: Matrix | undefined,
  pauses: Pauses,
  signal: AbortSignal | undefined,
): Promise<() => Promise<Record<string, number>>> {
  if (held === undefined) return async () => ({});
  const { options, decoder, lossFn, encoder, projection, curve } = setting;
  const random = setting.random.fork('validation');
  const rows = held.shape[0];
  const nNeighbors = Math.min(options.nNeighbors, rows);
  const metric = options.metric === 'precomputed' ? 'euclidean' : options.metric;
  const edges = await neighborGraph(
    held,
    undefined,
    { ...options, nNeighbors, metric },
    { signal },
    random,
    () => {},
  );
  const matrix = projection ? await projectRows(held, projection, pauses) : held;
  const reconstruction = decoder &&
    lossFn && {
      name: 'valLoss',
      forward: rowsForward({
        ...{ matrix, data: held, encoder, training: false },
        sampler: everyRowSampler(rows, RECONSTRUCTED),
      }),
      batches: Math.ceil(rows / RECONSTRUCTED),
      compute: ({ batch, input, z }: Step) => {
        const target = gatherRows(input.matrix, input.rows, batch.rowCount, decoder.outputShape);
        return tf.mean(lossFn(target, decoder.apply(z, false)));
      },
    };
  return async () => {
    // The same edges and negatives at each report, so that reports can be compared.
    const umap = umapLoss({ ...umapOptions(options, curve), random: random.fork('negatives') });
    const main = {
      name: 'valUmap',
      forward: rowsForward({
        ...{ matrix, data: held, encoder, training: false },
        sampler: edgeSampler(edges, { batchSize: Math.min(1000, rows), random: random.fork('edges') }),
      }),
      batches: HELD_OUT_BATCHES,
      compute: umap.compute,
    };
    const evaluations = reconstruction ? [reconstruction, main] : [main];
    const means = await validate(evaluations, pauses);
    return reconstruction ? means : { valLoss: means.valUmap!, ...means };
  };
}

/** Rows to train on, and held-out rows where there are any. */
export interface FitSplit {
  readonly rows: FitRows;
  /** In the frame that the networks get rows in, flat. */
  readonly held: Matrix | undefined;
}

/**
 * Reads the held-out rows: those of `validation`, or the share of the fit's own rows that it asks for, or those of the option
 * `reconstructionValidation`. Throws `OptionError` for both of the two, and `DataError` for rows that do not fit.
 */
export async function withHeldOut(
  rows: FitRows,
  validation: MatrixInput | number | undefined,
  { reconstructionValidation, seed }: ParametricUMAPOptions,
): Promise<FitSplit> {
  if (validation !== undefined && reconstructionValidation !== null) {
    throw new OptionError(
      'fit: expected one set of held-out rows, got validation and the option reconstructionValidation; leave one out',
    );
  }
  if (typeof validation === 'number') return splitOff(rows, validation, seed);
  const given = validation ?? reconstructionValidation;
  if (given === null) return { rows, held: undefined };
  const who = `fit: ${validation === undefined ? 'reconstructionValidation' : 'validation'}`;
  const { entered, frame } = rows;
  const { matrix } = await toMatrixOfWidth(given, entered.matrix.shape[1], who, { frame });
  if (matrix.shape[0] < 2) throw new DataError(`${who}: at least 2 rows wanted, got 1`);
  return { rows, held: matrix };
}

/**
 * Splits a share of the rows off, at least 2, drawn by the seed. Landmarks stay among the rows to train on. Throws
 * `DataError` where fewer than 2 would be left on either side.
 */
export function splitOff(rows: FitRows, share: number, seed: number | string): FitSplit {
  const { entered, y, positions } = rows;
  const [count] = entered.matrix.shape;
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
  const [held, kept] = [true, false].map((wanted) =>
    Array.from({ length: count }, (_, row) => row).filter((row) => drawn.has(row) === wanted),
  ) as [number[], number[]];
  return {
    held: takeRows(entered.matrix, held),
    rows: {
      ...rows,
      entered: { ...entered, matrix: takeRows(entered.matrix, kept) },
      y: y && someTargets(y, kept),
      positions: positions && takeRows(positions, kept),
    },
  };
}

function someTargets(y: ParsedTargets, rows: readonly number[]): ParsedTargets {
  if (!isTable(y)) return rows.map((row) => y[row]);
  const columns = y.shape[1];
  const data = Float64Array.from(
    { length: rows.length * columns },
    (_, at) => y.data[rows[Math.floor(at / columns)]! * columns + (at % columns)]!,
  );
  return { data, shape: [rows.length, columns] };
}
