import { compressionVaeRows } from '../../src/estimators/vae/options.js';
import { CompressionVAE } from '../../src/index.js';
import { type Subject, varied } from '../checks/subject.js';

export const compressionVae: Subject = {
  name: 'CompressionVAE',
  names: {
    dimensions: 'dimLatent',
    mainLoss: 'reconstruction',
    seed: 'seed',
    learningRate: 'learningRate',
    batchSize: 'batchSize',
  },
  heldOutLosses: ['valReconstruction', 'valKl'],
  traits: {
    parametric: true,
    points: false,
    newRows: true,
    batches: true,
    supervised: false,
    classifier: false,
    needsGraph: false,
    decoder: true,
    reconstruction: false,
    ownEncoder: false,
    landmarks: false,
    heldOut: true,
    callbacks: true,
  },
  quick: {
    ...{ numSteps: 40, testEvery: 10, cellsEncoder: [16, 8], iafFlowLength: 1, likelihood: 'gaussian' },
    ...{ batchSize: 20, trainValidSplit: 1, lrScheduling: false, learningRate: 0.01 },
  },
  brief: {
    ...{ numSteps: 30, testEvery: 10, batchSize: 300, cellsEncoder: [32, 16], trainValidSplit: 1 },
    ...{ lrScheduling: false, learningRate: 0.01 },
  },
  epochs: (count) => ({ numSteps: 6 * count }),
  inverse: {},
  optionRows: compressionVaeRows,
  optionsPage: 'docs/vae.md',
  create: (options) => new CompressionVAE(options),
  load: (directory) => CompressionVAE.load(directory),
  fromArtifact: (artifact, overrides) => CompressionVAE.fromArtifact(artifact, overrides),
};

/** With everything that is learned beside the networks. */
export const vampPriorVae: Subject = {
  ...compressionVae,
  // Without a flow: with one, 40 steps are too few for the decoder to begin to use the latent variables.
  quick: { ...compressionVae.quick, iafFlowLength: 0 },
  variant: 'a learned prior and variance',
  learnsMore: true,
  create: (options) =>
    new CompressionVAE(
      varied(options, {
        ...{ prior: 'vamp', pseudoInputs: 10, likelihood: 'learnedGaussian' },
        klWeight: { target: 1 },
      }),
    ),
};
