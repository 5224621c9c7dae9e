/** A training that goes on from its state, for any estimator of a neighbor graph. */
import assert from 'node:assert/strict';
import { holdBackend, useBackend } from '../../src/backend/choose.js';
import { pausesFor } from '../../src/core/pauses.js';
import { untold } from '../../src/core/stages.js';
import { type FitSplit, readFit } from '../../src/fit/heldOut.js';
import type { FitContext, Prepared } from '../../src/fit/records.js';
import { restoreTraining, type TrainState, trainState } from '../../src/training/state.js';
import { readWeights, train, trainedBy } from '../../src/training/train.js';
import { digits, greys } from '../helpers/fixtures.js';

const { name: backend } = await useBackend();

/** Prepares a training on digits, some of them with labels and some with positions. */
export async function preparedOnDigits(
  options: Parameters<typeof readFit>[4],
  prepare: (rows: FitSplit, inputs: object, context: FitContext) => Promise<Prepared>,
): Promise<Prepared> {
  const labels = digits.y.map((label, i) => (i % 3 === 0 ? label : null));
  const inputs = { landmarkPositions: greys.map((_, i) => (i < 10 ? [i, -i] : null)) };
  const rows = await readFit(greys, labels, inputs, undefined, options, undefined);
  const hold = () => holdBackend(backend);
  const pauses = pausesFor(undefined, hold);
  return prepare(rows, inputs, { pauses, signal: undefined, hold, log: () => {}, stage: untold });
}

/** A training of five reports, prepared anew and brought to the state of the third one, ends with the same bits. */
export async function assertResumes(prepared: () => Promise<Prepared>): Promise<void> {
  const whole = await prepared();
  if (whole.start) for await (const _ of train(whole.start));
  const states: TrainState[] = [];
  for await (const { step, epoch } of train(whole.plan))
    states.push(await trainState(whole.plan, whole.streams, { step, reports: epoch + 1 }));
  const expected = await readWeights(trainedBy(whole.plan.forward, whole.plan.terms));
  whole.start?.optimizer.dispose();
  whole.release(false);
  assert.equal(states.length, 5);
  assert.notDeepEqual(states[2]!.weights, expected);

  const again = await prepared();
  await restoreTraining(again.plan, again.streams, states[2]!);
  let reports = 0;
  for await (const _ of train({ ...again.plan, from: states[2]! })) reports++;
  assert.equal(reports, 2);
  assert.deepEqual(await readWeights(trainedBy(again.plan.forward, again.plan.terms)), expected);
  again.start?.optimizer.dispose();
  again.release(false);
}
