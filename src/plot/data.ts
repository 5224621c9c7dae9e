/** What a caller plots, read and checked once: positions, and for each row the color group it belongs to. */
import { DataError, describe, OptionError } from '../core/errors.js';
import { CLASS_COLORS, colorAlong, OTHER_COLOR, SCALE_COLORS } from './colors.js';
import { brief, count, counted } from './svg.js';

/** Two columns: a `Matrix` or anything flat with a shape, or rows of two numbers. */
export type Points =
  | {
      /** All coordinates, point after point. */
      readonly data: ArrayLike<number>;
      /** Number of points, then 2. */
      readonly shape: readonly number[];
    }
  | readonly ArrayLike<number>[];

/** One label per row. Empty text and NaN mean "no label". */
export type Labels = ArrayLike<string | number>;

/** Rows that were not fitted but embedded afterwards; drawn as rings. */
export interface HeldRows {
  /** Their positions on the map. */
  readonly points: Points;
  /** One per point. Default: none. */
  readonly labels?: Labels | undefined;
}

/** Rows that share a color. */
export interface Group {
  readonly name: string;
  readonly color: string;
  /** Rows, fitted and held out. */
  readonly rows: number;
  /** Whether it is a class of the labels, not a remainder (no label, or more classes than colors) or a step of a scale. */
  readonly isClass: boolean;
}

/** A continuous color scale. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly stops: readonly string[];
}

/** Everything the plots need to know about the rows: the fitted ones first, then the held-out ones. */
export interface PlotData {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Rows in all; those from `heldFrom` on are held out. */
  readonly rows: number;
  readonly heldFrom: number;
  /** Rows with a NaN or infinite coordinate; they are not drawn. */
  readonly lost: number;
  /** Color group of each row. */
  readonly group: Uint16Array;
  readonly groups: readonly Group[];
  /** Present when labels are values; then the groups are its steps, and perhaps "no value". */
  readonly scale?: Scale;
  /** Label of each row as text, '' for none; absent without labels. */
  readonly labels?: readonly string[] | undefined;
}

/** Steps of a continuous scale: finer than the eye can tell, few enough to draw group by group. */
const SCALE_STEPS = 64;

/**
 * Reads points and labels. Labels are classes, unless they are numbers of which some are not whole or more than
 * twenty differ: those are values on a continuous scale. Of more classes than colors, the largest get colors.
 * Throws `DataError` when columns are not two, when lengths differ, or when no point has finite coordinates.
 */
export function readPlotData(
  caller: string,
  points: Points,
  labels: Labels | null,
  held: HeldRows | null,
  colors: readonly string[] | null,
): PlotData {
  const fitted = readPoints(caller, 'points', points);
  const others = held ? readPoints(caller, 'held.points', held.points) : { x: [], y: [] };
  const heldFrom = fitted.x.length;
  const rows = heldFrom + others.x.length;
  const x = Float64Array.from([...fitted.x, ...others.x]);
  const y = Float64Array.from([...fitted.y, ...others.y]);
  let lost = 0;
  for (let i = 0; i < rows; i++) if (!Number.isFinite(x[i]! + y[i]!)) lost++;
  if (lost === rows) {
    throw new DataError(
      `${caller}: expected at least 1 point with finite coordinates, got 0 of ${count(rows)}`,
    );
  }
  const ownLabels = readLabels(caller, 'labels', labels, heldFrom);
  const heldLabels = readLabels(caller, 'held.labels', held?.labels ?? null, others.x.length);
  const all = ownLabels.concat(heldLabels);
  const position = { x, y, rows, heldFrom, lost };
  if (all.every((label) => label === undefined)) {
    const group = { name: '', color: colors?.[0] ?? CLASS_COLORS[0]!, rows, isClass: false };
    return { ...position, group: new Uint16Array(rows), groups: [group] };
  }
  const texts = all.map((label) => (typeof label === 'number' ? brief(label) : (label ?? '')));
  return { ...position, labels: texts, ...(areValues(all) ? byValue(all, colors) : byClass(all, colors)) };
}

function readPoints(caller: string, what: string, points: Points): { x: number[]; y: number[] } {
  const x: number[] = [];
  const y: number[] = [];
  const shape = (points as { shape?: readonly number[] } | null)?.shape;
  if (shape !== undefined) {
    const { data } = points as { data: ArrayLike<number> };
    const [rows = 0, columns = 0] = shape;
    if (shape.length !== 2 || columns !== 2) throw columnsError(caller, what, `shape [${shape.join(', ')}]`);
    if (data.length !== rows * 2) {
      throw new DataError(
        `${caller}: ${what}: expected ${rows * 2} values for shape [${rows}, 2], got ${data.length}`,
      );
    }
    for (let i = 0; i < rows; i++) {
      x.push(data[2 * i]!);
      y.push(data[2 * i + 1]!);
    }
    return { x, y };
  }
  if (!Array.isArray(points)) {
    throw new DataError(
      `${caller}: ${what}: expected rows of 2 numbers or { data, shape: [rows, 2] }, got ${describe(points)}`,
    );
  }
  for (const [i, row] of (points as readonly ArrayLike<number>[]).entries()) {
    if (row?.length !== 2) throw columnsError(caller, what, `${row?.length ?? describe(row)} in row ${i}`);
    x.push(row[0]!);
    y.push(row[1]!);
  }
  return { x, y };
}

