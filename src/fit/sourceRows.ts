/** The rows of a fit from a source that need not fit into memory: a sample, or all of them as principal components. */

import { DataError, OptionError } from '../core/errors.js';
import type { Pauses } from '../core/pauses.js';
import { createRandom } from '../core/random.js';
import type { PartDone, RunStage } from '../core/stages.js';
import type { Matrix, Network, RowFrame } from '../core/types.js';
import { type FrameRules, toFramedMatrix } from '../data/frame.js';
import { type InputRows, takeRows } from '../data/matrix.js';
import { blockMatrix, type RowSample, sampleRows } from '../data/rowSample.js';
import { type RowSource, readBlocks, rowsOf } from '../data/rowSource.js';
import { type ParsedTargets, parseTargets, type Targets, takeTargets } from '../data/targets.js';
import { rowSize } from '../networks/network.js';
import { type Projection, projectionOf, projectRows } from '../networks/projection.js';
import { type LandmarkPositions, readPositions } from './landmarks.js';
import type { FitOptions } from './options/fitOptions.js';

/** Rows that a fit learns from by default, where a source has more. */
export const SAMPLE_ROWS = 200_000;
/** Rows from which the principal components of all rows, and their frame, are computed. */
const PROJECTION_ROWS = 20_000;

/** Who is told what is chosen, and how far the reading is. */
export interface ReadingListener {
  /** Takes a line for each choice that is made. */
  log(line: string): void;
  readonly stage: RunStage;
}

/** A projection that was found before the fit, and a warning that names outliers, if there are any. */
export interface FoundComponents {
  readonly projection: Projection;
  readonly remark: string | undefined;
}

/** The rows that were read, and which ones of the source they are. */
export interface SourceRows extends RowSample {
  /** Whether they are not all of them. */
  readonly sampled: boolean;
}

/** Reads a sample of at most `most` rows, drawn by the seed, and tells how many there are of how many. */
export async function readSample(
  source: RowSource,
  most: number,
  seed: number | string,
  pauses: Pauses,
  { log, stage }: ReadingListener,
): Promise<SourceRows> {
  const random = createRandom(seed).fork('sampled rows');
  const sample = await stage('rows', (progress) =>
    sampleRows(source, most, random, 'fit', { pauses, progress }),
  );
  const sampled = sample.numbers.length < sample.rows;
  if (sampled) log(`rows: ${sample.numbers.length} of ${sample.rows}, drawn by the seed (sampleRows)`);
  return { ...sample, sampled };
}

/** What belongs to rows by their number. */
interface PerRow {
  readonly landmarkPositions?: LandmarkPositions | undefined;
  readonly knn?: object | undefined;
  readonly distances?: object | undefined;
}

/** Throws `OptionError` for neighbors of all rows beside a sample of them. */
export function checkSampled({ knn, distances }: PerRow, { numbers, rows }: RowSample): void {
  const name = knn ? 'knn' : distances ? 'distances' : undefined;
  if (name === undefined) return;
  throw new OptionError(
    `fit: ${name}: expected none beside a sample of ${numbers.length} of ${rows} rows, got some for all rows; ` +
      `leave ${name} out, or raise sampleRows`,
  );
}

/** The rows of a fit by their numbers among all `rows`; equal lengths mean all of them. */
export interface Numbering {
  readonly numbers: ArrayLike<number>;
  readonly rows: number;
}

/** Targets of the sampled rows, from those of all. Throws `DataError` as `parseTargets` does. */
export async function sampledTargets(
  targets: Targets | undefined,
  { numbers, rows }: Numbering,
): Promise<ParsedTargets | undefined> {
  if (targets === undefined) return undefined;
  const all = await parseTargets(targets, rows);
  return numbers.length === rows ? all : takeTargets(all, numbers);
}

/** Landmark positions of the sampled rows, from those of all. Throws `DataError` where the sample has none. */
export async function sampledPositions(
  given: LandmarkPositions,
  { numbers, rows }: Numbering,
  nComponents: number,
): Promise<Matrix> {
  const all = await readPositions(given, rows, nComponents);
  if (numbers.length === rows) return all;
  const some = takeRows(all, numbers);
  const { data } = some;
  for (let at = 0; at < data.length; at += nComponents) {
    if (!data.subarray(at, at + nComponents).some(Number.isNaN)) return some;
  }
  throw new DataError(
    `fit: landmarkPositions: expected a position for at least 1 of the ${numbers.length} rows of the sample, got none; ` +
      'raise sampleRows, or keep rows with addLandmarks',
  );
}

