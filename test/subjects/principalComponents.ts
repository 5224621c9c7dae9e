import { loadModel } from '../../src/artifact/model.js';
import type { Subject } from '../checks/subject.js';
import { PrincipalComponents, pcaRows } from '../toy/principalComponents.js';

export const principalComponents: Subject = {
  name: 'PrincipalComponents',
  names: {
    dimensions: 'nComponents',
    mainLoss: 'reconstruction',
    seed: 'seed',
    learningRate: 'learningRate',
    batchSize: 'batchSize',
  },
  traits: {
    ...{ parametric: true, newRows: true, batches: true, decoder: true, heldOut: true, callbacks: true },
    ...{
      supervised: false,
      classifier: false,
      points: false,
      needsGraph: false,
      reconstruction: false,
      ownEncoder: false,
      landmarks: false,
    },
  },
  quick: { steps: 30, batchSize: 32, lossReportFrequency: 5 },
  brief: { steps: 5, batchSize: 300, lossReportFrequency: 3 },
  epochs: (steps) => ({ steps }),
  inverse: {},
  optionRows: pcaRows,
  create: (options) => new PrincipalComponents(options),
  load: async (path) => PrincipalComponents.fromArtifact(await loadModel(path, 'PrincipalComponents')),
  fromArtifact: (artifact, overrides) => PrincipalComponents.fromArtifact(artifact, overrides),
};
