/** From rows and options to everything a training needs: graph, networks, losses, plan. */
import * as tf from '@tensorflow/tfjs';
import { type Curve, fitCurve } from './curve.js';
import { DataError, OptionError } from './errors.js';
import { type FitNetworks, fitNetworks } from './fitNetworks.js';
import { foldEncoder, type Projection, projectRows } from './fold.js';
import { type LandmarkPositions, readPositions } from './landmarks.js';
import { pca, project } from './linalg.js';
import { classificationLoss } from './losses/classification.js';
import { correlationLoss } from './losses/correlation.js';
import { euclideanLandmarkLoss, landmarkLoss } from './losses/landmark.js';
import {
  defaultReconstruction,
  type Reconstruction,
  type ReconstructionLoss,
  reconstructionLoss,
  reconstructionLossFn,
} from './losses/reconstruction.js';
import { umapLoss } from './losses/umap.js';
import { type Entered, enterWidth } from './matrix.js';
import { type GraphInputs, neighborGraph } from './neighborGraph.js';
import { adam, callersOptimizer } from './optimizer.js';
import type { ParametricUMAPOptions } from './parametricUmapOptions.js';
import { createRandom } from './random.js';
import { edgeSampler, rowSampler, stepsPerEpoch } from './sampler.js';
import { spectralLayout } from './spectral.js';
import { type Classes, readClasses, type Targets } from './targets.js';
import type { TrainOptions } from './train.js';
import type { Edges, LossTerm, Matrix, Network, Optimizer, Random } from './types.js';
import { validate } from './validation.js';

/** What a fit may be given besides rows and targets. */
export interface FitInputs extends GraphInputs {
  /** A place on the map for some rows; see `LandmarkPositions`. */
  readonly landmarkPositions?: LandmarkPositions;
  /** Weight of the landmark loss in this fit. Default: the option `landmarkLossWeight`. */
  readonly landmarkLossWeight?: number;
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
  readonly fits: number;
}

export type Plan = Omit<TrainOptions, 'signal' | 'onStep'>;

export interface Prepared extends Learned {
  readonly curve: Curve;
  readonly edges: Edges;
  readonly plan: Plan;
  /** A short training before it, on a first layout; undefined for none. */
  readonly start: Plan | undefined;
  /** Brings the encoder up to date with what is being trained. */
  fold(): void;
  /** Losses on held-out rows, if there are any. */
  validate(): Promise<Record<string, number>>;
  /** Frees what served the training only; the networks too, unless they are kept. */
  release(kept: boolean): void;
}

/** Rows of a fit as the estimator has checked them. */
export interface FitRows {
  readonly entered: Entered;
  readonly y: Targets | undefined;
  readonly positions: Matrix | undefined;
}

/** Most columns the default encoder is trained on; wider rows are projected on as many principal components. */
const TRAINED_COLUMNS = 64;

/** Checks everything that can be wrong, then builds everything that training needs. */
export async function prepareFit(
  { entered: { matrix, rowShape }, y, positions }: FitRows,
  options: ParametricUMAPOptions,
  earlier: Learned | undefined,
  inputs: FitInputs,
  say: (line: string) => void,
): Promise<Prepared> {
  const fits = (earlier?.fits ?? 0) + 1;
  const random = createRandom(options.seed).fork(`fit ${fits}`);
  const classes = classesFor(y, matrix.shape[0], options, earlier);
  const networks = fitNetworks(options, rowShape, classes, earlier, random);
  const { encoder, decoder, classifier } = networks;
  const optimizer = earlier?.optimizer ?? (options.optimizer ? callersOptimizer(options.optimizer) : adam());
  const projection = earlier
    ? earlier.projection
    : options.encoder
      ? undefined
      : projectionOf(matrix, random);
  const folded =
    projection && foldEncoder(encoder, projection, earlier === undefined, random.fork('encoder'));
  const release = (kept: boolean) => {
    folded?.dispose();
    if (kept || earlier) return;
    for (const network of [encoder, decoder, classifier]) network?.dispose();
    optimizer.dispose();
  };
  try {
    const reconstruction = decoder && reconstructionOf(matrix, decoder, options, earlier, say);
    const setting: Setting = {
      options,
      random,
      classifier,
      classes,
      positions,
      projection,
      decoder,
      lossFn: reconstruction && reconstructionLossFn(reconstruction, options.parametricReconstructionLossFn),
      encoder: folded?.network ?? encoder,
      raw: matrix,
      matrix: projection ? projectRows(matrix, projection) : matrix,
      curve: options.a !== null && options.b !== null ? { a: options.a, b: options.b } : fitCurve(options),
    };
    const validation = await validatorFor(setting);
    const targets = classes ? { classes: classes.ids } : y && { values: y };
    const edges = await neighborGraph(matrix, targets, options, inputs, random, say);
    const batchSize = options.batchSize ?? Math.min(matrix.shape[0], 1000);
    return {
      ...networks,
      reconstruction,
      classNames: classifier ? (classes?.names ?? earlier?.classNames ?? []) : [],
      projection,
      optimizer,
      history: structuredClone(earlier?.history ?? {}),
      rowShape,
      fits,
      curve: setting.curve,
      edges,
      plan: {
        matrix: setting.matrix,
        encoder: setting.encoder,
        sampler: edgeSampler(edges, { batchSize, random: random.fork('edges') }),
        terms: termsFor(setting, inputs),
        optimizer,
        clipValue: options.clipValue,
        ...scheduleFor(options, edges, batchSize),
      },
      start: earlier ? undefined : await startFor(setting, edges),
      fold: () => folded?.fold(),
      validate: validation,
      release,
    };
  } catch (error) {
    release(false);
    throw error;
  }
}

