/** Opens files and queries as tables, by what their names say. */

import { manifestName } from '../../artifact/manifest.js';
import { DataError, OptionError } from '../../core/errors.js';
import { requireNode } from '../../core/platform.js';
import { fileSystem } from '../npy.js';
import { csvTable } from './csvTable.js';
import { fileTable, queryTable } from './duckdb.js';
import type { Table } from './table.js';
import { folderTable, idxTable, npyTable, npzTable } from './vectorTable.js';

/** How a source is read where its name does not say it. */
export interface TableFormat {
  /** One of `formats`; null: by the ending of the name. */
  readonly format?: string | null | undefined;
  /** Between the fields of a CSV file; null: a tab for TSV files, else a comma. */
  readonly separator?: ',' | ';' | '\t' | null | undefined;
  /** Whether the first line of a CSV file names the columns; null: yes if any of its fields is text. */
  readonly header?: boolean | null | undefined;
}

type Open = (path: string, name: string, format: TableFormat) => Promise<Table>;

const csv =
  (separator: ',' | '\t'): Open =>
  (path, name, format) =>
    csvTable(path, name, { separator: format.separator ?? separator, header: format.header ?? null });

/** How each format is opened, and the endings by which it is known. */
const formats: Readonly<Record<string, { readonly endings: RegExp; readonly open: Open }>> = {
  csv: { endings: /\.(csv|txt)$/i, open: csv(',') },
  tsv: { endings: /\.(tsv|tab)$/i, open: csv('\t') },
  jsonl: { endings: /\.(jsonl|ndjson|json)$/i, open: (path, name) => fileTable(path, name, 'jsonl') },
  parquet: { endings: /\.(parquet|pq)$/i, open: (path, name) => fileTable(path, name, 'parquet') },
  npy: { endings: /\.npy$/i, open: npyTable },
  npz: { endings: /\.npz$/i, open: npzTable },
  idx: { endings: /(\.idx|-idx\d-ubyte)(\.gz)?$/i, open: idxTable },
};

/** Names of the formats. */
export const formatNames: readonly string[] = Object.keys(formats);

/** A query, rather than the name of a file. */
const QUERY = /^\s*(select|with|from)\s/i;

/**
 * Opens a file, a folder of `.npy` files, a query in SQL (which reads files by `FROM 'file.parquet'`), or the standard input (`-`),
 * which is copied to a temporary file first. Throws `DataError` for what is not there or cannot be read, `OptionError` for a name
 * that says no format, and `UnavailableError` where DuckDB is needed and missing.
 */
export async function openTable(source: string, format: TableFormat = {}): Promise<Table> {
  if (source === '-') return standardInput(format);
  if (QUERY.test(source)) return queryTable(source);
  const fs = await fileSystem('read a file');
  const found = await fs.stat(source).catch(() => undefined);
  if (found === undefined) {
    throw new DataError(`${source}: expected a file, a folder or a query, got nothing there; check the path`);
  }
  if (found.isDirectory()) {
    if (await fs.stat(`${source}/${manifestName}`).catch(() => undefined)) {
      throw new DataError(
        `${source}: expected a file of rows, got a saved model; give the model first, then the rows`,
      );
    }
    return folderTable(source, source);
  }
  return formatOf(source, format).open(source, source, format);
}

function formatOf(source: string, { format }: TableFormat) {
  const chosen = format ?? formatNames.find((name) => formats[name]!.endings.test(source));
  if (chosen === undefined) {
    throw new OptionError(
      `${source}: expected a name that ends in .csv, .tsv, .jsonl, .parquet, .npy, .npz or -idx3-ubyte, got another; ` +
        `give its format, one of ${formatNames.join(', ')}`,
    );
  }
  const known = formats[chosen];
  if (known) return known;
  throw new OptionError(`format: expected one of ${formatNames.join(', ')}, got '${chosen}'`);
}

async function standardInput(format: TableFormat): Promise<Table> {
  const fs = await fileSystem('read the standard input');
  const os = await requireNode<typeof import('node:os')>('os', 'read the standard input', 'give a file');
  const path = await requireNode<typeof import('node:path')>(
    'path',
    'read the standard input',
    'give a file',
  );
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'parametric-umap-input-'));
  const close = () => fs.rm(folder, { recursive: true, force: true });
  try {
    const file = path.join(folder, 'input');
    await fs.writeFile(file, process.stdin);
    const { open } = formatOf('standard input', { format: format.format ?? 'csv' });
    return { ...(await open(file, 'standard input', format)), close };
  } catch (error) {
    await close();
    throw error;
  }
}
