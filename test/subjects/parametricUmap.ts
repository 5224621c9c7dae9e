import { parametricUmapRows } from '../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../src/index.js';
import { type Subject, varied } from '../checks/subject.js';

/** Options of a quick fit on the 60 rows of `groups()`. */
export const quick = { nNeighbors: 5, nEpochs: 5, batchSize: 64, init: 'random' } as const;

/** Options of a short training on 300 digits. */
export const brief = { nEpochs: 5, batchSize: 300, init: 'random', lossReportFrequency: 3 } as const;

export const parametricUmap: Subject = {
  name: 'ParametricUMAP',
  names: {
    dimensions: 'nComponents',
    mainLoss: 'umap',
    seed: 'seed',
    learningRate: 'learningRate',
    batchSize: 'batchSize',
  },
  traits: {
    parametric: true,
    points: false,
    newRows: true,
    batches: true,
    supervised: true,
    classifier: true,
    needsGraph: true,
    decoder: true,
    reconstruction: true,
    ownEncoder: true,
    landmarks: true,
    heldOut: true,
    callbacks: true,
  },
  quick,
  brief,
  epochs: (nEpochs) => ({ nEpochs }),
  inverse: { parametricReconstruction: true },
  optionRows: parametricUmapRows,
  optionsPage: 'docs/options.md',
  create: (options) => new ParametricUMAP(options),
  load: (directory) => ParametricUMAP.load(directory),
  fromArtifact: (artifact, overrides) => ParametricUMAP.fromArtifact(artifact, overrides),
};

/** With a point for each row in place of the network. */
export const umapPoints: Subject = {
  ...parametricUmap,
  variant: 'a point for each row',
  traits: { ...parametricUmap.traits, parametric: false, points: true, ownEncoder: false, heldOut: false },
  create: (options) => new ParametricUMAP(varied(options, { parametricEmbedding: false })),
};

/** The layout of UMAP without a network, which has neither batches nor losses besides its own. */
export const classicUmap: Subject = {
  ...umapPoints,
  variant: 'the layout without batches',
  traits: {
    ...umapPoints.traits,
    ...{ batches: false, decoder: false, reconstruction: false, landmarks: false, classifier: false },
  },
  // Nothing moves in the first epoch, so several to each report.
  quick: { nNeighbors: 5, nEpochs: 30, init: 'random' },
  brief: { nEpochs: 10, init: 'random', lossReportFrequency: 3 },
  epochs: (count) => ({ nEpochs: 2 * count }),
  inverse: {},
  create: (options) =>
    new ParametricUMAP(varied(options, { parametricEmbedding: false, nonParametric: 'sgd' })),
};
