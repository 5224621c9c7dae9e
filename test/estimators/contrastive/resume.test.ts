/** A contrastive training goes on from its state with the same bits: learned numbers, velocities, every random stream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdBackend, useBackend } from '../../../src/backend/choose.js';
import { pausesFor } from '../../../src/core/pauses.js';
import { untold } from '../../../src/core/stages.js';
import type { GivenContrastiveOptions } from '../../../src/estimators/contrastive/options.js';
import { prepareContrastive } from '../../../src/estimators/contrastive/prepare.js';
import { resolveContrastiveOptions } from '../../../src/estimators/contrastive/rules.js';
import { readFit } from '../../../src/fit/heldOut.js';
import { restoreTraining, type TrainState, trainState } from '../../../src/training/state.js';
import { readWeights, train, trainedBy } from '../../../src/training/train.js';
import { digits, greys } from '../../helpers/fixtures.js';

const { name: backend } = await useBackend();

async function prepared(given: GivenContrastiveOptions) {
  const options = resolveContrastiveOptions({
    ...{ nEpochs: 5, batchSize: 200, lossReportFrequency: 5 },
    ...given,
  });
  const labels = digits.y.map((label, i) => (i % 3 === 0 ? label : null));
  const inputs = { landmarkPositions: greys.map((_, i) => (i < 10 ? [i, -i] : null)) };
  const rows = await readFit(greys, labels, inputs, undefined, options, undefined);
  const hold = () => holdBackend(backend);
  const context = {
    pauses: pausesFor(undefined, hold),
    signal: undefined,
    hold,
    log: () => {},
    stage: untold,
  };
  return prepareContrastive(rows, options, undefined, inputs, context);
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
  test(`${name}: a training that goes on from its state ends with the same bits`, async () => {
    const whole = await prepared(options);
    const states: TrainState[] = [];
    for await (const report of train(whole.plan))
      states.push(await trainState(whole.plan, whole.streams, report));
    const expected = await readWeights(trainedBy(whole.plan.forward, whole.plan.terms));
    whole.start?.optimizer.dispose();
    whole.release(false);
    assert.equal(states.length, 5);
    assert.notDeepEqual(states[2]!.weights, expected);

    const again = await prepared(options);
    await restoreTraining(again.plan, again.streams, states[2]!);
    let reports = 0;
    for await (const _ of train({ ...again.plan, from: states[2]! })) reports++;
    assert.equal(reports, 2);
    assert.deepEqual(await readWeights(trainedBy(again.plan.forward, again.plan.terms)), expected);
    again.start?.optimizer.dispose();
    again.release(false);
  });
}
