/** The rows of a fit with their targets and landmark positions, read and checked. */

import { DataError } from '../core/errors.js';
import { pausesFor } from '../core/pauses.js';
import type { DistanceFunction, Matrix, Network, RowFrame } from '../core/types.js';
import { type FrameRules, toFramedMatrix, toMatrixInFrame } from '../data/frame.js';
import { isColumnwise, noFraming, rulesOfMetric } from '../data/frameRules.js';
import type { InputRows, MatrixInput } from '../data/matrix.js';
import { type ParsedTargets, parseTargets, type Targets } from '../data/targets.js';
import { encode } from '../networks/encode.js';
import { rowSize } from '../networks/network.js';
import type { LandmarkInputs, RunInputs } from './inputs.js';
import { appendLandmarks, type Landmarks, readPositions } from './landmarks.js';
import type { FitOptions } from './options/fitOptions.js';
import { placeRows } from './place.js';
import type { Placement } from './records.js';

export interface FitRows {
  readonly input: InputRows;
  readonly y: ParsedTargets | undefined;
  /** Positions of landmarks, NaN for rows that are free; undefined without landmarks. */
  readonly positions: Matrix | undefined;
  /** What was done in 64 bits to rows that 32 bits cannot hold; see `data/frame.ts`. */
  readonly frame: RowFrame | undefined;
}

/** What is used of the options. Without a `metric`, rows are compared by Euclidean distance. */
export type RowOptions = Pick<
  FitOptions,
  'nComponents' | 'encoder' | 'decoder' | 'parametricReconstructionLossFn'
> & {
  readonly metric?: string | DistanceFunction;
  readonly disconnectionDistance?: number | null;
};

/** What is used of an earlier fit. */
interface Earlier {
  readonly encoder: Network;
  readonly rowShape: readonly number[];
  readonly frame: RowFrame | undefined;
  readonly placement?: Placement | undefined;
}

/**
 * Reads rows, targets and landmark positions. Kept landmarks are appended to the rows, at the positions that the encoder gives
 * them now. Throws `DataError`.
 */
export async function readFitRows(
  X: MatrixInput,
  targets: Targets | undefined,
  {
    landmarkPositions,
    knn,
    signal,
  }: LandmarkInputs & Pick<RunInputs, 'signal'> & { readonly knn?: object | undefined },
  kept: Landmarks | undefined,
  options: RowOptions,
  earlier: Earlier | undefined,
): Promise<FitRows> {
  const { metric = 'euclidean' } = options;
  const pauses = pausesFor(signal);
  const rules = frameRules(options, knn !== undefined, earlier !== undefined);
  const input = earlier?.frame
    ? await toMatrixInFrame(X, 'fit', earlier.frame, isColumnwise(metric), pauses)
    : await toFramedMatrix(X, 'fit', rules, pauses);
  const { frame } = input;
  const [rows, columns] = input.matrix.shape;
  if (earlier && columns !== rowSize(earlier.rowShape)) {
    throw new DataError(
      `fit: expected rows of ${rowSize(earlier.rowShape)} values, as in the earlier fit, got rows of ${columns}; ` +
        'use a new estimator for other data',
    );
  }
  const y = targets && (await parseTargets(targets, rows));
  if (landmarkPositions !== undefined) {
    const positions = await readPositions(landmarkPositions, rows, options.nComponents);
    return { input, y, frame, positions };
  }
  if (!kept || !earlier) return { input, y, frame, positions: undefined };
  const { placement, encoder } = earlier;
  const positions = placement
    ? await placeRows(placement, encoder, kept.matrix, { pauses, signal })
    : await encode(encoder, kept.matrix);
  return { frame, ...appendLandmarks(input, y, kept, positions) };
}

/** What may be done in 64 bits to rows that 32 bits cannot hold, without changing what they mean. */
function frameRules(options: RowOptions, hasKnn: boolean, refit: boolean): FrameRules {
  const { metric = 'euclidean', disconnectionDistance = null } = options;
  const { encoder, decoder, parametricReconstructionLossFn } = options;
  if (refit) return noFraming('the first fit took the rows as they are', metric);
  if (encoder || decoder || parametricReconstructionLossFn) {
    return noFraming('networks and losses of your own get the rows as they are', metric);
  }
  if (hasKnn || metric === 'precomputed') {
    return { noShift: undefined, noScale: undefined, columnwise: isColumnwise(metric) };
  }
  return rulesOfMetric(metric, disconnectionDistance !== null);
}
