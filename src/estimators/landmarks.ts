/** Landmarks that a fitted estimator keeps for later fits. */

import { createRandom } from '../core/random.js';
import { type MatrixInput, toMatrixOfWidth } from '../data/matrix.js';
import {
  type AddLandmarksOptions,
  type Landmarks,
  pickLandmarks,
  resolveLandmarkOptions,
} from '../fit/landmarks.js';
import type { FitOptions } from '../fit/options/fitOptions.js';
import type { Fitted } from '../fit/records.js';
import { rowSize } from '../networks/network.js';

/** Picks landmarks among the rows of X, and forgets the optimizer's state where `given` asks for it. */
export async function keptLandmarks(
  { rowShape, optimizer, fits, frame }: Fitted,
  X: MatrixInput,
  given: AddLandmarksOptions,
  { seed, landmarkLossWeight }: Pick<FitOptions, 'seed' | 'landmarkLossWeight'>,
): Promise<Landmarks> {
  const { matrix } = await toMatrixOfWidth(X, rowSize(rowShape), 'addLandmarks', { frame });
  const chosen = resolveLandmarkOptions(given);
  const random = createRandom(seed).fork(`landmarks ${fits}`);
  const landmarks = pickLandmarks(matrix, chosen, landmarkLossWeight, random.integer);
  if (chosen.resetOptimizer) await optimizer.restore(undefined);
  return landmarks;
}
