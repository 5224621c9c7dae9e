/** From rows and options to networks that are ready to be trained. An estimator adds its main loss. */

import { DataError, OptionError } from '../core/errors.js';
import { createRandom, streamsOf } from '../core/random.js';
import type { Forward, LossTerm, Matrix, Network, Optimizer, Random, Sampler } from '../core/types.js';
import { describeFrame } from '../data/frame.js';
import { type Classes, type ParsedTargets, readClasses } from '../data/targets.js';
import { reconstructionLossFn } from '../losses/reconstruction.js';
import { bendingUnits, type Folded, foldEncoder } from '../networks/fold.js';
import { DEFAULT_HIDDEN } from '../networks/mlp.js';
import { type InputNoise, withInputNoise } from '../networks/noise.js';
import { rowNumbers } from '../networks/pointTable.js';
import { type Projection, projectionOf, projectRows } from '../networks/projection.js';
import { withSeededLayers } from '../networks/seededLayers.js';
import { type Threaded, type ThreadOptions, withThreads } from '../networks/threaded.js';
import { rowsForward } from '../training/forward.js';
import { adam, sgd, suppliedOptimizer, withWeightDecay } from '../training/optimizer.js';
import { suppliedSchedule } from '../training/schedule.js';
import { chooseReconstruction } from './auxiliaryLosses.js';
import { describeDistantRows } from './distantRows.js';
import { fitNetworks } from './networks.js';
import type { FitOptions } from './options/fitOptions.js';
import type { Description, FitBase, FitContext, FitNetworks, Learned, Plan, Prepared } from './records.js';
import type { FitRows } from './rows.js';

/** What an estimator decides about default networks. */
export interface NetworkDesign {
  /** Units of the encoder's hidden layers; the decoder has them in reverse order. Default: three layers of 100. */
  readonly hidden?: readonly number[];
  /** Whether the encoder is trained on principal components. Needs a hidden layer. Default true. */
  readonly projected?: boolean;
  /** Whether every row has a point of its own instead of a network. Default false. */
  readonly points?: boolean;
  /**
   * Makes the networks of a first fit, with what their outputs mean, in place of those that the options describe. Default: none.
   */
  readonly make?: (random: Random) => FitNetworks;
}

/**
 * Chooses projection, networks, optimizer and reconstruction loss, after a check of all that can be wrong with them. What it
 * opens is freed by `release`, and by itself when it throws `DataError` or `OptionError`.
 */
