/** Reads and validates the data of a plot: positions, and the color group of each row. */
import { DataError, describe, OptionError } from '../core/errors.js';
import { CLASS_COLORS, colorAlong, OTHER_COLOR, SCALE_COLORS } from './colors.js';
import { brief, count, counted } from './svg.js';

/** Points in two dimensions: a flat array with a shape, such as a `Matrix`, or rows of two numbers. */
export type Points =
  | {
      /** All coordinates, point after point. */
      readonly data: ArrayLike<number>;
      /** Number of points, then 2. */
      readonly shape: readonly number[];
    }
  | readonly ArrayLike<number>[];

/** One label per row. Empty strings and NaN mean "no label". */
export type Labels = ArrayLike<string | number>;

/** Names of the classes that integer labels stand for: a list, by label from 0 on, or an object. */
export type Categories = readonly string[] | Readonly<Record<number, string>>;

/** Rows that were embedded after the fit; drawn as rings. */
export interface HeldRows {
  /** Their positions on the map. */
  readonly points: Points;
  /** One label per point. Default: none. */
  readonly labels?: Labels | undefined;
}

/** Rows of one color. */
export interface Group {
  readonly name: string;
  readonly color: string;
  /** Number of rows, fitted and held out. */
  readonly rows: number;
  /** A class of the labels; false for the remainder (no label, or more classes than colors) and for steps of a scale. */
  readonly isClass: boolean;
}

/** A continuous color scale. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly stops: readonly string[];
}

/** The data of a plot: the fitted rows first, then the held-out ones. */
export interface PlotData {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Number of all rows; those from `heldFrom` on are held out. */
  readonly rows: number;
  readonly heldFrom: number;
  /** Number of rows with a NaN or infinite coordinate, which are not drawn. */
  readonly lost: number;
  /** Color group of each row. */
  readonly group: Uint16Array;
  readonly groups: readonly Group[];
  /** Present if labels are values; then the groups are the steps of the scale, and possibly "no value". */
  readonly scale?: Scale;
  /** Label of each row as text, '' for none. Absent without labels. */
  readonly labels?: readonly string[] | undefined;
}

/** Steps of a continuous scale: finer than the eye distinguishes, and few enough to draw group by group. */
const SCALE_STEPS = 64;

/**
 * Reads points and labels. Labels are classes, except numbers with fractions or with more than twenty distinct values,
 * which are values on a continuous scale. If there are more classes than colors, the largest get colors. Throws
 * `DataError` if there are not two columns, if lengths differ, or if no point has finite coordinates (unless `empty` allows none).
 */
export function readPlotData(
  caller: string,
  points: Points,
  labels: Labels | null,
  held: HeldRows | null,
  colors: readonly string[] | null,
  categories: Categories | null = null,
  { empty = false } = {},
): PlotData {
  const fitted = readPoints(caller, 'points', points);
  const others = held ? readPoints(caller, 'held.points', held.points) : { x: [], y: [] };
  const heldFrom = fitted.x.length;
  const rows = heldFrom + others.x.length;
  const x = Float64Array.from([...fitted.x, ...others.x]);
  const y = Float64Array.from([...fitted.y, ...others.y]);
  let lost = 0;
  for (let i = 0; i < rows; i++) if (!Number.isFinite(x[i]! + y[i]!)) lost++;
  if (lost === rows && !(empty && rows === 0)) {
    throw new DataError(
      `${caller}: expected at least 1 point with finite coordinates, got 0 of ${count(rows)}; check the embedding`,
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
  if (categories !== null) {
    const nameOf = categoryNames(caller, all, categories);
    const { group, groups } = byClass(all, colors);
    // In the order of the numbers; the tooltips have the names too.
    const named = groups.map((one) => (one.isClass ? { ...one, name: nameOf(Number(one.name)) } : one));
    const texts = all.map((label) => (label === undefined ? '' : nameOf(label as number)));
    return { ...position, labels: texts, group, groups: named };
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
        `${caller}: ${what}: expected ${rows * 2} values for shape [${rows}, 2], got ${data.length}; correct data or shape`,
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
      `${caller}: ${what}: expected rows of 2 numbers or { data, shape: [rows, 2] }, got ${describe(points)}; ` +
        'pass the result of transform',
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
    `${caller}: ${what}: expected 2 columns, got ${got}; fit with nComponents 2, or select two columns`,
  );
}

type Label = string | number | undefined;

function readLabels(caller: string, what: string, labels: Labels | null, rows: number): Label[] {
  if (labels === null) return new Array<Label>(rows).fill(undefined);
  if (labels.length !== rows) {
    throw new DataError(
      `${caller}: ${what}: expected one label per point (${count(rows)}), got ${count(labels.length)}; ` +
        'use null for points without a label',
    );
  }
  return Array.from(labels, (label: unknown) => {
    if (label === null || label === undefined || label === '' || Number.isNaN(label)) return undefined;
    return typeof label === 'number' ? label : String(label);
  });
}

/** The name of each label. Throws `DataError` for a label that is no integer, or has no name. */
function categoryNames(caller: string, labels: readonly Label[], categories: Categories) {
  for (const label of new Set(labels)) {
    if (label === undefined || (Number.isInteger(label) && typeof categories[label as number] === 'string'))
      continue;
    throw new DataError(
      typeof label === 'number' && Number.isInteger(label)
        ? `${caller}: categories: expected a name for each label, got none for ${label}; add it`
        : `${caller}: labels: expected integers to which categories give names, got ${describe(label)}; leave categories out`,
    );
  }
  return (label: number) => categories[label]!;
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
    // The largest classes keep their order; the others share one entry of the legend.
    const kept = new Set([...classes].sort((a, b) => sizes.get(b)! - sizes.get(a)!).slice(0, colors.length));
    classes = classes.filter((name) => kept.has(name));
  }
  const indices = new Map(classes.map((name, index) => [name, index]));
  const group = Uint16Array.from(names, (name) =>
    name === '' ? classes.length + 1 : (indices.get(name) ?? classes.length),
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

/** Throws `OptionError` unless colors are `#rrggbb`, which also makes them safe to insert into markup. */
export function checkColors(caller: string, colors: readonly string[] | null): void {
  for (const color of colors ?? []) {
    if (!/^#[0-9a-f]{6}$/i.test(color)) {
      throw new OptionError(
        `${caller}: colors: expected '#rrggbb', got ${describe(color)}; use six hexadecimal digits`,
      );
    }
  }
  if (colors?.length === 0) {
    throw new OptionError(
      `${caller}: colors: expected at least 1 color, got 0; pass null for the default colors`,
    );
  }
}
