/** Ctrl-C during a training with `stopOnInterrupt`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useBackend } from '../../src/backend/choose.js';
import type { TrainingCallback } from '../../src/index.js';
import { stopOnInterrupt } from '../../src/node.js';
import type { FeaturedEstimator } from '../checks/estimator.js';
import { assertFinite } from '../helpers/assert.js';
import { groups } from '../helpers/data.js';
import { useThreads } from '../helpers/threads.js';
import { subjects } from '../subjects.js';

await useBackend();
useThreads(1);

const rows = groups();
const listeners = () => process.listenerCount('SIGINT');

for (const subject of subjects) {
  if (!subject.traits.callbacks || subject.variant !== undefined) continue;
  test(`${subject.name}: the training ends at the next report, and the fit returns`, async () => {
    const before = listeners();
    let heard = -1;
    const interrupt: TrainingCallback = {
      async onEpochEnd(epoch: number) {
        if (epoch !== 0) return;
        heard = listeners();
        process.emit('SIGINT');
      },
    };
    const model = subject.create({ ...subject.quick, callbacks: [stopOnInterrupt(), interrupt] });
    const map = await model.fitTransform(rows);
    assertFinite(map.flat());
    assert.equal(heard, before + 1);
    assert.equal(listeners(), before);
    const whole = subject.create(subject.quick);
    await whole.fit(rows);
    const reports = (each: typeof model) => (each as FeaturedEstimator).history.loss!.length;
    assert.ok(reports(model) < reports(whole), `${reports(model)} reports of ${reports(whole)}`);
    whole.dispose();
    model.dispose();
  });
}

test('a fit that fails leaves no listener', async () => {
  const [subject] = subjects;
  const before = listeners();
  const fails: TrainingCallback = {
    async onEpochEnd() {
      assert.equal(listeners(), before + 1);
      throw new Error('on purpose');
    },
  };
  const model = subject!.create({ ...subject!.quick, callbacks: [stopOnInterrupt(), fails] });
  await assert.rejects(model.fit(rows), /on purpose/);
  assert.equal(listeners(), before);
  const controller = new AbortController();
  controller.abort(new Error('not begun'));
  await assert.rejects(model.fit(rows, null, { signal: controller.signal }), /not begun/);
  assert.equal(listeners(), before);
});
