/**
 * From the columns of a table to rows of numbers: which columns, how text is encoded, how numbers are scaled, what becomes of missing
 * values. It is saved with a model, so that new files are read as the first one was.
 */

import { DataError, OptionError } from '../../core/errors.js';
import { type Column, columnAt, shortList, type Table } from './table.js';

/** Scaling of number columns: mean 0 and deviation 1, from 0 to 1, or not. */
export type Scaling = 'standard' | 'minmax' | 'none';
/** What becomes of a row with a missing value: an error, it is left out, or the column's mean is used. */
export type MissingValues = 'error' | 'drop' | 'mean';

/** A column that is learned from. */
export interface Feature {
  readonly name: string;
  /** `onehot`: text, one number for each of its categories, 1 for that of the row and 0 for the others. */
  readonly kind: 'number' | 'vector' | 'onehot';
  /** Numbers in a row. */
  readonly width: number;
  /** Shape of a vector. */
  readonly shape?: readonly number[];
  /** The categories of text, in the order of their numbers. */
  readonly categories?: readonly string[];
}

/** What is done with the columns of a table. A number x becomes (x - shift) * factor. */
export interface ColumnPlan {
  readonly features: readonly Feature[];
  readonly label: string | null;
  readonly id: string | null;
  readonly scaling: Scaling;
  readonly missing: MissingValues;
  /** One number for each number of a row. */
  readonly shift: Float64Array;
  /** One number for each number of a row. */
  readonly factor: Float64Array;
  /** The mean of each number of a row, which stands in for a missing one. */
  readonly mean: Float64Array;
}

/** What the user says of the columns. */
export interface ColumnOptions {
  /** Columns to learn from, in this order. Default null: all but label, id and those excluded. */
  readonly columns?: readonly string[] | null | undefined;
  /** Columns to leave out. Default: none. */
  readonly exclude?: readonly string[] | null | undefined;
  /** Column with the label of each row. Default null: none. */
  readonly label?: string | null | undefined;
  /** Column that names each row. Default null: none. */
  readonly id?: string | null | undefined;
  /** How columns of text are taken. Default null: they are refused. */
  readonly encode?: 'onehot' | null | undefined;
  /** Default null: `'standard'` if there is a number column, `'none'` for vectors alone. */
  readonly scale?: Scaling | null | undefined;
  /** Default `'error'`. */
  readonly missing?: MissingValues | undefined;
}

/** The columns of a table that are learned from. */
export interface ChosenColumns {
  readonly columns: readonly { readonly at: number; readonly column: Column }[];
  readonly label: string | null;
  readonly id: string | null;
  readonly scaling: Scaling;
  readonly missing: MissingValues;
}

/**
 * Chooses the columns. Throws `DataError` for a name that no column has, and for columns that hold no numbers, with what to do;
 * `OptionError` where nothing is left.
 */
export function chooseColumns(table: Table, options: ColumnOptions): ChosenColumns {
  const { label = null, id = null, encode, missing = 'error' } = options;
  for (const [name, flag] of [
    [label, '--label'],
    [id, '--id'],
  ] as const) {
    if (name !== null) columnAt(table, name, flag);
  }
  const left = new Set((options.exclude ?? []).map((name) => columnAt(table, name, '--exclude')));
  const named = options.columns?.map((name) => columnAt(table, name, '--columns'));
  const positions = (named ?? table.columns.map((_, at) => at)).filter((at) => {
    const { name } = table.columns[at]!;
    return !left.has(at) && (named !== undefined || (name !== label && name !== id));
  });
  const columns = positions.map((at) => ({ at, column: table.columns[at]! }));
  if (columns.length === 0) {
    throw new OptionError(
      `${table.name}: expected at least 1 column to learn from, got none beside label, id and those excluded; ` +
        `columns are ${shortList(table.columns.map(({ name }) => name))}`,
    );
  }
  refuseOthers(
    table.name,
    columns.map(({ column }) => column),
    encode ?? null,
  );
  const vectorsOnly = columns.every(({ column }) => column.type === 'vector');
  return { columns, label, id, scaling: options.scale ?? (vectorsOnly ? 'none' : 'standard'), missing };
}

function refuseOthers(table: string, columns: readonly Column[], encode: string | null): void {
  const named = (of: readonly Column[]) => of.map(({ name }) => name);
  const others = columns.filter(({ type }) => type === 'other');
  if (others.length > 0) {
    const { name, given } = others[0]!;
    throw new DataError(
      `${table}: expected columns of numbers, got ${given ?? 'another type'} in ${name}; leave it out (--exclude ${listed(named(others))}), ` +
        'or convert it in a query',
    );
  }
  const text = columns.filter(({ type }) => type === 'text');
  if (text.length === 0 || encode === 'onehot') return;
  throw new DataError(
    `${table}: expected columns of numbers, got text in ${shortList(named(text))}; ` +
      `leave it out (--exclude ${listed(named(text))}), name it (--label ${listed(named(text).slice(0, 1))} or --id), or encode it (--encode onehot)`,
  );
}

/** Names as one argument of a command line. */
function listed(names: readonly string[]): string {
  const all = names.join(',');
  return /[\s'"$]/.test(all) ? JSON.stringify(all) : all;
}

/** Numbers in a row. */
export function planWidth({ features }: Pick<ColumnPlan, 'features'>): number {
  return features.reduce((sum, { width }) => sum + width, 0);
}

/** Shape of one row: that of a vector if it is the only column. */
export function planShape(plan: Pick<ColumnPlan, 'features'>): readonly number[] {
  const [only] = plan.features;
  return plan.features.length === 1 && only?.shape ? only.shape : [planWidth(plan)];
}

/**
 * A plan that takes rows of a given shape as they are: from the only column of vectors, or from all columns of numbers. Throws
 * `DataError` for a table whose columns do not make such rows.
 */
export function unscaledPlan(table: Table, rowShape: readonly number[]): ColumnPlan {
  const width = rowShape.reduce((product, size) => product * size, 1);
  const vectors = table.columns.filter(({ type }) => type === 'vector');
  const numbers = table.columns.filter(({ type }) => type === 'number');
  const features: Feature[] =
    vectors.length === 1
      ? [{ name: vectors[0]!.name, kind: 'vector', width, shape: rowShape }]
      : numbers.map(({ name }) => ({ name, kind: 'number', width: 1 }));
  if (planWidth({ features }) !== width) {
    throw new DataError(
      `${table.name}: expected ${width} columns of numbers or one of vectors, as the model takes, got ${numbers.length} columns of numbers; ` +
        'give such a file',
    );
  }
  const none = { label: null, id: null, scaling: 'none', missing: 'error' } as const;
  const numbersOf = (value: number) => new Float64Array(width).fill(value);
  return { features, ...none, shift: numbersOf(0), factor: numbersOf(1), mean: numbersOf(0) };
}
