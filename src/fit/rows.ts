/** The rows of a fit with their targets and landmark positions, read and checked. */

import { DataError, OptionError } from '../core/errors.js';
import { type Pauses, pausesFor } from '../core/pauses.js';
import type { DistanceFunction, Matrix, Network, RowFrame } from '../core/types.js';
import { type FrameRules, toFramedMatrix, toMatrixInFrame } from '../data/frame.js';
import { isColumnwise, noFraming, rulesOfMetric } from '../data/frameRules.js';
import type { InputRows, MatrixInput, RowsInput } from '../data/matrix.js';
import { asRowSource, type RowSource } from '../data/rowSource.js';
import type { ParsedTargets, Targets } from '../data/targets.js';
import { encode } from '../networks/encode.js';
import { rowSize } from '../networks/network.js';
import { type Projection, projectRows } from '../networks/projection.js';
import type { LandmarkInputs, RunInputs } from './inputs.js';
import { appendLandmarks, type Landmarks } from './landmarks.js';
import type { FitOptions } from './options/fitOptions.js';
import { placeRows } from './place.js';
import type { Placement } from './records.js';
import {
  checkSampled,
  type FoundComponents,
  type Numbering,
  type ReadingListener,
  readComponents,
  readSample,
  SAMPLE_ROWS,
  sampledPositions,
  sampledTargets,
} from './sourceRows.js';

export interface FitRows {
  readonly input: InputRows;
  readonly y: ParsedTargets | undefined;
  /** Positions of landmarks, NaN for rows that are free; undefined without landmarks. */
  readonly positions: Matrix | undefined;
  /** What was done in 64 bits to rows that 32 bits cannot hold; see `data/frame.ts`. */
  readonly frame: RowFrame | undefined;
  /** Where only principal components are kept of the rows: those that `input.matrix` has. `input.rowShape` is that of the rows. */
  readonly components?: FoundComponents | undefined;
  /** Which rows of a source they are; undefined for rows in memory and where `components` are kept of all. */
  readonly numbering?: Numbering | undefined;
}

/** What is used of the options. Without a `metric`, rows are compared by Euclidean distance. */
export type RowOptions = Pick<
  FitOptions,
  | 'nComponents'
  | 'seed'
  | 'encoder'
  | 'decoder'
  | 'parametricReconstruction'
  | 'parametricReconstructionLossFn'
> & {
  readonly metric?: string | DistanceFunction;
  readonly disconnectionDistance?: number | null;
};

/** What is used of an earlier fit. */
interface Earlier {
  readonly encoder: Network;
  readonly rowShape: readonly number[];
  readonly frame: RowFrame | undefined;
  readonly projection: Projection | undefined;
  readonly placement?: Placement | undefined;
}

/** What is used of the inputs beside rows and targets. */
type RowInputs = LandmarkInputs &
  Pick<RunInputs, 'signal' | 'sampleRows'> & {
    readonly knn?: object | undefined;
    readonly distances?: object | undefined;
  };

/**
 * Reads rows, targets and landmark positions. Kept landmarks are appended to the rows, at the positions that the encoder gives
 * them now. Of a source, the rows are a sample, or principal components. Throws `DataError` and `OptionError`.
 */
export async function readFitRows(
  X: RowsInput,
  targets: Targets | undefined,
  inputs: RowInputs,
  kept: Landmarks | undefined,
  options: RowOptions,
  earlier: Earlier | undefined,
  listener: ReadingListener,
): Promise<FitRows> {
  const pauses = pausesFor(inputs.signal);
  const source = asRowSource(X);
  if (!source && inputs.sampleRows !== undefined) {
    throw new OptionError(
      `fit: sampleRows: expected a source of rows, of which it says how many to learn from, got rows in memory and ${inputs.sampleRows}; leave it out`,
    );
  }
  const read = source
    ? await readFromSource(source, inputs, options, earlier, pauses, listener)
    : await readInMemory(X as MatrixInput, inputs, options, earlier, pauses);
  const { input, frame, components } = read;
  const count = input.matrix.shape[0];
  const numbering = read.numbering ?? { numbers: { length: count }, rows: count };
  const { landmarkPositions, signal } = inputs;
  const y = await sampledTargets(targets, numbering);
  if (landmarkPositions !== undefined) {
    const positions = await sampledPositions(landmarkPositions, numbering, options.nComponents);
    return { input, y, frame, components, positions, numbering: read.numbering };
  }
  if (!kept || !earlier) {
    return { input, y, frame, components, positions: undefined, numbering: read.numbering };
  }
  const { placement, encoder } = earlier;
  const positions = placement
    ? await placeRows(placement, encoder, kept.matrix, { pauses, signal })
    : await encode(encoder, kept.matrix);
  const landmarks = components
    ? { ...kept, matrix: await projectRows(kept.matrix, components.projection, pauses) }
    : kept;
  return { frame, components, ...appendLandmarks(input, y, landmarks, positions) };
}

/** Rows, with the frame that was applied to them; of a source, their numbers in it. */
interface ReadRows extends Pick<FitRows, 'input' | 'frame' | 'components'> {
  readonly numbering?: Numbering | undefined;
}

async function readInMemory(
  X: MatrixInput,
  { knn }: Pick<RowInputs, 'knn'>,
  options: RowOptions,
  earlier: Earlier | undefined,
  pauses: Pauses,
): Promise<ReadRows> {
  const { metric = 'euclidean' } = options;
  const input = earlier?.frame
    ? await toMatrixInFrame(X, 'fit', earlier.frame, isColumnwise(metric), pauses)
    : await toFramedMatrix(X, 'fit', frameRules(options, knn !== undefined, earlier !== undefined), pauses);
  const columns = input.matrix.shape[1];
  if (earlier && columns !== rowSize(earlier.rowShape)) {
    throw new DataError(
      `fit: expected rows of ${rowSize(earlier.rowShape)} values, as in the earlier fit, got rows of ${columns}; ` +
        'use a new estimator for other data',
    );
  }
  return { input, frame: input.frame };
}

async function readFromSource(
  source: RowSource,
  inputs: RowInputs,
  options: RowOptions,
  earlier: Earlier | undefined,
  pauses: Pauses,
  listener: ReadingListener,
): Promise<ReadRows> {
  const { sampleRows: most = SAMPLE_ROWS, knn } = inputs;
  if (most === null) {
    const rules = frameRules(options, knn !== undefined, earlier !== undefined);
    return readComponents(source, inputs, options, rules, earlier, pauses, listener);
  }
  const sample = await readSample(source, most, options.seed, pauses, listener);
  if (sample.sampled) checkSampled(inputs, sample);
  return { ...(await readInMemory(sample.input, inputs, options, earlier, pauses)), numbering: sample };
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