function columnsError(caller: string, what: string, got: string): DataError {
  return new DataError(
    `${caller}: ${what}: expected 2 columns, got ${got}; fit with nComponents 2, or pick two columns`,
  );
}

type Label = string | number | undefined;

function readLabels(caller: string, what: string, labels: Labels | null, rows: number): Label[] {
  if (labels === null) return new Array<Label>(rows).fill(undefined);
  if (labels.length !== rows) {
    throw new DataError(
      `${caller}: ${what}: expected one per point, ${count(rows)} in all, got ${count(labels.length)}`,
    );
  }
  return Array.from(labels, (label: unknown) => {
    if (label === null || label === undefined || label === '' || Number.isNaN(label)) return undefined;
    return typeof label === 'number' ? label : String(label);
  });
}

function areValues(labels: readonly Label[]): boolean {
  const distinct = new Set<number>();
  let whole = true;
  for (const label of labels) {
    if (label === undefined) continue;
    if (typeof label !== 'number' || !Number.isFinite(label)) return false;
    distinct.add(label);
    whole &&= Number.isInteger(label);
  }
  return distinct.size > CLASS_COLORS.length || !whole;
}

type Grouping = Pick<PlotData, 'group' | 'groups' | 'scale'>;

function byValue(labels: readonly Label[], colors: readonly string[] | null): Grouping {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of labels as readonly (number | undefined)[]) {
    if (value === undefined) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const stops = colors ?? SCALE_COLORS;
  const group = Uint16Array.from(labels as readonly (number | undefined)[], (value) => {
    if (value === undefined) return SCALE_STEPS;
    return high > low
      ? Math.min(SCALE_STEPS - 1, Math.floor(((value - low) / (high - low)) * SCALE_STEPS))
      : 0;
  });
  const rows = tally(group, SCALE_STEPS + 1);
  const groups: Group[] = [];
  for (let step = 0; step < SCALE_STEPS; step++) {
    const color = colorAlong(stops, step / (SCALE_STEPS - 1));
    groups.push({ name: '', color, rows: rows[step]!, isClass: false });
  }
  if (rows[SCALE_STEPS]! > 0) {
    groups.push({ name: 'no value', color: OTHER_COLOR, rows: rows[SCALE_STEPS]!, isClass: false });
  }
  return { group, groups, scale: { low, high, stops } };
}

function byClass(labels: readonly Label[], given: readonly string[] | null): Grouping {
  const names = labels.map((label) => (label === undefined ? '' : String(label)));
  const sizes = new Map<string, number>();
  for (const name of names) if (name !== '') sizes.set(name, (sizes.get(name) ?? 0) + 1);
  const order = new Intl.Collator('en', { numeric: true }).compare;
  let classes = [...sizes.keys()].sort((a, b) => compareNames(a, b, order));
  const colors = given ?? CLASS_COLORS;
  const beyond = classes.length - colors.length;
  if (beyond > 0) {
    // The largest keep their order; one color's worth of legend goes to the rest.
    const kept = new Set([...classes].sort((a, b) => sizes.get(b)! - sizes.get(a)!).slice(0, colors.length));
    classes = classes.filter((name) => kept.has(name));
  }
  const position = new Map(classes.map((name, at) => [name, at]));
  const group = Uint16Array.from(names, (name) =>
    name === '' ? classes.length + 1 : (position.get(name) ?? classes.length),
  );
  const rows = tally(group, classes.length + 2);
  const groups: Group[] = classes.map((name, at) => ({
    name,
    color: colors[at]!,
    rows: rows[at]!,
    isClass: true,
  }));
  const rest = [counted(beyond, 'other class', 'other classes'), 'no label'];
  for (const [i, name] of rest.entries()) {
    groups.push({ name, color: OTHER_COLOR, rows: rows[classes.length + i]!, isClass: false });
  }
  return { group, groups };
}

function compareNames(a: string, b: string, order: (a: string, b: string) => number): number {
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) || difference === 0 ? order(a, b) : difference;
}

function tally(group: Uint16Array, groups: number): number[] {
  const rows = new Array<number>(groups).fill(0);
  for (const at of group) rows[at]!++;
  return rows;
}

/** Throws `OptionError` for colors other than `#rrggbb`; only those are safe to write into markup. */
export function checkColors(caller: string, colors: readonly string[] | null): void {
  for (const color of colors ?? []) {
    if (!/^#[0-9a-f]{6}$/i.test(color)) {
      throw new OptionError(`${caller}: colors: expected colors like '#1f77b4', got ${describe(color)}`);
    }
  }
  if (colors?.length === 0) throw new OptionError(`${caller}: colors: expected at least 1 color, got 0`);
}
