import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Stage, stages, untold } from '../../src/core/stages.js';
import { stageTeller } from '../../src/training/stages.js';
import { withClock } from '../helpers/clock.js';

type Told = [stage: Stage, done: number | undefined];

const nothing = () => {};

test('a stage is told at its start, at most ten times a second, and at its end', async () => {
  await withClock(async (tick) => {
    const told: Told[] = [];
    const reader = { onStage: (...values: Told) => void told.push(values) };
    const { run } = stageTeller([reader], undefined, nothing);
    const result = await run('neighbors', async (progress) => {
      for (let part = 0; part <= 100; part++) {
        tick(10);
        progress(part / 100);
      }
      return 'found';
    });
    assert.equal(result, 'found');
    const tenths = [0.09, 0.19, 0.29, 0.39, 0.49, 0.59, 0.69, 0.79, 0.89, 0.99];
    assert.deepEqual(
      told,
      [0, ...tenths, 1].map((done) => ['neighbors', done]),
    );
  });
});

test('the part done never falls, and is 1 at the end alone; where it is not known, it is undefined', async () => {
  await withClock(async (tick) => {
    const told: Told[] = [];
    const { run } = stageTeller([{ onStage: (...values) => void told.push(values) }], undefined, nothing);
    const work = async (progress: (done: number) => void) => {
      for (const done of [0.5, 0.2, 0.5, 1, 0.7, 2, Number.NaN]) {
        tick(1000);
        progress(done);
      }
    };
    await run('graph', work);
    await run('first layout', work);
    assert.deepEqual(told, [
      ['graph', 0],
      ['graph', 0.5],
      ['graph', 0.7],
      ['graph', 1],
      ['first layout', undefined],
      ['first layout', 1],
    ]);
  });
});

test('an error of a reader ends the stage, and aborts what waits for others', async () => {
  const reason = new Error('enough');
  const onStage = (_: Stage, done: number | undefined) => {
    if (done === 0) throw reason;
  };
  const { run, signal, settled } = stageTeller([{ onStage }], undefined, nothing);
  let ran = false;
  const work = async () => {
    ran = true;
  };
  await assert.rejects(run('graph', work), reason);
  assert.equal(ran, false);
  assert.equal(signal!.reason, reason);
  await assert.rejects(settled(), reason);
});

test('a promise of a reader is waited for, and its error aborts', async () => {
  const reason = new Error('enough');
  let finish: (() => void) | undefined;
  const order: string[] = [];
  const slow = stageTeller(
    [
      {
        onStage: () =>
          new Promise<void>((resolve) => {
            finish = resolve;
          }),
      },
    ],
    undefined,
    nothing,
  );
  await slow.run('graph', async () => {
    finish!();
  });
  const settled = slow.settled().then(() => order.push('settled'));
  setImmediate(() => {
    order.push('finished');
    finish!();
  });
  await settled;
  assert.deepEqual(order, ['finished', 'settled']);
  const failing = stageTeller([{ onStage: () => Promise.reject(reason) }], undefined, nothing);
  await assert.rejects(
    failing.run('graph', async () => {}).then(() => failing.settled()),
    reason,
  );
  assert.equal(failing.signal!.reason, reason);
});

test('an abort of the fit, before or within a call, is passed on with its reason until the teller is closed', async () => {
  const control = new AbortController();
  const reason = new Error('enough');
  const onStage = () => control.abort(reason);
  const within = stageTeller([{ onStage }], control.signal, nothing);
  await assert.rejects(
    within.run('graph', async () => {}),
    reason,
  );
  const before = stageTeller([{ onStage() {} }], control.signal, nothing);
  assert.equal(before.signal!.reason, reason);
  const later = new AbortController();
  const closed = stageTeller([{ onStage() {} }], later.signal, nothing);
  closed.close();
  later.abort();
  assert.equal(closed.signal!.aborted, false);
});

test('`this` is the reader, all readers are called, and what they may have changed is put right after', async () => {
  const calls: string[] = [];
  class Reader {
    constructor(readonly name: string) {}
    onStage(stage: Stage, done: number | undefined) {
      calls.push(`${this.name} ${stage} ${done}`);
    }
  }
  const readers = [new Reader('a'), {}, new Reader('b')];
  const { run } = stageTeller(readers, undefined, () => calls.push('after'));
  await run('graph', async () => calls.push('run'));
  const expected = ['a graph 0', 'b graph 0', 'after', 'run', 'a graph 1', 'b graph 1', 'after'];
  assert.deepEqual(calls, expected);
});

test('without a reader nothing is told, and the signal is the given one', async () => {
  const { signal } = new AbortController();
  const teller = stageTeller([{}], signal, () => assert.fail());
  assert.equal(teller.signal, signal);
  assert.equal(teller.run, untold);
  assert.equal(await teller.run('graph', async (progress) => progress(0.5)), undefined);
  await teller.settled();
});

test('stages have different names', () => {
  assert.equal(new Set(stages).size, stages.length);
});
