/** The rows of a fit, with their targets and their landmarks' places, as the estimator's user gave them. */
import { DataError } from './errors.js';
import { appendLandmarks, type LandmarkPositions, type Landmarks, readPositions } from './landmarks.js';
import { type Entered, enter, type MatrixInput } from './matrix.js';
import { encode } from './networks/encode.js';
import { rowSize } from './networks/network.js';
import type { ParametricUMAPOptions } from './parametricUmapOptions.js';
import { checkLength, type Targets } from './targets.js';
import type { Matrix, Network } from './types.js';

export interface FitRows {
  readonly entered: Entered;
  readonly y: Targets | undefined;
  readonly positions: Matrix | undefined;
}

/** What an earlier fit left. */
interface Earlier {
  readonly encoder: Network;
  readonly rowShape: readonly number[];
}

/** Checks them all, and appends kept landmarks at the places that the map gives them now. Throws `DataError`. */
export async function readFitRows(
  X: MatrixInput,
  y: Targets | undefined,
  landmarkPositions: LandmarkPositions | undefined,
  kept: Landmarks | undefined,
  { nComponents, targetMetric }: ParametricUMAPOptions,
  earlier: Earlier | undefined,
): Promise<FitRows> {
  const entered = await enter(X, 'fit');
  const [rows, columns] = entered.matrix.shape;
  if (earlier && columns !== rowSize(earlier.rowShape)) {
    throw new DataError(
      `fit: rows of ${rowSize(earlier.rowShape)} values wanted (as fitted before), ` +
        `got rows of ${columns}; use a new estimator for other data`,
    );
  }
  if (y) checkLength(y, rows);
  if (landmarkPositions !== undefined) {
    return { entered, y, positions: await readPositions(landmarkPositions, rows, nComponents) };
  }
  if (!kept || !earlier) return { entered, y, positions: undefined };
  if (y && !kept.y && targetMetric !== 'categorical') {
    throw new DataError(
      'fit: targets for the landmarks too wanted, got none; pass theirs to addLandmarks(X, { y })',
    );
  }
  const places = await encode(earlier.encoder, kept.matrix);
  return appendLandmarks(entered, y, kept, places);
}
