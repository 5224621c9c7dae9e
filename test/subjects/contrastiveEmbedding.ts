import { contrastiveRows } from '../../src/estimators/contrastive/options.js';
import { ContrastiveEmbedding } from '../../src/index.js';
import type { Subject } from '../checks/subject.js';

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
    supervised: true,
    needsGraph: true,
    decoder: true,
    reconstruction: true,
    ownEncoder: true,
    landmarks: true,
    heldOut: true,
    callbacks: true,
  },
  quick: { nNeighbors: 5, nEpochs: 5, batchSize: 64, init: 'random' },
  brief: { nEpochs: 5, batchSize: 300, init: 'random', lossReportFrequency: 3 },
  epochs: (nEpochs) => ({ nEpochs }),
  inverse: { parametricReconstruction: true },
  optionRows: contrastiveRows,
  optionsPage: 'docs/contrastive.md',
  create: (options) => new ContrastiveEmbedding(options),
  load: (directory) => ContrastiveEmbedding.load(directory),
  fromArtifact: (artifact) => ContrastiveEmbedding.fromArtifact(artifact),
};
