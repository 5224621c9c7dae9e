import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { OptionError } from '../../src/core/errors.js';
import type { Progress } from '../../src/core/types.js';
import {
  callbackRule,
  runCallbacks,
  type Training,
  type TrainingCallback,
} from '../../src/training/callbacks.js';
import { type EarlyStoppingOptions, earlyStopping } from '../../src/training/earlyStopping.js';
import { saying } from '../helpers/assert.js';

await tf.setBackend('cpu');

const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });

/** Callbacks on a training whose weights are the number of the report. */
function watch(...callbacks: TrainingCallback[]) {
  const state = { weights: -1, restored: undefined as number | undefined };
  const runner = runCallbacks(
    callbacks,
    model,
    { epochs: 5, steps: 50 },
    {
      rows: 0,
      embed: async () => ({ data: new Float32Array(0), shape: [0, 1] }),
      numbers: async () => ({}),
      weights: async () => [],
      snapshot: async () => [Float32Array.of(state.weights)],
      restore: ([weights]) => {
        state.restored = weights![0];
      },
    },
  );
  return { runner, state };
}

const report = (epoch: number, losses: Record<string, number>): Progress => ({
  epoch,
  epochs: 5,
  step: 10 * (epoch + 1),
  steps: 50,
  losses,
  learningRate: 0.1,
});

/** Reports values until the callbacks ask to stop; gives the number of reports and the restored weights. */
async function follow(callback: TrainingCallback, values: number[], key = 'loss') {
  const { runner, state } = watch(callback);
  await runner.begin();
  let reports = 0;
  for (const value of values) {
    state.weights = reports;
    await runner.report(report(reports, { loss: 0, [key]: value }));
    reports++;
    if (runner.stopped()) break;
  }
  await runner.end();
  return { reports, restored: state.restored };
}

test('a callback gets the parameters, the model and every event in order', async () => {
  const events: unknown[] = [];
  class Listener extends tf.Callback {
    override setParams(params: object) {
      const { training, ...rest } = params as { training: Training };
      events.push(['params', rest, typeof training.stop]);
    }
    override setModel(given: unknown) {
      events.push(['model', given instanceof tf.LayersModel && given.layers === model.layers]);
    }
    override async onTrainBegin() {
      events.push('train begin');
    }
    override async onEpochBegin(epoch: number) {
      events.push(`epoch begin ${epoch}`);
    }
    override async onBatchBegin(batch: number, logs?: object) {
      events.push(`batch begin ${batch} ${JSON.stringify(logs)}`);
    }
    override async onBatchEnd(batch: number) {
      events.push(`batch end ${batch}`);
    }
    override async onEpochEnd(epoch: number, logs?: object) {
      events.push(`epoch end ${epoch} ${JSON.stringify(logs)}`);
    }
    override async onTrainEnd() {
      events.push('train end');
    }
  }
  const { runner } = watch(new Listener() as unknown as TrainingCallback);
  assert.deepEqual(events, []);
  await runner.begin();
  const loss = tf.scalar(1);
  for (let epoch = 0; epoch < 2; epoch++) {
    await runner.step(2 * epoch, 8, loss);
    await runner.step(2 * epoch + 1, 8, loss);
    await runner.report({ ...report(epoch, { loss: 1, umap: 2 }), epochs: 2 });
  }
  await runner.end();
  loss.dispose();
  const batches = [
    'batch begin 0 {"batch":0,"size":8}',
    'batch end 0',
    'batch begin 1 {"batch":1,"size":8}',
    'batch end 1',
  ];
  assert.deepEqual(events, [
    ['params', { epochs: 5, steps: 50 }, 'function'],
    ['model', true],
    'train begin',
    'epoch begin 0',
    ...batches,
    'epoch end 0 {"loss":1,"umap":2}',
    'epoch begin 1',
    ...batches,
    'epoch end 1 {"loss":1,"umap":2}',
    'train end',
  ]);
});

