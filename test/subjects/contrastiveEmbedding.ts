import { contrastiveRows } from '../../src/estimators/contrastive/options.js';
import { ContrastiveEmbedding } from '../../src/index.js';
import { type Subject, varied } from '../checks/subject.js';

export const contrastiveEmbedding: Subject = {
  name: 'ContrastiveEmbedding',
  names: {
    dimensions: 'nComponents',
    mainLoss: 'infonce',
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
  // Without early exaggeration, under which the first losses of a fit are no measure of it.
  quick: { nNeighbors: 5, nEpochs: 5, batchSize: 64, init: 'random', earlyExaggeration: false },
  // As many neighbors as the golden graphs have.
  brief: { nNeighbors: 15, nEpochs: 5, batchSize: 300, init: 'random', lossReportFrequency: 3 },
  epochs: (nEpochs) => ({ nEpochs }),
  inverse: { parametricReconstruction: true },
  optionRows: contrastiveRows,
  optionsPage: 'docs/contrastive.md',
  create: (options) => new ContrastiveEmbedding(options),
  load: (directory) => ContrastiveEmbedding.load(directory),
  fromArtifact: (artifact, overrides) => ContrastiveEmbedding.fromArtifact(artifact, overrides),
};

/** With a point for each row in place of the network. */
export const contrastivePoints: Subject = {
  ...contrastiveEmbedding,
  variant: 'a point for each row',
  traits: {
    ...contrastiveEmbedding.traits,
    parametric: false,
    points: true,
    ownEncoder: false,
    heldOut: false,
  },
  create: (options) => new ContrastiveEmbedding(varied(options, { parametric: false })),
};

/** With a loss that learns a number beside the network. */
export const noiseContrastive: Subject = {
  ...contrastiveEmbedding,
  variant: 'a learned normalization',
  learnsMore: true,
  names: { ...contrastiveEmbedding.names, mainLoss: 'nce' },
  create: (options) => new ContrastiveEmbedding(varied(options, { lossMode: 'nce' })),
};
