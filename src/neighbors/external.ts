/**
 * Shared by the adapters of index packages: the table of rows to index, and lists that are complete whatever is
 * found.
 */

import { OptionError } from '../core/errors.js';
import { blockOf, inBlocks, type Work } from '../core/pauses.js';
import type { Knn, Matrix, NeighborQuery } from '../core/types.js';
import { distanceFor } from '../math/distance.js';
import { checkQuery } from './query.js';
import { clearLists, createLists, createPush, isShort, toKnn } from './search/lists.js';
import { euclideanSpace } from './search/space.js';

/** Rows whose squared Euclidean distances rank as the metric does, and the neighbors found so far. */
export interface IndexInput {
  readonly rows: number;
  readonly width: number;
  readonly table: Float32Array;
  /** Adds a neighbor that the index has found: in any order, with or without the row itself. */
  add(row: number, id: number, square: number): void;
  /** All neighbors. Rows for which too few were found are compared with all others. */
  neighbors(): Work<Knn>;
}

/** Rows between two pauses; the packages themselves do not pause. */
export const rowsPerPause = 64;

/** Prepares the rows for an index package. Throws `OptionError` for a metric that it cannot rank by. */
export function* openIndexInput(name: string, data: Matrix, query: NeighborQuery): Work<IndexInput> {
  checkQuery(data, query);
  const space = yield* euclideanSpace(data, query.metric, query.metricParams);
  if (space === undefined) {
    const metric = typeof query.metric === 'string' ? `'${query.metric}'` : 'a function';
    throw new OptionError(
      `neighbors: expected metric euclidean, cosine, correlation or hellinger for '${name}', got ${metric}; ` +
        "use neighbors: 'nndescent'",
    );
  }
  const rows = data.shape[0];
  const width = space.columns;
  const table = new Float32Array(rows * width);
  yield* inBlocks(rows, blockOf(width), (from, to) => {
    for (let row = from; row < to; row++) space.writeRow(row, table, row * width);
  });
  const lists = createLists(rows, query.k - 1);
  const push = createPush(lists);
  const euclidean = distanceFor('euclidean');
  return {
    rows,
    width,
    table,
    add(row, id, square) {
      if (id !== row) push(row, id, Math.max(0, square));
    },
    *neighbors() {
      for (let row = 0; row < rows; row++) {
        if (!isShort(lists, row)) continue;
        // Start over: the package's distances may differ in the last bit, so that an id could be listed twice.
        yield;
        clearLists(lists, row, row + 1);
        for (let other = 0; other < rows; other++) {
          if (other !== row)
            push(row, other, euclidean(table, row * width, table, other * width, width) ** 2);
        }
      }
      return yield* toKnn(lists, space.toDistance);
    },
  };
}
