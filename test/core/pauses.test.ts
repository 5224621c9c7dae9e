import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finish, inBlocks, pausesFor, type Work, whole } from '../../src/core/pauses.js';
import { withClock } from '../helpers/clock.js';

/** Counts turns of the event loop. */
function countTurns() {
  let turns = 0;
  let running = true;
  const next = () => {
    turns++;
    if (running) setImmediate(next);
  };
  setImmediate(next);
  return {
    turns: () => turns,
    stop: () => {
      running = false;
    },
  };
}

function* counting(blocks: number, each: () => void): Work<string> {
  yield* inBlocks(blocks, 1, each);
  return 'done';
}

test('a computation lets the event loop in once in 40 ms, and gives what it gives at once', async () => {
  await withClock(async (tick) => {
    const pauses = pausesFor();
    await pauses.take();
    const loop = countTurns();
    // 100 blocks of 10 ms.
    assert.equal(await pauses.run(counting(100, () => tick(10))), 'done');
    assert.equal(loop.turns(), 25);
    assert.equal(await pauses.run(counting(100, () => tick(0))), 'done');
    assert.equal(loop.turns(), 25, 'short ones never pause');
    loop.stop();
  });
  assert.equal(finish(counting(3, () => {})), 'done');
  assert.equal(
    whole(counting)(3, () => {}),
    'done',
  );
});

test('timers are let in too', async () => {
  await withClock(async (tick) => {
    let rung = false;
    setTimeout(() => {
      rung = true;
    }, 0);
    const pauses = pausesFor();
    for (let i = 0; !rung; i++) {
      assert.ok(i < 1e6);
      tick(50);
      await pauses.take();
    }
  });
});

test('an abort ends a computation at its next pause, with the reason of the signal', async () => {
  await withClock(async (tick) => {
    const control = new AbortController();
    const reason = new Error('enough');
    const pauses = pausesFor(control.signal);
    let blocks = 0;
    const work = counting(1000, () => {
      tick(10);
      if (++blocks === 10) setImmediate(() => control.abort(reason));
    });
    await assert.rejects(pauses.run(work), reason);
    assert.equal(blocks, 12, 'the pause after 40 ms, 80 ms, 120 ms');
    await assert.rejects(pauses.take(), reason);
    await assert.rejects(
      pauses.run(
        counting(1, () => {
          blocks++;
        }),
      ),
      reason,
    );
    assert.equal(blocks, 12);
  });
});

test('the parts that a computation yields are told, and nothing else is', async () => {
  function* work(): Work<string> {
    yield;
    yield 0.25;
    yield* inBlocks(3, 1, () => {});
    yield 1;
    return 'done';
  }
  const parts: number[] = [];
  assert.equal(await pausesFor().run(work(), (done) => void parts.push(done)), 'done');
  assert.deepEqual(parts, [0.25, 1]);
});

test('blocks cover all, in order, and the last may be shorter', () => {
  const seen: number[][] = [];
  finish(inBlocks(10, 4, (from, to) => seen.push([from, to])));
  assert.deepEqual(seen, [
    [0, 4],
    [4, 8],
    [8, 10],
  ]);
});
