/** A contrastive training goes on from its state with the same bits: learned numbers, velocities, every random stream. */
import { test } from 'node:test';
import type { GivenContrastiveOptions } from '../../../src/estimators/contrastive/options.js';
import { prepareContrastive } from '../../../src/estimators/contrastive/prepare.js';
import { resolveContrastiveOptions } from '../../../src/estimators/contrastive/rules.js';
import { assertResumes, preparedOnDigits } from '../../features/resume.js';

function prepared(given: GivenContrastiveOptions) {
  const brief = { nEpochs: 5, batchSize: 200, lossReportFrequency: 5 };
  const options = resolveContrastiveOptions({ ...brief, ...given });
  return preparedOnDigits(options, (rows, inputs, context) =>
    prepareContrastive(rows, options, undefined, inputs, context),
  );
}

const momentum: GivenContrastiveOptions = { optimizer: 'sgd', momentum: 0.9, learningRate: 0.5 };

const cases: Readonly<Record<string, GivenContrastiveOptions>> = {
  'the defaults': {},
  'nce, with momentum and a warm-up': { lossMode: 'nce', ...momentum, warmUp: 0.3 },
  'nce of points, with momentum': { lossMode: 'nce', parametric: false, ...momentum },
  'all losses of points, a learned temperature': {
    ...{ parametric: false, similarity: 'cosine', learnTemperature: true, excludeNeighbors: true },
    ...{ parametricReconstruction: true, autoencoderLoss: true, classifier: true },
    globalCorrelationLossWeight: 0.1,
  },
};

for (const [name, options] of Object.entries(cases)) {
  test(`${name}: a training that goes on from its state ends with the same bits`, () =>
    assertResumes(() => prepared(options)));
}