export async function beginFit(
  rows: FitRows,
  options: FitOptions,
  earlier: Learned | undefined,
  { pauses, hold, log, stage, identify }: FitContext,
  { hidden = DEFAULT_HIDDEN, projected: wantsProjection = true, points = false, make }: NetworkDesign = {},
): Promise<FitBase> {
  const { input, y, positions, frame, components } = rows;
  const { matrix, rowShape } = input;
  checkBefore(matrix.shape[0], options);
  await identify?.({ rows: matrix, targets: y, positions });
  const fits = (earlier?.fits ?? 0) + 1;
  const random = createRandom(options.seed).fork(`fit ${fits}`);
  const classes = classesFor(y, matrix.shape[0], options, earlier);
  hold();
  if (components && (!wantsProjection || points)) throw needsRows(points);
  const found = components
    ? { ...components, rows: matrix }
    : earlier || options.encoder || !wantsProjection || points
      ? undefined
      : await stage('principal components', (progress) => projectionOf(matrix, random, pauses, progress));
  if (found?.remark) log(found.remark);
  const projection = earlier ? earlier.projection : found?.projection;
  const units = projection ? bendingUnits(projection) : [];
  hold();
  const optimizer = earlier?.optimizer ?? optimizerOf(options);
  const networks =
    (make && (earlier ?? make(random))) ||
    fitNetworks(options, rowShape, classes, earlier, random, {
      encoder: [...units, ...hidden],
      decoder: [...hidden].reverse(),
      points: points ? matrix.shape[0] : undefined,
    });
  const { encoder, decoder } = networks;
  const threads: Threaded[] = [];
  let folded: Folded | undefined;
  const owned: { dispose(): void }[] = [];
  const release = (kept: boolean) => {
    for (const { close } of threads) close();
    if (!kept) for (const part of owned) part.dispose();
    folded?.dispose();
    // A table of points is a new one in every fit.
    if (points && earlier) (kept ? earlier.encoder : encoder).dispose();
    if (kept || earlier) return;
    for (const network of [encoder, decoder, networks.classifier]) network?.dispose();
    optimizer.dispose();
  };
  try {
    folded = projection && foldEncoder(encoder, projection, earlier === undefined, random.fork('encoder'));
    const reconstruction =
      decoder && !make && (await pauses.run(chooseReconstruction(matrix, decoder, options, earlier)));
    const projectAgain = (onto: Projection) =>
      stage('principal components', (progress) => projectRows(matrix, onto, pauses, progress));
    const unprojected = points ? rowNumbers(matrix.shape[0]) : matrix;
    const projected = found?.rows ?? (projection ? await projectAgain(projection) : unprojected);
    if (frame && !earlier) log(describeFrame(frame));
    const distant = earlier && projection && describeDistantRows(projected);
    if (distant) log(distant);
    const { parametricReconstructionLossFn: custom } = options;
    return {
      ...{ encoder, decoder, classifier: networks.classifier },
      ...{ matrix, projected, rowShape, frame, projection, folded, y, classes, positions },
      ...{
        reconstruction: reconstruction || undefined,
        optimizer,
        fits,
        random,
        streams: streamsOf(random),
        release,
      },
      lossFn: reconstruction ? reconstructionLossFn(reconstruction, custom) : undefined,
      own: (part) => void owned.push(part),
      async threaded(network: Network, use: ThreadOptions) {
        hold();
        const opened = await withThreads(network, use);
        threads.push(opened);
        return opened.network;
      },
    };
  } catch (error) {
    release(false);
    throw error;
  }
}

/** For estimators that learn from the rows themselves. */
function needsRows(points: boolean): OptionError {
  const got = points ? 'points without a network' : 'an encoder that is trained on the rows';
  return new OptionError(
    `fit: sampleRows: expected a number, got null, which keeps principal components only, and ${got}; ` +
      'give the number of rows to learn from',
  );
}

/** What can be known to be wrong before anything is computed. */
function checkBefore(rows: number, { learningRate }: FitOptions): void {
  if (rows < 2) {
    throw new DataError(
      `fit: expected at least 2 rows, got ${rows}; an embedding shows how rows lie to each other`,
    );
  }
  if (typeof learningRate === 'function') suppliedSchedule(learningRate, 1).rate(0);
}

/** Options that name an optimizer. */
export type OptimizerOptions = Pick<FitOptions, 'optimizer'> &
  Partial<Pick<FitOptions, 'momentum' | 'weightDecay'>>;

/** The optimizer that the options ask for. Throws `OptionError` for one that was disposed. */
export function optimizerOf({ optimizer, momentum, weightDecay = 0 }: OptimizerOptions): Optimizer {
  if (optimizer !== null && typeof optimizer === 'object') return suppliedOptimizer(optimizer);
  const plain = optimizer === 'sgd' ? sgd({ momentum }) : adam();
  return weightDecay > 0 ? withWeightDecay(plain, weightDecay) : plain;
}

/** The networks as they are trained: on worker threads, with noise on the encoder's inputs, with seeded layers. */
export async function trainedNetworks(
  { encoder, decoder, classifier, folded, projected, streams, threaded }: FitBase,
  noise?: InputNoise,
): Promise<FitNetworks> {
  const onThreads = await threaded(folded?.network ?? encoder, { table: projected, noise });
  // Their names are those of their learning rates, where these differ.
  const seeded = (network: Network, group: string) => ({
    ...withSeededLayers(network, streams.fork(`${group} layers`)),
    ...{ group },
  });
  return {
    classifier: classifier && seeded(classifier, 'classifier'),
    decoder: decoder && seeded(await threaded(decoder, { differentiable: true }), 'decoder'),
    encoder: seeded(withInputNoise(onThreads, noise), 'encoder'),
  };
}