/** What the losses of one fit are made of. */
interface Setting {
  readonly options: ParametricUMAPOptions;
  readonly random: Random;
  /** As trained: behind the projection, if there is one. */
  readonly encoder: Network;
  readonly decoder: Network | undefined;
  readonly classifier: Network | undefined;
  readonly lossFn: ReconstructionLoss | undefined;
  readonly classes: Classes | undefined;
  readonly positions: Matrix | undefined;
  readonly projection: Projection | undefined;
  readonly raw: Matrix;
  readonly matrix: Matrix;
  readonly curve: Curve;
}

/** The losses that this fit adds up; the UMAP loss is always among them. */
function termsFor(setting: Setting, inputs: FitInputs): LossTerm[] {
  const { options, random, encoder, decoder, classifier, lossFn, classes, positions, raw, matrix, curve } =
    setting;
  const terms: LossTerm[] = [umapLoss({ ...umapOptions(options, curve), random: random.fork('negatives') })];
  if (decoder && lossFn) {
    const weight = options.parametricReconstructionLossWeight;
    terms.push(
      reconstructionLoss({ decoder, matrix: raw, lossFn, weight, autoencoder: options.autoencoderLoss }),
    );
  }
  if (options.globalCorrelationLossWeight > 0) {
    const weight = options.globalCorrelationLossWeight;
    terms.push(correlationLoss({ matrix: raw, weight, random: random.fork('correlation') }));
  }
  if (positions) {
    const weight = inputs.landmarkLossWeight ?? options.landmarkLossWeight;
    terms.push(landmarkLoss({ positions, weight, lossFn: options.landmarkLossFn ?? euclideanLandmarkLoss }));
  }
  if (classifier && classes) {
    const weight = options.classifierLossWeight;
    const parts = { encoder, classifier, matrix, classes: classes.ids, weight };
    terms.push(classificationLoss({ ...parts, random: random.fork('classification') }));
  }
  return terms;
}

function umapOptions({ negativeSampleRate, repulsionStrength }: ParametricUMAPOptions, { a, b }: Curve) {
  return { a, b, negativeSampleRate, repulsionStrength, negativeDraws: Math.ceil(4 * negativeSampleRate) };
}

