/** A training of Parametric UMAP goes on from its state with the same bits, with every loss and every random stream at work. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdBackend, useBackend } from '../../../src/backend/choose.js';
import { pausesFor } from '../../../src/core/pauses.js';
import { untold } from '../../../src/core/stages.js';
import type { GivenUMAPOptions } from '../../../src/estimators/umap/options.js';
import { prepareUmap } from '../../../src/estimators/umap/prepare.js';
import { resolveUmapOptions } from '../../../src/estimators/umap/rules.js';
import { readFit } from '../../../src/fit/heldOut.js';
import { restoreTraining, type TrainState, trainState } from '../../../src/training/state.js';
import { readWeights, train, trainedBy } from '../../../src/training/train.js';
import { digits, greys } from '../../helpers/fixtures.js';

const { name: backend } = await useBackend();

async function prepared(given: GivenUMAPOptions) {
  const options = resolveUmapOptions({ nEpochs: 20, batchSize: 200, lossReportFrequency: 5, ...given });
  const labels = digits.y.map((label, i) => (i % 3 === 0 ? label : null));
  const positions = greys.map((_, i) => (i < 10 ? [i, -i] : null));
  const inputs = { landmarkPositions: positions };
  const rows = await readFit(greys, labels, inputs, undefined, options, undefined);
  const hold = () => holdBackend(backend);
  const context = {
    pauses: pausesFor(undefined, hold),
    signal: undefined,
    hold,
    log: () => {},
    stage: untold,
  };
  return prepareUmap(rows, options, undefined, inputs, context);
}

/** Every loss, each with a stream of its own. */
const everyLoss: GivenUMAPOptions = {
  ...{ parametricReconstruction: true, autoencoderLoss: true },
  ...{ classifier: true, globalCorrelationLossWeight: 0.1 },
};

for (const [name, options] of Object.entries({ 'the defaults': {}, 'every loss': everyLoss })) {
  test(`${name}: a training that goes on from its state ends with the same bits`, async () => {
    const whole = await prepared(options);
    if (whole.start) for await (const _ of train(whole.start));
    const states: TrainState[] = [];
    for await (const report of train(whole.plan))
      states.push(await trainState(whole.plan, whole.streams, report));
    const expected = await readWeights(trainedBy(whole.plan.forward, whole.plan.terms));
    whole.start?.optimizer.dispose();
    whole.release(false);
    assert.equal(states.length, 5);

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
