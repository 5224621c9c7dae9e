/** Points of a latent space to be decoded: a grid, or the way from one to another. */
import { DataError, describe, OptionError } from '../core/errors.js';
import { resolveOptions } from '../core/options.js';
import type { Matrix } from '../core/types.js';
import { cellsRule, rangeRule } from './pictures.js';

/** `[low, high]` for both axes, or `[[low, high], [low, high]]`, of x and of y. */
export type LatentRange = readonly number[] | readonly (readonly number[])[];

/** The range of most rows of a standard normal distribution. */
export const DEFAULT_RANGE: LatentRange = [-4, 4];

/** Options of `latentGridPoints`. */
export interface LatentGridPointsOptions {
  /** Ends of the grid: `[low, high]` for both axes, or `[[low, high], [low, high]]`, of x and of y. Default [-4, 4]. */
  readonly range?: LatentRange | undefined;
  /** Number of cells along both axes, or `[columns, rows]`; at least 1. Default 10. */
  readonly cells?: number | readonly number[] | undefined;
}

const defaults: Readonly<Required<LatentGridPointsOptions>> = Object.freeze({
  range: DEFAULT_RANGE,
  cells: 10,
});

/**
 * The centers of the cells of a grid, `[columns * rows, 2]`: from left to right, the row of the largest y first, as a picture is
 * read. Decode them with `inverseTransform`, and draw the result with `latentGridSvg`. Throws `OptionError` for wrong options.
 */
export function latentGridPoints(options: LatentGridPointsOptions = {}): Matrix {
  const o = resolveOptions<Required<LatentGridPointsOptions>>('latentGridPoints', options, defaults, {
    range: rangeRule,
    cells: cellsRule,
  });
  const [columns, rows] = (typeof o.cells === 'number' ? [o.cells, o.cells] : o.cells) as [number, number];
  const { x, y } = gridCenters(o.range, columns, rows);
  const data = new Float32Array(2 * columns * rows);
  for (let i = 0; i < columns * rows; i++) {
    data[2 * i] = x[i % columns]!;
    data[2 * i + 1] = y[Math.floor(i / columns)]!;
  }
  return { data, shape: [columns * rows, 2] };
}

/** Centers of columns from the left, and of rows from the top, where y is largest. */
export function gridCenters(range: LatentRange, columns: number, rows: number): { x: number[]; y: number[] } {
  const [across, up] = (typeof range[0] === 'number' ? [range, range] : range) as [
    readonly [number, number],
    readonly [number, number],
  ];
  const centers = ([low, high]: readonly [number, number], cells: number) =>
    Array.from({ length: cells }, (_, i) => low + ((i + 0.5) / cells) * (high - low));
  return { x: centers(across, columns), y: centers(up, rows).reverse() };
}

/**
 * Points on the way from one latent row to another, both ends included: `[steps, columns]`. Decode them with
 * `inverseTransform`, and draw the result with `interpolationSvg`.
 *
 * `'linear'` (default) goes straight, as on a map. `'spherical'` turns at an even rate from one direction to the other (Shoemake,
 * 1985), for rows drawn from a normal distribution in many dimensions, whose lengths are all alike: a straight line would
 * lead through the middle, where no rows are.
 *
 * Throws `DataError` for rows that are not finite numbers or not equally long, and, with `'spherical'`, for one of length 0 and
 * for opposite ones; `OptionError` for `steps` below 2 and another `method`.
 */
export function interpolate(
  from: ArrayLike<number>,
  to: ArrayLike<number>,
  steps: number,
  method: 'linear' | 'spherical' = 'linear',
): Matrix {
  const caller = 'interpolate';
  const a = readRow(caller, 'from', from);
  const b = readRow(caller, 'to', to);
  if (a.length !== b.length) {
    throw new DataError(
      `${caller}: to: expected ${a.length} numbers as in from, got ${b.length}; pass rows of one embedding`,
    );
  }
  if (!Number.isInteger(steps) || steps < 2) {
    throw new OptionError(
      `${caller}: steps: expected an integer of at least 2, got ${describe(steps)}; both ends count`,
    );
  }
  if (method !== 'linear' && method !== 'spherical') {
    throw new OptionError(
      `${caller}: method: expected 'linear' or 'spherical', got ${describe(method)}; choose one of them`,
    );
  }
  const shares = method === 'linear' ? (t: number) => [1 - t, t] as const : onArc(caller, a, b);
  const data = new Float32Array(steps * a.length);
  for (let step = 0; step < steps; step++) {
    const [ofA, ofB] = shares(step / (steps - 1));
    for (let c = 0; c < a.length; c++) data[step * a.length + c] = ofA * a[c]! + ofB * b[c]!;
  }
  return { data, shape: [steps, a.length] };
}

/** Shares of both ends for a part of the way: sin((1 - t) w) / sin w and sin(t w) / sin w, where w is the angle between them. */
function onArc(caller: string, a: readonly number[], b: readonly number[]) {
  const dot = (p: readonly number[], q: readonly number[]) =>
    p.reduce((sum, value, i) => sum + value * q[i]!, 0);
  const lengths = Math.sqrt(dot(a, a) * dot(b, b));
  if (lengths === 0) {
    throw new DataError(
      `${caller}: expected rows with a direction for 'spherical', got one of zeros; interpolate 'linear'`,
    );
  }
  const angle = Math.acos(Math.min(1, Math.max(-1, dot(a, b) / lengths)));
  if (Math.PI - angle < 1e-6) {
    throw new DataError(
      `${caller}: expected rows that are not opposite for 'spherical', got an angle of 180 degrees; interpolate 'linear'`,
    );
  }
  // Between equal directions both are the same.
  if (angle < 1e-6) return (t: number) => [1 - t, t] as const;
  const sine = Math.sin(angle);
  return (t: number) => [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine] as const;
}

function readRow(caller: string, what: string, row: ArrayLike<number>): number[] {
  const isList = Array.isArray(row) || ArrayBuffer.isView(row);
  const values: number[] = isList ? Array.from(row) : [];
  if (values.length > 0 && values.every((value) => Number.isFinite(value))) return values;
  throw new DataError(
    `${caller}: ${what}: expected a row of finite numbers, got ${describe(isList && values.length > 0 ? values.find((value) => !Number.isFinite(value)) : row)}; ` +
      'pass one row of an embedding',
  );
}