/** Categorical labels of y, read and indexed; undefined without y or with continuous targets. */
function classesFor(
  y: Targets | undefined,
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

function reconstructionOf(
  matrix: Matrix,
  decoder: Network,
  { parametricReconstructionLossFn: custom }: ParametricUMAPOptions,
  earlier: Learned | undefined,
  say: (line: string) => void,
): Reconstruction {
  if (earlier?.reconstruction) return earlier.reconstruction;
  const reconstruction = custom ? ({ kind: 'custom' } as const) : defaultReconstruction(matrix, decoder);
  say(`reconstruction loss: ${sayings[reconstruction.kind]}`);
  return reconstruction;
}

const sayings = {
  logits: 'binary cross-entropy on logits (the data lie in 0..1)',
  probabilities: 'binary cross-entropy (the data lie in 0..1, the decoder ends in a sigmoid)',
  squared: "mean squared error in units of the data's variance (the data leave 0..1)",
  custom: "the caller's",
} as const;

/** Principal axes of (a sample of) the rows, and the scale that gives the projected values unit mean square. */
function projectionOf(matrix: Matrix, random: Random): Projection {
  const components = Math.min(TRAINED_COLUMNS, ...matrix.shape);
  const axes = pca(matrix, { components, random: random.fork('projection'), sampleRows: 10_000 });
  let variance = 0;
  for (const v of axes.variance) variance += v / components;
  return { mean: axes.mean, components: axes.components, scale: variance > 0 ? Math.sqrt(variance) : 1 };
}

/** Reads the held-out rows, builds their graph, and returns what evaluates them at a report. */
async function validatorFor(setting: Setting): Promise<() => Promise<Record<string, number>>> {
  const { options, decoder, lossFn, encoder, projection, raw, curve } = setting;
  const held = options.reconstructionValidation;
  if (held === null || !decoder || !lossFn) return async () => ({});
  const random = setting.random.fork('validation');
  const { matrix } = await enterWidth(held, raw.shape[1], 'fit: reconstructionValidation');
  const nNeighbors = Math.min(options.nNeighbors, matrix.shape[0]);
  const graphOptions = {
    ...options,
    nNeighbors,
    metric: options.metric === 'precomputed' ? 'euclidean' : options.metric,
  };
  const edges = await neighborGraph(matrix, undefined, graphOptions, {}, random, () => {});
  const batchSize = Math.min(1000, matrix.shape[0]);
  return async () => ({
    ...(await validate({
      matrix: projection ? projectRows(matrix, projection) : matrix,
      raw: matrix,
      encoder,
      decoder,
      lossFn,
      sampler: edgeSampler(edges, { batchSize, random: random.fork('edges') }),
      umap: umapLoss({ ...umapOptions(options, curve), random: random.fork('negatives') }),
      batches: 4,
    })),
  });
}

/** Steps, batch size and learning rate of the start; enough to arrange the clusters, not to learn the details. */
const START = { steps: 200, batchSize: 1000, learningRate: 0.01 };

/** A training on the first layout: every row a landmark, at the mean squared distance. */
async function startFor(setting: Setting, edges: Edges): Promise<Plan | undefined> {
  const { options, encoder, matrix } = setting;
  const random = setting.random.fork('init');
  const positions = await firstLayout(setting, edges, random);
  if (!positions) return undefined;
  const { steps, batchSize, learningRate } = START;
  return {
    matrix,
    encoder,
    sampler: rowSampler(matrix.shape[0], { batchSize: Math.min(batchSize, matrix.shape[0]), random }),
    terms: [landmarkLoss({ positions, weight: 1, lossFn: tf.squaredDifference })],
    optimizer: adam(),
    clipValue: options.clipValue,
    steps,
    reports: 1,
    learningRate: (step) => learningRate * (1 - step / steps),
  };
}

async function firstLayout(setting: Setting, edges: Edges, random: Random): Promise<Matrix | undefined> {
  const { init, nComponents } = setting.options;
  if (init === 'random') return undefined;
  if (init === 'spectral') return spectralLayout(edges, { components: nComponents, random });
  if (init !== 'pca') return readPositions(init, edges.vertices, nComponents, 'init');
  const components = Math.min(nComponents, ...setting.raw.shape);
  const { data } = project(setting.raw, pca(setting.raw, { components, random, sampleRows: 10_000 }));
  // Scaled as the spectral layout is; dimensions beyond the data's own stay 0.
  const extent = data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  const places = new Float32Array(edges.vertices * nComponents);
  for (let i = 0; i < data.length; i++) {
    places[Math.floor(i / components) * nComponents + (i % components)] = (10 * data[i]!) / extent;
  }
  return { data: places, shape: [edges.vertices, nComponents] };
}

/** How long to train and how fast. */
function scheduleFor(options: ParametricUMAPOptions, edges: Edges, batchSize: number) {
  const { nEpochs, nTrainingEpochs, lossReportFrequency, learningRate } = options;
  const passes = nEpochs === null ? recipeSteps(edges.vertices) : stepsPerEpoch(edges, nEpochs, batchSize);
  const steps = passes * nTrainingEpochs;
  // Half a cosine from the peak to 0.
  const cosine = (step: number) => learningRate * 0.5 * (1 + Math.cos((Math.PI * step) / steps));
  return {
    steps,
    reports: Math.min(steps, lossReportFrequency * nTrainingEpochs),
    learningRate: nEpochs === null ? cosine : () => learningRate,
  };
}

function recipeSteps(rows: number): number {
  return Math.round(Math.min(8000, Math.max(500, 20 * Math.sqrt(rows))));
}