test('a callback may read, keep or free the loss of a step, and changes nothing for others', async () => {
  const before = tf.memory().numTensors;
  const read: number[] = [];
  const freeing: tf.CustomCallbackArgs = {
    onBatchEnd: async (_, logs) => void read.push(logs!.loss as number),
  };
  class Raw extends tf.Callback {
    override async onBatchEnd(_: number, logs?: Record<string, number | tf.Scalar>) {
      read.push((logs!.loss as tf.Scalar).dataSync()[0]!);
    }
  }
  const { runner } = watch(freeing, new tf.CustomCallback(freeing), new Raw() as unknown as TrainingCallback);
  await runner.begin();
  const loss = tf.scalar(3);
  await runner.step(0, 8, loss);
  assert.deepEqual(read, [3, 3, 3]);
  assert.equal(loss.isDisposed, false);
  loss.dispose();
  assert.equal(tf.memory().numTensors, before);
});

test('logs are a callback’s own copy', async () => {
  const progress = report(0, { loss: 1 });
  const changing: tf.CustomCallbackArgs = {
    onEpochEnd: async (_, logs) => {
      logs!.loss = 99;
    },
  };
  const { runner } = watch(changing);
  await runner.begin();
  await runner.report(progress);
  assert.equal(progress.losses.loss, 1);
});

test('stopTraining of the model that a callback gets ends the training, and only that one', async () => {
  class Stopper extends tf.Callback {
    override async onEpochEnd() {
      (this.model as tf.LayersModel).stopTraining = true;
    }
  }
  const { runner } = watch(new Stopper() as unknown as TrainingCallback);
  await runner.begin();
  assert.equal(runner.stopped(), false);
  await runner.report(report(0, { loss: 1 }));
  assert.equal(runner.stopped(), true);
  const next = watch();
  await next.runner.begin();
  assert.equal(next.runner.stopped(), false);
});

test('early stopping waits for `patience` reports without improvement', async () => {
  const values = [5, 4, 4.5, 4.2, 3, 3.1, 3.2, 3.3];
  assert.equal((await follow(earlyStopping(), values)).reports, 3);
  assert.equal((await follow(earlyStopping({ patience: 2 }), values)).reports, 4);
  assert.equal((await follow(earlyStopping({ patience: 3 }), values)).reports, 8);
  assert.equal((await follow(earlyStopping({ patience: 4 }), values)).reports, 8);
});

test('early stopping watches any key, either way, and asks for a least improvement', async () => {
  const rising = [0.1, 0.5, 0.4, 0.9];
  assert.equal(
    (await follow(earlyStopping({ monitor: 'valLoss', mode: 'max' }), rising, 'valLoss')).reports,
    3,
  );
  assert.equal((await follow(earlyStopping({ monitor: 'valLoss' }), rising, 'valLoss')).reports, 2);
  const slow = [1, 0.9, 0.8, 0.7];
  assert.equal((await follow(earlyStopping({ minDelta: 0.05 }), slow)).reports, 4);
  assert.equal((await follow(earlyStopping({ minDelta: 0.15 }), slow)).reports, 2);
});

test('the weights of the best report are restored on request', async () => {
  const values = [5, 3, 4, 4];
  const best = await follow(earlyStopping({ patience: 2, restoreBestWeights: true }), values);
  assert.deepEqual(best, { reports: 4, restored: 1 });
  assert.equal((await follow(earlyStopping({ patience: 2 }), values)).restored, undefined);
  // Also where training ends before patience does.
  const short = await follow(earlyStopping({ patience: 9, restoreBestWeights: true }), values);
  assert.deepEqual(short, { reports: 4, restored: 1 });
});

test('an early stopping that is used again starts anew', async () => {
  const callback = earlyStopping({ patience: 2, restoreBestWeights: true });
  await follow(callback, [1, 2, 2]);
  assert.deepEqual(await follow(callback, [9, 8, 8.5, 8.5]), { reports: 4, restored: 1 });
});

