/** Rows of a source through the networks of a fitted estimator, block by block. */

import { DataError } from '../core/errors.js';
import type { Matrix, RowFrame } from '../core/types.js';
import { blockMatrix } from '../data/rowSample.js';
import { asRowSource, checkReadableAgain, type RowSource, readBlocks, rowsOf } from '../data/rowSource.js';
import { SAMPLE_ROWS } from '../fit/sourceRows.js';
import { rowSize } from '../networks/network.js';

/** What is done to the rows of a source. */
export interface BlockWork {
  /** The method, for messages. */
  readonly caller: string;
  /** Values that a row has. */
  readonly columns: number;
  readonly frame?: RowFrame | undefined;
  /** Shape of a row of the result. */
  readonly rowShape: readonly number[];
  /** The result for a block of rows, which are finite. */
  apply(rows: Matrix): Promise<Matrix>;
}

/**
 * The results as a source, which reads and computes a block at a time whenever it is read. Throws `DataError` for rows of
 * another width, where that is known, else when the results are read.
 */
export function appliedToSource(source: RowSource, work: BlockWork): RowSource<Matrix> {
  const { caller, columns, frame } = work;
  const checkWidth = (rowShape: readonly number[], name: string) => {
    const found = rowSize(rowShape);
    if (found === columns) return;
    throw new DataError(
      `${name}: expected ${columns} values per row, as fitted, got ${found} (row shape [${rowShape.join(', ')}]); ` +
        'pass rows with the columns of the fit',
    );
  };
  if (source.rowShape) checkWidth(source.rowShape, caller);
  const blocks = async function* (): AsyncGenerator<Matrix, void, void> {
    for await (const block of readBlocks(source, caller)) {
      checkWidth(block.rowShape, block.caller);
      yield await work.apply(blockMatrix(block, source, caller, frame));
    }
  };
  return {
    get rows() {
      return rowsOf(source);
    },
    rowShape: work.rowShape,
    blocks,
    [Symbol.asyncIterator]: blocks,
  };
}

/** One table as a source. */
export function sourceOf(table: Matrix): RowSource<Matrix> {
  const blocks = async function* () {
    yield table;
  };
  const [rows, columns] = table.shape;
  return { rows, rowShape: [columns], blocks, [Symbol.asyncIterator]: blocks };
}

/** Throws `DataError` for a source that can be read once only, before a fit whose rows are read again afterwards. */
export function checkReadTwice(X: unknown): void {
  const source = asRowSource(X);
  if (source) checkReadableAgain(source);
}

/** Rows of a source that a fit has read, if it learned from all of them; undefined if it learned from some. */
export function rowsIfAll(source: RowSource, sampleRows: number | null | undefined): number | undefined {
  const rows = rowsOf(source);
  const most = sampleRows === undefined ? SAMPLE_ROWS : sampleRows;
  return rows !== undefined && most !== null && rows <= most ? rows : undefined;
}
