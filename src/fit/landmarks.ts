/** Rows whose positions in the embedding are given. */

import { DataError, OptionError } from '../core/errors.js';
import { type OptionRules, resolveOptions } from '../core/options.js';
import { isA } from '../core/realms.js';
import { flag, number } from '../core/rules.js';
import type { Matrix } from '../core/types.js';
import { type InputRows, type MatrixInput, toMatrix } from '../data/matrix.js';
import { numberOf, type TypedArray } from '../data/rows.js';
import { isTable, type Label, type ParsedTargets } from '../data/targets.js';
import { landmarkRows } from './options/landmarks.js';

/** One position per row: numbers for a landmark; `null`, or NaN in any coordinate, leaves the row free. */
export type LandmarkPositions = MatrixInput | readonly (readonly (number | null)[] | null)[];

/** Rows kept by `addLandmarks`, which hold the embedding in place during later fits. */
export interface Landmarks {
  readonly matrix: Matrix;
  readonly y: readonly Label[] | undefined;
  readonly weight: number;
}

/**
 * Reads given positions: one per row, `nComponents` wide, at least one of them a landmark, none infinite. With `partial`
 * false every row must have one. Throws `DataError`.
 */
export async function readPositions(
  input: LandmarkPositions,
  rows: number,
  nComponents: number,
  name = 'landmarkPositions',
  partial = true,
): Promise<Matrix> {
  const free = new Array<number>(nComponents).fill(Number.NaN);
  const filled = Array.isArray(input)
    ? input.map((row) =>
        row === null || row === undefined ? free : Array.isArray(row) ? row.map((v) => v ?? Number.NaN) : row,
      )
    : input;
  const { matrix } = await toMatrix(filled as MatrixInput, `fit: ${name}`, { allowNaN: true });
  if (matrix.shape[0] !== rows || matrix.shape[1] !== nComponents) {
    throw new DataError(
      `fit: ${name}: expected ${rows} x ${nComponents} values (rows x nComponents), got ${matrix.shape.join(' x ')}; ` +
        'give one position per row of X',
    );
  }
  if (!partial) {
    const row = Math.floor(matrix.data.findIndex(Number.isNaN) / nComponents);
    if (row < 0) return matrix;
    throw new DataError(
      `fit: ${name}: expected a position for every row, got none for row ${row}; fill it in, or give known positions as landmarkPositions`,
    );
  }
  for (let i = 0; i < rows; i++) {
    const position = matrix.data.subarray(i * nComponents, (i + 1) * nComponents);
    if (!position.some(Number.isNaN)) return matrix;
  }
  throw new DataError(
    `fit: ${name}: expected a position for at least 1 row, got NaN for all ${rows} rows; leave it out`,
  );
}

/**
 * Rows, targets and positions of a fit with kept landmarks appended: new rows are free, landmarks have the positions that
 * `kept` gives for them. Throws `DataError` for landmarks with targets beside rows with several targets each.
 */
export function appendLandmarks(
  input: InputRows,
  y: ParsedTargets | undefined,
  landmarks: Landmarks,
  kept: Matrix,
): { readonly input: InputRows; readonly positions: Matrix; readonly y: ParsedTargets | undefined } {
  const [rows, columns] = input.matrix.shape;
  const [count] = landmarks.matrix.shape;
  const nComponents = kept.shape[1];
  const data = new Float32Array((rows + count) * columns);
  data.set(input.matrix.data);
  data.set(landmarks.matrix.data, rows * columns);
  const positions = new Float32Array((rows + count) * nComponents).fill(Number.NaN);
  positions.set(kept.data, rows * nComponents);
  return {
    input: { ...input, matrix: { data, shape: [rows + count, columns] as const } },
    positions: { data: positions, shape: [rows + count, nComponents] as const },
    y: y && appendTargets(y, landmarks.y, count),
  };
}

function appendTargets(y: ParsedTargets, kept: Landmarks['y'], count: number): ParsedTargets {
  if (!isTable(y)) return [...(y as Iterable<Label>), ...(kept ?? new Array<null>(count).fill(null))];
  const [rows, columns] = y.shape;
  if (kept) {
    throw new DataError(
      `fit: expected one target per row, as the landmarks have, got ${columns}; call addLandmarks without y`,
    );
  }
  const data = new Float64Array((rows + count) * columns).fill(Number.NaN);
  data.set(y.data);
  return { data, shape: [rows + count, columns] };
}

