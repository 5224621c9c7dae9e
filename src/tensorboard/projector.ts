/** The files from which TensorBoard's projector shows an embedding. */
import { describe, OptionError } from '../core/errors.js';
import type { Matrix } from '../core/types.js';

/** One label per fitted row: numbers, or text. */
export type RowLabels = ArrayLike<string | number>;

/** Labels by the name of their column. */
export type LabelColumns = Readonly<Record<string, RowLabels>>;

const isList = (value: unknown): value is RowLabels => Array.isArray(value) || ArrayBuffer.isView(value);

/** Labels as columns by name. Throws `OptionError` for anything else. */
export function labelColumns(caller: string, labels: RowLabels | LabelColumns | null): LabelColumns {
  if (labels === null) return {};
  if (isList(labels)) return { label: labels };
  for (const [name, column] of Object.entries(labels)) {
    if (isList(column)) continue;
    throw new OptionError(
      `${caller}: labels: expected a list, or lists by name, got ${describe(column)} for ${describe(name)}; pass one label per fitted row`,
    );
  }
  return labels as LabelColumns;
}

/** Throws `OptionError` unless there is one label per fitted row. */
export function checkColumns(caller: string, columns: LabelColumns, rows: number): void {
  for (const [name, { length }] of Object.entries(columns)) {
    if (length === rows) continue;
    throw new OptionError(
      `${caller}: labels: expected one per fitted row (${rows}), got ${length} for ${describe(name)}; ` +
        'leave out the labels of held-out rows',
    );
  }
}

/** Positions as lines of numbers between tabs. */
export function positionsTsv({ data, shape: [rows, columns] }: Matrix): string {
  let text = '';
  for (let i = 0; i < rows; i++) text += `${data.subarray(i * columns, (i + 1) * columns).join('\t')}\n`;
  return text;
}

/** Row numbers and labels, a line each; with names above them, but for a single column, where the projector takes none. */
export function metadataTsv(rows: Int32Array, columns: LabelColumns): string {
  const names = Object.keys(columns);
  const lines = Array.from(rows, (row) =>
    [row, ...names.map((name) => field(columns[name]![row] ?? ''))].join('\t'),
  );
  if (names.length > 0) lines.unshift(['row', ...names.map(field)].join('\t'));
  return `${lines.join('\n')}\n`;
}

/** Text of one field: no tab, no end of a line. */
function field(value: string | number): string {
  return String(value).replace(/[\t\r\n\v\f\x85\u2028\u2029]+/g, ' ');
}

/** An entry of `projector_config.pbtxt`, to be added to those that are there. The names hold no quotes. */
export function projectorEntry(name: string, tensor: string, metadata: string): string {
  return [
    '',
    'embeddings {',
    `  tensor_name: "${name}"`,
    `  tensor_path: "${tensor}"`,
    `  metadata_path: "${metadata}"`,
    '}',
    '',
  ].join('\n');
}
