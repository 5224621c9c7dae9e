/** Raw rows as the rows that a model gets, and back. */

import { DataError } from '../../core/errors.js';
import { type RowSource, readBlocks, rowSource } from '../../data/rowSource.js';
import { openRows, type Source } from '../../data/rows.js';
import { type ColumnPlan, planShape, planWidth } from './columnPlan.js';
import { type RawColumn, readRaw } from './rawRows.js';
import { type Cell, type Choice, type Column, columnAt, type Table } from './table.js';

/** Rows in 64 bits, and the shape of all. */
export interface EncodedRows {
  readonly data: Float64Array;
  readonly shape: readonly number[];
}

/** Scales raw rows, and gives text one number for each category. */
export function encodeRows(raw: Float64Array, rows: number, plan: ColumnPlan): EncodedRows {
  const { features, shift, factor, mean } = plan;
  const width = planWidth(plan);
  const data = new Float64Array(rows * width);
  let from = 0;
  for (let row = 0; row < rows; row++) {
    let to = row * width;
    let c = 0;
    for (const feature of features) {
      if (feature.kind === 'onehot') {
        const category = raw[from++]!;
        if (!Number.isNaN(category)) data[to + category] = 1;
        to += feature.width;
        c += feature.width;
        continue;
      }
      for (let i = 0; i < feature.width; i++, c++) {
        const value = raw[from++]!;
        // (x - shift) factor, of the mean where x is missing.
        data[to++] = ((Number.isFinite(value) ? value : mean[c]!) - shift[c]!) * factor[c]!;
      }
    }
  }
  return { data, shape: [rows, ...planShape(plan)] };
}

/** Raw rows in a file as a source of encoded ones. */
export function encodedRows(raw: RowSource, plan: ColumnPlan): RowSource {
  const encoded = (source: Source, rows: number) => {
    const width = plan.features.reduce((sum, { kind, width: own }) => sum + (kind === 'onehot' ? 1 : own), 0);
    const data = new Float64Array(rows * width);
    for (let row = 0; row < rows; row++) source.fill(row, data, row * width);
    return encodeRows(data, rows, plan);
  };
  const source = rowSource(
    async function* () {
      for await (const { source: block, rows } of readBlocks(raw, 'rows')) yield encoded(block, rows);
    },
    { rows: raw.rows, rowShape: planShape(plan) },
  );
  const take = async (numbers: ArrayLike<number>) =>
    encoded(await openRows(await raw.take!(numbers), 'rows'), numbers.length);
  return raw.take ? { ...source, take } : source;
}

/** Encoded rows of a table, and the cells that belong to them. */
export interface PlannedBlock {
  readonly rows: EncodedRows;
  /** For each row its cells in the columns that are carried along. */
  readonly carried: readonly (readonly Cell[])[];
  /** Rows of the block that were left out, since a value was missing. */
  readonly dropped: number;
}

/**
 * Reads a table as a saved plan says. `carry` names columns whose cells come along. Throws `DataError` for a column that the file
 * lacks, for one that holds something else than before, and for missing values where these are errors.
 */
export async function* plannedBlocks(
  table: Table,
  plan: ColumnPlan,
  carry: readonly string[],
): AsyncGenerator<PlannedBlock, void, void> {
  const columns = plan.features.map((feature) => rawColumnOf(table, feature));
  const choices: Choice[] = columns.map(({ at, kind }) => ({ at, asCells: kind === 'onehot' }));
  for (const name of carry) choices.push({ at: columnAt(table, name, '--keep'), asCells: true });
  for await (const block of table.blocks(choices)) {
    const { data, rows, kept } = readRaw(block, columns, plan.missing, table.name);
    const cells = carry.map((_, i) => block.values[columns.length + i]! as readonly Cell[]);
    const carried = cells.map((list) => Array.from(kept, (row) => list[row]!));
    yield { rows: encodeRows(data, rows, plan), carried, dropped: block.rows - rows };
  }
}

function rawColumnOf(
  table: Table,
  { name, kind, width, categories }: ColumnPlan['features'][number],
): RawColumn & { readonly at: number } {
  const at = table.columns.findIndex((column) => column.name === name);
  const { type }: Partial<Column> = table.columns[at] ?? {};
  const found = { number: 'number', vector: 'vector', onehot: 'text' } as const;
  if (type === undefined) {
    throw new DataError(
      `${table.name}: expected a column ${name}, as in the file that the model was fitted on, got none; ` +
        `columns are ${table.columns
          .map((column) => column.name)
          .slice(0, 12)
          .join(', ')}`,
    );
  }
  // Text is read of any column: categories may look like numbers.
  if (kind !== 'onehot' && type !== found[kind]) {
    throw new DataError(
      `${table.name}: expected ${found[kind]}s in column ${name}, as in the file that the model was fitted on, got ${type}; give such a file`,
    );
  }
  const numbers = new Map(categories?.map((category, i) => [category, i]));
  return { at, name, kind, width: kind === 'onehot' ? 1 : width, category: (text) => numbers.get(text) };
}

/** Rows of a model as they would stand in a table: scaled back, and text by its highest number. */
export function decodeRows(data: ArrayLike<number>, rows: number, plan: ColumnPlan): Cell[][] {
  const { features, shift, factor } = plan;
  const width = planWidth(plan);
  const columns: Cell[][] = [];
  let c = 0;
  for (const feature of features) {
    if (feature.kind === 'onehot') {
      const best = (row: number) => {
        let highest = 0;
        for (let i = 1; i < feature.width; i++) {
          if (data[row * width + c + i]! > data[row * width + c + highest]!) highest = i;
        }
        return feature.categories![highest]!;
      };
      columns.push(Array.from({ length: rows }, (_, row) => best(row)));
      c += feature.width;
      continue;
    }
    for (let i = 0; i < feature.width; i++, c++) {
      const at = c;
      columns.push(
        Array.from({ length: rows }, (_, row) => data[row * width + at]! / factor[at]! + shift[at]!),
      );
    }
  }
  return columns;
}

/** Names of the columns that `decodeRows` gives; without a plan, of a matrix with so many columns. */
export function decodedNames(plan: ColumnPlan | undefined, width = 0): string[] {
  if (!plan) return Array.from({ length: width }, (_, c) => `c${c + 1}`);
  return plan.features.flatMap((feature) =>
    feature.kind === 'vector'
      ? Array.from({ length: feature.width }, (_, i) => `${feature.name}_${i}`)
      : [feature.name],
  );
}

/** The columns of a matrix. */
export function columnsOf(data: Float32Array, rows: number): Float32Array[] {
  const width = rows === 0 ? 0 : data.length / rows;
  return Array.from({ length: width }, (_, c) =>
    Float32Array.from({ length: rows }, (_, row) => data[row * width + c]!),
  );
}
