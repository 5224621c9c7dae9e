/** From rows and options to everything a training needs: graph, networks, losses, plan. */

import { DataError, OptionError } from '../../core/errors.js';
import { type OptionRules, resolveOptions } from '../../core/options.js';
import { pausesFor } from '../../core/pauses.js';
import { createRandom } from '../../core/random.js';

import { either, hasMethods, number, object } from '../../core/rules.js';

import type { Edges, Matrix, Network, Optimizer, RowFrame } from '../../core/types.js';
import { describeFrame } from '../../data/frame.js';
import type { MatrixInput } from '../../data/matrix.js';
import { edgeSampler } from '../../data/sampler.js';
import { type Classes, type ParsedTargets, readClasses } from '../../data/targets.js';
import { type GraphInputs, neighborGraph } from '../../graph/neighborGraph.js';
import { type Reconstruction, reconstructionLossFn } from '../../losses/reconstruction.js';
import { type Curve, fitCurve } from '../../math/curve.js';
import { bendingUnits, type Folded, foldEncoder } from '../../networks/fold.js';
import { inputNoise, withInputNoise } from '../../networks/noise.js';
import { type Projection, projectionOf, projectRows } from '../../networks/projection.js';
import { withSeededLayers } from '../../networks/seededLayers.js';
import { type Threaded, type ThreadOptions, withThreads } from '../../networks/threaded.js';
import { rowsForward } from '../../training/forward.js';
import { adam, suppliedOptimizer } from '../../training/optimizer.js';

import { landmarkRows } from '../options/landmarks.js';
import { type FitSplit, validatorFor } from './heldOut.js';

import type { LandmarkPositions } from './landmarks.js';
import { type FitNetworks, fitNetworks } from './networks.js';
import type { ParametricUMAPOptions } from './options.js';
import { defaultBatchSize, distantLine, noiseDeviation, type Plan, scheduleFor, startFor } from './recipe.js';
import { reconstructionLines, reconstructionOf, type Setting, termsFor } from './terms.js';

/** What a fit may be given besides rows and targets. */
export interface FitInputs extends GraphInputs {
  /** A place on the map for some rows; see `LandmarkPositions`. */
  readonly landmarkPositions?: LandmarkPositions | undefined;
  /** Weight of the landmark loss in this fit. Default: the option `landmarkLossWeight`. */
  readonly landmarkLossWeight?: number | undefined;
  /**
   * Rows that take no part in training, or the share of X, above 0 and below 1, to split off for that. At each report
   * `valUmap` is the UMAP loss on their own graph, and `valLoss` the reconstruction loss where there is a decoder, else
   * `valUmap`. Default: those of the option `reconstructionValidation`, else none.
   */
  readonly validation?: MatrixInput | number | undefined;
}

const noInputs: FitInputs = {
  knn: undefined,
  distances: undefined,
  signal: undefined,
  landmarkPositions: undefined,
  landmarkLossWeight: undefined,
  validation: undefined,
};

/** What is data is checked where it is read. */
const data = object('an object or array');

const inputRules: OptionRules<FitInputs> = {
  knn: data,
  distances: data,
  signal: hasMethods('an AbortSignal', 'throwIfAborted'),
  landmarkPositions: data,
  landmarkLossWeight: landmarkRows.landmarkLossWeight.rule,
  validation: either(number(0, 1, { above: true }), object('rows')),
};

const inputsRenamed: Readonly<Record<string, string>> = {
  precomputedDistances: "a distance matrix is called 'distances'",
  precomputedKnn: "neighbours found elsewhere are called 'knn'",
  callbacks: 'callbacks go to the constructor',
  validationData: "held-out rows are called 'validation'",
  validationSplit: "the share of held-out rows is called 'validation'",
};

/** Checks the names of what a fit is given, so that none goes unheard. Throws `OptionError`. */
export function resolveInputs(inputs: FitInputs): FitInputs {
  const resolved = resolveOptions('fit', inputs, noInputs, inputRules, inputsRenamed);
  const { validation, knn, distances } = resolved;
  if (typeof validation === 'number' && (knn || distances)) {
    throw new OptionError(
      'fit: expected validation rows beside knn or distances, which are for all rows of X, got a share; split X before',
    );
  }
  return resolved;
}

/** What training changes and later fits go on from. */
export interface Learned extends FitNetworks {
  readonly reconstruction: Reconstruction | undefined;
  /** Labels the classifier knows, in the order of its outputs. */
  readonly classNames: readonly (number | string)[];
  readonly projection: Projection | undefined;
  readonly optimizer: Optimizer;
  readonly history: Record<string, number[]>;
  readonly rowShape: readonly number[];
  /** In what frame the networks get rows; undefined for rows as they are. */
  readonly frame: RowFrame | undefined;
  readonly fits: number;
}

export interface Prepared extends Learned {
  readonly curve: Curve;
  readonly edges: Edges;
  readonly plan: Plan;
  /** A short training before it, on a first layout; undefined for none. */
  readonly start: Plan | undefined;
  /** The encoder as it is trained, and its rows. */
  readonly trained: { readonly matrix: Matrix; readonly encoder: Network };
  /** Brings the encoder up to date with what is being trained. */
  fold(): void;
  /** Losses on held-out rows, if there are any. */
  validate(): Promise<Record<string, number>>;
  /** Frees what served the training only; the networks too, unless they are kept. */
  release(kept: boolean): void;
}