test('a monitor that is not there, and wrong options, are refused by name', async () => {
  const { runner } = watch(earlyStopping({ monitor: 'accuracy' }));
  await runner.begin();
  await assert.rejects(
    runner.report(report(0, { loss: 1, umap: 1, valLoss: 1 })),
    saying(OptionError, 'earlyStopping', 'loss, umap, valLoss', "'accuracy'"),
  );
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ patience: 0 }, /patience: expected an integer of at least 1, got 0/],
    [{ mode: 'auto' }, /mode: expected one of 'min', 'max', got "auto"/],
    [{ minDelta: -1 }, /minDelta/],
    [{ monitor: 3 }, /monitor/],
    [{ restore_best_weights: true }, /'restoreBestWeights'/],
  ];
  for (const [options, message] of wrong) {
    assert.throws(() => earlyStopping(options as EarlyStoppingOptions), saying(OptionError, message));
  }
});

test("any subset of a callback's methods will do, and `this` is the object", async () => {
  class Log {
    model: unknown;
    readonly lines: string[] = [];
    setModel(given: unknown) {
      this.model = given;
    }
    onEpochEnd(epoch: number) {
      this.lines.push(`${epoch} ${this.model instanceof tf.LayersModel}`);
      if (epoch === 1) (this.model as tf.LayersModel).stopTraining = true;
    }
  }
  class Bare {
    readonly seen: number[] = [];
    onEpochEnd(epoch: number) {
      this.seen.push(epoch);
    }
  }
  const log = new Log();
  const bare = new Bare();
  const params: unknown[] = [];
  const setters: TrainingCallback = {
    setParams: ({ epochs }) => void params.push(epochs),
    onTrainEnd: () => void params.push('end'),
  };
  const { runner } = watch(log, bare, setters);
  await runner.begin();
  await runner.report(report(0, { loss: 1 }));
  assert.equal(runner.stopped(), false);
  await runner.report(report(1, { loss: 1 }));
  assert.equal(runner.stopped(), true);
  await runner.end();
  assert.deepEqual(log.lines, ['0 true', '1 true']);
  assert.deepEqual(bare.seen, [0, 1]);
  assert.deepEqual(params, [5, 'end']);
});

test("held-out losses have Keras' names in the logs too, so tf.callbacks.earlyStopping() finds its own", async () => {
  const logs: object[] = [];
  const { runner } = watch({ onEpochEnd: (_, given) => void logs.push({ ...given }) });
  await runner.begin();
  await runner.report(report(0, { loss: 1, valLoss: 2, valUmap: 3 }));
  assert.deepEqual(logs, [{ loss: 1, valLoss: 2, valUmap: 3, val_loss: 2, val_umap: 3 }]);
  const stop = tf.callbacks.earlyStopping() as unknown as TrainingCallback;
  assert.equal((await follow(stop, [3, 2, 2.5, 1], 'valLoss')).reports, 3);
  assert.equal((await follow(earlyStopping({ monitor: 'val_loss' }), [3, 2, 2.5, 1], 'valLoss')).reports, 3);
});

test('tf.callbacks.earlyStopping() without held-out rows is refused instead of warning at every report', async () => {
  const { runner } = watch(tf.callbacks.earlyStopping() as unknown as TrainingCallback);
  await runner.begin();
  await assert.rejects(
    runner.report(report(0, { loss: 1, umap: 1 })),
    saying(OptionError, 'monitor: expected one of loss, umap', "'val_loss'", 'held-out rows (validation)'),
  );
});

test('what is no callback is refused with the option', () => {
  const stop = earlyStopping();
  for (const good of [
    stop,
    tf.callbacks.earlyStopping(),
    { onEpochEnd: () => {} },
    { setModel() {} },
    { onStage() {} },
  ]) {
    assert.ok(callbackRule.accepts(good));
  }
  for (const bad of [
    {},
    { onEpochEnded: () => {} },
    { onEpochEnd: 3 },
    { onStage: 3 },
    () => {},
    null,
    'log',
  ]) {
    assert.ok(!callbackRule.accepts(bad));
  }
  assert.match(callbackRule.text, /^a callback: an object with onTrainBegin/);
});
