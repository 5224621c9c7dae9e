/** The rows of a fit, with their targets and their landmarks' places, as the estimator's user gave them. */

import { DataError } from '../../core/errors.js';
import type { Matrix, Network, RowFrame } from '../../core/types.js';
import { type FrameRules, toFramedMatrix, toMatrixInFrame } from '../../data/frame.js';
import { isColumnwise, noFraming, rulesOfMetric } from '../../data/frameRules.js';
import type { InputRows, MatrixInput } from '../../data/matrix.js';
import { type ParsedTargets, parseTargets, type Targets } from '../../data/targets.js';
import { encode } from '../../networks/encode.js';
import { rowSize } from '../../networks/network.js';
import { appendLandmarks, type LandmarkPositions, type Landmarks, readPositions } from './landmarks.js';
import type { ParametricUMAPOptions } from './options.js';

export interface FitRows {
  readonly entered: InputRows;
  readonly y: ParsedTargets | undefined;
  readonly positions: Matrix | undefined;
  /** What 32 bits cannot hold as it is; see `frame.ts`. */
  readonly frame: RowFrame | undefined;
}

/** What an earlier fit left. */
interface Earlier {
  readonly encoder: Network;
  readonly rowShape: readonly number[];
  readonly frame: RowFrame | undefined;
}

/** Checks them all, and appends kept landmarks at the places that the map gives them now. Throws `DataError`. */
export async function readFitRows(
  X: MatrixInput,
  targets: Targets | undefined,
  given: { readonly landmarkPositions?: LandmarkPositions | undefined; readonly knn?: object | undefined },
  kept: Landmarks | undefined,
  options: ParametricUMAPOptions,
  earlier: Earlier | undefined,
): Promise<FitRows> {
  const entered = earlier?.frame
    ? await toMatrixInFrame(X, 'fit', earlier.frame, isColumnwise(options.metric))
    : await toFramedMatrix(X, 'fit', frameRules(options, given.knn !== undefined, earlier !== undefined));
  const { frame } = entered;
  const [rows, columns] = entered.matrix.shape;
  if (earlier && columns !== rowSize(earlier.rowShape)) {
    throw new DataError(
      `fit: rows of ${rowSize(earlier.rowShape)} values wanted (as fitted before), ` +
        `got rows of ${columns}; use a new estimator for other data`,
    );
  }
  const y = targets && (await parseTargets(targets, rows));
  const { landmarkPositions } = given;
  if (landmarkPositions !== undefined) {
    return {
      entered,
      y,
      frame,
      positions: await readPositions(landmarkPositions, rows, options.nComponents),
    };
  }
  if (!kept || !earlier) return { entered, y, frame, positions: undefined };
  const places = await encode(earlier.encoder, kept.matrix);
  return { frame, ...appendLandmarks(entered, y, kept, places) };
}

/** What may be done in 64 bits to rows that 32 bits cannot hold, without changing what they mean. */
function frameRules(options: ParametricUMAPOptions, hasKnn: boolean, refit: boolean): FrameRules {
  const { metric, encoder, decoder, parametricReconstructionLossFn, disconnectionDistance } = options;
  if (refit) return noFraming('the first fit took the rows as they are', metric);
  if (encoder || decoder || parametricReconstructionLossFn) {
    return noFraming('networks and losses of your own get the rows as they are', metric);
  }
  if (hasKnn || metric === 'precomputed') {
    return { noShift: undefined, noScale: undefined, columnwise: isColumnwise(metric) };
  }
  return rulesOfMetric(metric, disconnectionDistance !== null);
}