/** Checks everything that can be wrong, then builds everything that training needs. */
export async function prepareFit(
  { rows: { entered, y, positions, frame }, held }: FitSplit,
  options: ParametricUMAPOptions,
  earlier: Learned | undefined,
  inputs: FitInputs,
  say: (line: string) => void,
  /** Makes the backend of this fit the active one, should another estimator's be. */
  hold: () => void = () => {},
): Promise<Prepared> {
  const { matrix, rowShape } = entered;
  if (matrix.shape[0] < 2) {
    throw new DataError('fit: at least 2 rows expected, got 1; a map shows how rows lie to each other');
  }
  const pauses = pausesFor(inputs.signal, hold);
  const fits = (earlier?.fits ?? 0) + 1;
  const random = createRandom(options.seed).fork(`fit ${fits}`);
  const classes = classesFor(y, matrix.shape[0], options, earlier);
  hold();
  const found = earlier || options.encoder ? undefined : await projectionOf(matrix, random, pauses);
  if (found?.remark) say(found.remark);
  const projection = earlier ? earlier.projection : found?.projection;
  const units = projection ? bendingUnits(projection) : [];
  hold();
  const optimizer = earlier?.optimizer ?? (options.optimizer ? suppliedOptimizer(options.optimizer) : adam());
  const networks = fitNetworks(options, rowShape, classes, earlier, random, units);
  const { encoder, decoder, classifier } = networks;
  let folded: Folded | undefined;
  const threads: Threaded[] = [];
  const threaded = async (network: Network, use: ThreadOptions) => {
    hold();
    threads.push(await withThreads(network, use));
    return threads.at(-1)!.network;
  };
  const release = (kept: boolean) => {
    for (const { close } of threads) close();
    folded?.dispose();
    if (kept || earlier) return;
    for (const network of [encoder, decoder, classifier]) network?.dispose();
    optimizer.dispose();
  };
  try {
    folded = projection && foldEncoder(encoder, projection, earlier === undefined, random.fork('encoder'));
    const reconstruction = decoder && (await pauses.run(reconstructionOf(matrix, decoder, options, earlier)));
    const projected = found?.rows ?? (projection ? await projectRows(matrix, projection, pauses) : matrix);
    if (frame && !earlier) say(describeFrame(frame));
    const apart = earlier && projection && distantLine(projected);
    if (apart) say(apart);
    const targets = classes ? { classes: classes.ids } : y && { values: y };
    const edges = await neighborGraph(matrix, targets, options, inputs, random, say);
    await pauses.take();
    const draws = random.fork('noise');
    // After loading, a caller's encoder is no longer among the options; but only ours has a projection.
    const deviation = noiseDeviation(projected, edges, options, draws, projection !== undefined);
    await pauses.take();
    const noise = inputNoise(deviation, draws);
    const trained = await threaded(folded?.network ?? encoder, { table: projected, noise });
    const setting: Setting = {
      options,
      random,
      classifier: classifier && withSeededLayers(classifier, random.fork('classifier layers')),
      classes,
      positions,
      projection,
      decoder:
        decoder &&
        withSeededLayers(await threaded(decoder, { differentiable: true }), random.fork('decoder layers')),
      lossFn: reconstruction && reconstructionLossFn(reconstruction, options.parametricReconstructionLossFn),
      encoder: withSeededLayers(withInputNoise(trained, noise), random.fork('encoder layers')),
      raw: matrix,
      frame,
      matrix: projected,
      curve: options.a !== null && options.b !== null ? { a: options.a, b: options.b } : fitCurve(options),
    };
    const validation = await validatorFor(setting, held, pauses, inputs.signal);
    if (reconstruction) say(`reconstruction loss: ${reconstructionLines[reconstruction.kind]}`);
    const batchSize = options.batchSize ?? defaultBatchSize(matrix.shape[0]);
    await pauses.take();
    hold();
    return {
      ...networks,
      reconstruction,
      classNames: classifier ? (classes?.names ?? earlier?.classNames ?? []) : [],
      projection,
      optimizer,
      history: Object.fromEntries(
        Object.entries(earlier?.history ?? {}).map(([name, values]) => [name, [...values]]),
      ),
      rowShape,
      frame,
      fits,
      curve: setting.curve,
      edges,
      plan: {
        forward: rowsForward({
          ...{ matrix: setting.matrix, data: matrix, encoder: setting.encoder },
          sampler: edgeSampler(edges, { batchSize, random: random.fork('edges') }),
        }),
        terms: await pauses.run(termsFor(setting, edges, inputs)),
        optimizer,
        clipValue: options.clipValue,
        ...scheduleFor(options, edges, batchSize),
      },
      start: earlier || encoder.variables().length === 0 ? undefined : await startFor(setting, edges, pauses),
      trained: { matrix: projected, encoder: setting.encoder },
      fold: () => folded?.fold(),
      validate: validation,
      release,
    };
  } catch (error) {
    release(false);
    throw error;
  }
}

/** Categorical labels of y, read and indexed; undefined without y or with continuous targets. */
function classesFor(
  y: ParsedTargets | undefined,
  rows: number,
  { targetMetric, classifier }: ParametricUMAPOptions,
  earlier: Learned | undefined,
): Classes | undefined {
  if (targetMetric !== 'categorical') {
    if (classifier === false) return undefined;
    throw new OptionError(`fit: a classifier wants targetMetric 'categorical'; got '${targetMetric}'`);
  }
  if (y === undefined) {
    if (classifier === false || earlier) return undefined;
    throw new DataError('fit: a classifier wants y, one label a row (null for unknown); got none');
  }
  return readClasses(y, rows, earlier?.classNames);
}
