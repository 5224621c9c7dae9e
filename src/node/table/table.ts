/** A table as files and queries have it: named columns of numbers, text or vectors, read block by block. */

import { DataError } from '../../core/errors.js';

/** What the values of a column are. `other`: dates, structs and the like, which can be carried along but not learned from. */
export type ColumnType = 'number' | 'text' | 'vector' | 'other';

/** A column of a table. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** Shape of a vector, where it is known before reading. */
  readonly shape?: readonly number[];
  /** What the file calls the type, for messages. */
  readonly given?: string;
}

/** A value as text or a number; null where there is none. */
export type Cell = string | number | boolean | null;

/** The values of a column in a block: numbers with NaN for missing ones, vectors with null, all others as cells. */
export type Values = Float64Array | readonly (ArrayLike<number> | null)[] | readonly Cell[];

/** A column to be read, and whether its values are wanted as they are written, as those of ids and labels are. */
export interface Choice {
  /** Position of the column in the table. */
  readonly at: number;
  readonly asCells?: boolean;
}

/** Some rows of a table. */
export interface TableBlock {
  readonly rows: number;
  /** One entry for each column that was asked for, in the order asked. */
  readonly values: readonly Values[];
  /** The place of a row of this block, for messages, such as `line 7`. */
  where(row: number): string;
}

/** A table that is read block by block, as often as needed. */
export interface Table {
  /** Its file or query, for messages. */
  readonly name: string;
  readonly columns: readonly Column[];
  /** Number of rows, where it is known before reading. */
  readonly rows?: number;
  /** Reads some columns. Throws `DataError` with the place of what cannot be read. */
  blocks(choices: readonly Choice[]): AsyncIterable<TableBlock>;
  /** Removes what was made for reading, such as a copy of the standard input. */
  close?(): Promise<void>;
}

/** The position of a named column. Throws `DataError` with the names that there are. */
export function columnAt({ columns, name: table }: Table, name: string, flag: string): number {
  const at = columns.findIndex((column) => column.name === name);
  if (at >= 0) return at;
  throw new DataError(
    `${flag}: expected a column of ${table}, got '${name}'; columns are ${shortList(columns.map((column) => column.name))}`,
  );
}

/** Some names, and how many more there are. */
export function shortList(names: readonly string[], most = 12): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