/** Options of `addLandmarks`: which rows are kept, and how strongly. */
export interface AddLandmarksOptions {
  /** Share of the rows to keep, in (0, 1]. Default 0.01. */
  readonly fraction?: number | undefined;
  /** Rows to keep, instead of a share. */
  readonly indices?: readonly number[] | Int32Array | undefined;
  /** One target per row of X, for later fits with targets. Default: unknown. */
  readonly y?: readonly (Label | bigint)[] | TypedArray | undefined;
  /** Weight of the landmark loss in later fits. Default: the estimator's `landmarkLossWeight`. */
  readonly landmarkLossWeight?: number | undefined;
  /** Forgets the optimizer's moments, so that the next fit starts with small steps. Default true. */
  readonly resetOptimizer?: boolean | undefined;
}

type ResolvedOptions = AddLandmarksOptions & Required<Pick<AddLandmarksOptions, 'resetOptimizer'>>;

const addDefaults: ResolvedOptions = {
  fraction: undefined,
  indices: undefined,
  y: undefined,
  landmarkLossWeight: undefined,
  resetOptimizer: true,
};

const addRules: OptionRules<AddLandmarksOptions> = {
  fraction: number(0, 1, { above: true }),
  indices: {
    kind: 'list',
    text: 'a list of row numbers',
    accepts: (value) => Array.isArray(value) || isA('Int32Array', value),
    bad: [null, 0, 'list', true, {}],
  },
  y: {
    kind: 'list',
    text: 'a list of targets',
    accepts: (value) => Array.isArray(value) || ArrayBuffer.isView(value),
    bad: [null, 0, 'list', true, {}],
  },
  landmarkLossWeight: landmarkRows.landmarkLossWeight.rule,
  resetOptimizer: flag,
};

const addRenamed: Readonly<Record<string, string>> = {
  samplePct: "the share of rows to keep is called 'fraction'",
  sampleMode: "give 'fraction' for a random choice, 'indices' for a chosen one",
  idx: "rows to keep are called 'indices'",
};

/** Completes and checks the options of `addLandmarks`. Throws `OptionError`. */
export function resolveLandmarkOptions(options: AddLandmarksOptions): ResolvedOptions {
  return resolveOptions('addLandmarks', options, addDefaults, addRules, addRenamed);
}

/** The rows of X to keep, with their targets, and their weight: that of the options, else `weight`. Throws `DataError`. */
export function pickLandmarks(
  { data, shape: [rows, columns] }: Matrix,
  options: AddLandmarksOptions,
  weight: number,
  draw: (below: number) => number,
): Landmarks {
  const { y, landmarkLossWeight } = options;
  if (y && Array.isArray(y) && y.some((target) => typeof target === 'object' && target !== null)) {
    throw new DataError(
      'addLandmarks: expected one target per row in y, got several; leave y out, so that theirs are unknown',
    );
  }
  if (y && y.length !== rows) {
    throw new DataError(
      `addLandmarks: y: expected ${rows} entries, one per row of X, got ${y.length}; give a target, or null, for each`,
    );
  }
  const chosen = chooseLandmarks(rows, options, draw);
  const kept = new Float32Array(chosen.length * columns);
  chosen.forEach((row, i) => {
    kept.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  return {
    matrix: { data: kept, shape: [chosen.length, columns] },
    y: y && Array.from(chosen, (row) => labelOf(y[row])),
    weight: landmarkLossWeight ?? weight,
  };
}

/** A target as it can be kept and saved. */
function labelOf(target: Label | bigint): Label {
  if (typeof target === 'bigint')
    return numberOf(target, () => 'addLandmarks: y: expected whole numbers up to 2^53');
  return Number.isNaN(target) ? null : target;
}

/** Row numbers: as given and checked, or a seeded sample without replacement. */
export function chooseLandmarks(
  rows: number,
  { fraction, indices }: AddLandmarksOptions,
  draw: (below: number) => number,
): Int32Array {
  if (indices !== undefined && fraction !== undefined) {
    throw new OptionError('addLandmarks: expected fraction or indices, got both; leave one out');
  }
  if (indices !== undefined) {
    const chosen = Int32Array.from(new Set(indices));
    const wrong = [...indices].find((i) => !(Number.isInteger(i) && i >= 0 && i < rows));
    if (wrong !== undefined || chosen.length === 0) {
      throw new DataError(
        `addLandmarks: indices: expected row numbers from 0 to ${rows - 1}, got ${wrong ?? 'none'}; give at least one`,
      );
    }
    return chosen;
  }
  const count = Math.max(1, Math.floor(rows * (fraction ?? 0.01)));
  const all = Int32Array.from({ length: rows }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + draw(rows - i);
    const swapped = all[i]!;
    all[i] = all[j]!;
    all[j] = swapped;
  }
  return all.slice(0, count);
}
