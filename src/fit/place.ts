/** Positions of new rows in an embedding without a network: beside their neighbors among the fitted rows. */

import type { Pauses } from '../core/pauses.js';
import { createRandom } from '../core/random.js';
import type { PartDone } from '../core/stages.js';
import type { Matrix, Network } from '../core/types.js';
import { placementEpochs, placeRowsInParts } from '../layout/place.js';
import { queryNeighbors } from '../neighbors/newRows.js';
import { readPoints } from '../networks/pointTable.js';
import type { Placement } from './records.js';

export interface PlaceOptions {
  readonly pauses: Pauses;
  readonly signal?: AbortSignal | undefined;
  /** Takes the part that is done, from 0 to 1. Default: nobody is told. */
  readonly progress?: PartDone | undefined;
}

/** Share of the time that is over when the neighbors are found. */
const SEARCH_SHARE = 0.6;

/**
 * Places rows as UMAP without a network does: at the weighted mean of their neighbors among the fitted rows, refined while the
 * fitted points stay where they are. A row equal to a fitted one gets its point. The result for a row does not depend on the
 * others.
 */
export async function placeRows(
  placement: Placement,
  table: Network,
  rows: Matrix,
  { pauses, signal, progress = () => {} }: PlaceOptions,
): Promise<Matrix> {
  const { metric, metricParams, curve, localConnectivity, negativeSampleRate, repulsionStrength } = placement;
  const positions = await readPoints(table);
  const k = Math.min(placement.nNeighbors, placement.rows.shape[0]);
  const neighbors = await queryNeighbors(placement.rows, rows, {
    ...{ k, metric, metricParams, signal },
    progress: (done) => progress(SEARCH_SHARE * done),
  });
  const random = createRandom(placement.seed).fork('placement');
  const epochs = placementEpochs(placement.rows.shape[0]);
  const options = {
    ...{ curve, localConnectivity, repulsionStrength, epochs, random },
    negativeSampleRate: Math.round(negativeSampleRate),
  };
  return pauses.run(placeRowsInParts(neighbors, positions, options), (done) =>
    progress(SEARCH_SHARE + (1 - SEARCH_SHARE) * done),
  );
}