/** What is used of the options where only principal components are kept. */
export type ComponentOptions = Pick<FitOptions, 'seed' | 'encoder' | 'parametricReconstruction'> & {
  readonly metric?: unknown;
  readonly disconnectionDistance?: number | null;
};

/** What is used of an earlier fit. */
interface Earlier {
  readonly encoder: Network;
  readonly rowShape: readonly number[];
  readonly frame: RowFrame | undefined;
  readonly projection: Projection | undefined;
}

/** Throws `OptionError` for what needs the rows themselves. */
function checkComponents(
  { encoder, parametricReconstruction, metric = 'euclidean', disconnectionDistance = null }: ComponentOptions,
  { knn, distances }: PerRow,
  earlier: Earlier | undefined,
): void {
  const refuse = (name: string, expected: string, got: string) => {
    throw new OptionError(
      `fit: ${name}: expected ${expected} with sampleRows null, which keeps rows as principal components only, got ${got}; ` +
        'give sampleRows as the number of rows to learn from',
    );
  };
  if (encoder || (earlier && !earlier.projection)) refuse('encoder', 'the default encoder', 'another');
  if (parametricReconstruction) refuse('parametricReconstruction', 'false', 'true');
  if (knn || distances) return;
  if (metric !== 'euclidean') refuse('metric', "'euclidean'", String(metric));
  if (disconnectionDistance !== null) refuse('disconnectionDistance', 'null', String(disconnectionDistance));
}

/**
 * Reads all rows and keeps their principal components, as the default encoder is trained on them. Axes, scale and frame come
 * from a sample, as they do for rows in memory, so that a few outliers do not turn them; one more pass projects all rows.
 */
export async function readComponents(
  source: RowSource,
  perRow: PerRow,
  options: ComponentOptions,
  rules: FrameRules,
  earlier: Earlier | undefined,
  pauses: Pauses,
  { log, stage }: ReadingListener,
): Promise<{
  readonly input: InputRows;
  readonly frame: RowFrame | undefined;
  readonly components: FoundComponents;
}> {
  checkComponents(options, perRow, earlier);
  const seeded = createRandom(options.seed);
  const found = earlier?.projection
    ? { frame: earlier.frame, components: { projection: earlier.projection, remark: undefined } }
    : await stage('principal components', async (progress) => {
        const sample = await sampleRows(source, PROJECTION_ROWS, seeded.fork('sampled rows'), 'fit', {
          pauses,
          progress: (done) => progress(0.9 * done),
        });
        const { matrix, frame } = await toFramedMatrix(sample.input, 'fit', rules, pauses);
        const { projection, remark } = await projectionOf(matrix, seeded.fork('fit 1'), pauses);
        return { frame, components: { projection, remark } };
      });
  const { frame, components } = found;
  const { matrix, rowShape } = await stage('rows', (progress) =>
    projectSource(source, components.projection, frame, pauses, progress),
  );
  log(
    `rows: all ${matrix.shape[0]}, of which ${matrix.shape[1]} principal components are kept (sampleRows null)`,
  );
  return { ...found, input: { matrix, rowShape, form: 'flat' } };
}

/** Projects all rows of a source. */
async function projectSource(
  source: RowSource,
  projection: Projection,
  frame: RowFrame | undefined,
  pauses: Pauses,
  progress: PartDone,
): Promise<{ readonly matrix: Matrix; readonly rowShape: readonly number[] }> {
  const [count, columns] = projection.components.shape;
  const known = rowsOf(source);
  let data = new Float32Array((known ?? 0) * count);
  let end = 0;
  let shape: readonly number[] = [columns];
  for await (const block of readBlocks(source, 'fit')) {
    const { rowShape, caller, first } = block;
    if (rowSize(rowShape) !== columns) {
      throw new DataError(
        `${caller}: expected rows of ${columns} values, as in the earlier fit, got rows of ${rowSize(rowShape)}; ` +
          'use a new estimator for other data',
      );
    }
    const matrix = blockMatrix(block, source, 'fit', frame);
    const projected = await projectRows(matrix, projection, pauses);
    const from = first * count;
    end = from + projected.data.length;
    if (end > data.length) {
      const larger = new Float32Array(Math.max(end, 2 * data.length));
      larger.set(data);
      data = larger;
    }
    data.set(projected.data, from);
    shape = rowShape;
    if (known !== undefined) progress((first + block.rows) / known);
  }
  return {
    matrix: { data: data.length === end ? data : data.slice(0, end), shape: [end / count, count] },
    rowShape: shape,
  };
}
