/** What the adapters of index packages share: their input table, and lists that are whole whatever the index found. */

import { OptionError } from '../core/errors.js';
import { blockOf, inBlocks, type Work } from '../core/pauses.js';
import type { Knn, Matrix, NeighborQuery } from '../core/types.js';
import { distanceFor } from '../math/distance.js';
import { checkQuery } from './query.js';
import { clearLists, createLists, createOffer, isShort, toKnn } from './search/lists.js';
import { euclideanSpace } from './search/space.js';

/** Rows that an index of squared Euclidean distances ranks as the metric does. */
export interface IndexInput {
  readonly rows: number;
  readonly width: number;
  readonly table: Float32Array;
  /** Takes what the index found for a row: any order, with or without the row itself. */
  found(row: number, id: number, square: number): void;
  /** The neighbours; rows of which too few were found are compared with all others. */
  finish(): Work<Knn>;
}

/** Rows between two pauses: the packages work without one. */
export const rowsAtATime = 64;

/** Opens the input of an index package; throws OptionError for a metric that it cannot rank by. */
export function* openIndexInput(name: string, data: Matrix, query: NeighborQuery): Work<IndexInput> {
  checkQuery(data, query);
  const space = yield* euclideanSpace(data, query.metric, query.metricParams);
  if (space === undefined) {
    const metric = typeof query.metric === 'string' ? `'${query.metric}'` : 'a function';
    throw new OptionError(
      `neighbors: '${name}' searches by euclidean, cosine, correlation or hellinger, got ${metric}; ` +
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
  const offer = createOffer(lists);
  const euclidean = distanceFor('euclidean');
  return {
    rows,
    width,
    table,
    found(row, id, square) {
      if (id !== row) offer(row, id, Math.max(0, square));
    },
    *finish() {
      for (let row = 0; row < rows; row++) {
        if (!isShort(lists, row)) continue;
        // The package's distances may differ in the last bit, and an id must not stand twice.
        yield;
        clearLists(lists, row, row + 1);
        for (let other = 0; other < rows; other++) {
          if (other !== row)
            offer(row, other, euclidean(table, row * width, table, other * width, width) ** 2);
        }
      }
      return yield* toKnn(lists, space.finish);
    },
  };
}