/** What an estimator decides about a training. */
export interface TrainingChoice<More extends object>
  extends Pick<Plan, 'schedule' | 'steps' | 'reports' | 'clipValue' | 'numbers' | 'kept'>,
    Pick<Partial<Prepared>, 'watch'> {
  /** Draws the batches of rows, for the forward pass through the encoder. */
  readonly sampler?: Sampler;
  /** The forward pass, where it is another one. */
  readonly forward?: Forward;
  readonly terms: readonly LossTerm[];
  readonly start?: Plan | undefined;
  readonly run?: Prepared['run'];
  readonly validate: () => Promise<Record<string, number>>;
  readonly describe?: Description | undefined;
  /** What the estimator keeps of a fit beside what all keep. */
  readonly learned: More & Pick<Partial<Learned>, 'placement' | 'numbers' | 'others'>;
}

/** Puts a training together whose rows go through the encoder. */
export function prepared<More extends object>(
  base: FitBase,
  { encoder }: FitNetworks,
  earlier: Learned | undefined,
  { sampler, forward, terms, start, run, watch, validate, describe, learned, ...plan }: TrainingChoice<More>,
): Prepared<Learned & More> {
  const { matrix, projected, optimizer, folded, classes, classifier, streams, release } = base;
  const all: Learned = {
    ...{ encoder: base.encoder, decoder: base.decoder, classifier, optimizer },
    ...{ reconstruction: base.reconstruction, projection: base.projection },
    classNames: classifier ? (classes?.names ?? earlier?.classNames ?? []) : [],
    history: copyOf(earlier?.history ?? {}),
    ...{ rowShape: base.rowShape, frame: base.frame, fits: base.fits },
  };
  return {
    learned: { ...all, ...learned },
    plan: {
      forward: forward ?? rowsForward({ matrix: projected, data: matrix, encoder, sampler: sampler! }),
      ...{ terms, optimizer },
      ...plan,
    },
    ...{ start, run, watch, streams, validate, describe, release },
    startsAnew: earlier?.placement !== undefined && !sameRows(earlier.placement.rows, matrix),
    trained: { matrix: projected, encoder },
    fold: () => folded?.fold(),
  };
}

/** Whether two tables have the same rows in the same order. */
function sameRows(a: Matrix, b: Matrix): boolean {
  return (
    a.shape[1] === b.shape[1] && a.data.length === b.data.length && a.data.every((x, i) => x === b.data[i])
  );
}

/** A history that a fit can add to, while the earlier one stays as it is. */
function copyOf(history: Readonly<Record<string, readonly number[]>>): Record<string, number[]> {
  return Object.fromEntries(Object.entries(history).map(([name, values]) => [name, [...values]]));
}

/** Categorical labels of y, read and indexed; undefined without y or with continuous targets. */
function classesFor(
  y: ParsedTargets | undefined,
  rows: number,
  { targetMetric, classifier }: FitOptions,
  earlier: Learned | undefined,
): Classes | undefined {
  if (targetMetric !== 'categorical') {
    if (classifier === false) return undefined;
    throw new OptionError(
      `fit: targetMetric: expected 'categorical' for a classifier, got '${targetMetric}'; leave one of the two out`,
    );
  }
  if (y === undefined) {
    if (classifier === false || earlier) return undefined;
    throw new DataError(
      'fit: expected y for a classifier, one label per row (null for unknown), got none; give labels, or leave classifier out',
    );
  }
  return readClasses(y, rows, earlier?.classNames);
}
