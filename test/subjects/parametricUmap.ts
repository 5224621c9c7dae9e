import { parametricUmapRows } from '../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../src/index.js';
import type { Subject } from '../checks/subject.js';

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
    supervised: true,
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
  fromArtifact: (artifact) => ParametricUMAP.fromArtifact(artifact),
};
