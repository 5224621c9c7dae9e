/** The learning rate that falls where tests no longer improve, by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PlateauOptions, plateau } from '../../src/training/plateau.js';

type Report = Readonly<Record<string, number>>;

/** Gives the rule these reports; which were kept, what it said, the rates after each, and the part done that it asked for. */
async function reported(reports: readonly Report[], options: Partial<PlateauOptions> = {}) {
  const said: string[] = [];
  const parts: number[] = [];
  const rates: number[] = [];
  let current = -1;
  let restored: unknown;
  let stopped = false;
  const rule = plateau({
    ...{ rate: 1, falls: true, window: 3, factor: 10, least: 0.01, reports: reports.length },
    cost: (losses, done) => {
      parts.push(done);
      return losses['valLoss'] ?? losses['loss'];
    },
    log: (line) => said.push(line),
    ...options,
  });
  const watch = rule.watch as unknown as {
    setParams(params: unknown): void;
    onEpochEnd(epoch: number, logs: Report): Promise<void>;
    onTrainEnd(): Promise<void>;
  };
  const training = {
    snapshot: async () => [current],
    restore(weights: unknown) {
      restored = weights;
    },
    stop() {
      stopped = true;
    },
  };
  watch.setParams({ training });
  for (const [epoch, report] of reports.entries()) {
    current = epoch;
    await watch.onEpochEnd(epoch, report);
    rates.push(rule.schedule.rate(0));
    if (stopped) break;
  }
  await watch.onTrainEnd();
  return { rates, parts, said, restored, stopped };
}

const held = (...values: number[]): Report[] => values.map((valLoss) => ({ loss: 0, valLoss }));

test('the rate falls where all of a window are worse than its first, which then starts anew; the best weights are kept', async () => {
  const { rates, parts, restored, stopped, said } = await reported(held(5, 3, 4, 4, 4, 4, 2));
  assert.deepEqual(rates, [1, 1, 1, 0.1, 0.1, 0.1, 0.1]);
  assert.deepEqual(
    parts,
    [1, 2, 3, 4, 5, 6, 7].map((epoch) => epoch / 7),
  );
  assert.deepEqual(restored, [6]);
  assert.equal(stopped, false);
  assert.equal(said.length, 1);
});

test('at the least rate training ends', async () => {
  const { rates, restored, stopped, said } = await reported(held(1, 2, 2, 1, 2, 2, 0));
  assert.deepEqual(rates, [1, 1, 0.1, 0.1, 0.1, 0.01]);
  assert.equal(stopped, true);
  assert.deepEqual(restored, [0]);
  assert.match(said[1]!, /converged/);
});

test('a report without a cost counts for nothing: neither the window nor the best weights', async () => {
  const cost = (losses: Report, done: number) => (done < 0.5 ? undefined : losses['valLoss']);
  const { rates, restored } = await reported(held(1, 2, 5, 6, 6, 7), { cost });
  // From the third on, half of the training is done. The first was better, and would have lowered the rate at the third.
  assert.deepEqual(rates, [1, 1, 1, 1, 0.1, 0.1]);
  assert.deepEqual(restored, [2]);
});

test('without held-out rows the last weights stay; switched off, nothing happens', async () => {
  const plain = [1, 2, 2, 2].map((loss) => ({ loss }));
  const without = await reported(plain);
  assert.deepEqual(without.rates, [1, 1, 0.1, 0.1]);
  assert.equal(without.restored, undefined);
  const off = await reported(held(1, 2, 2, 2), { falls: false });
  assert.deepEqual(off.rates, [1, 1, 1, 1]);
  assert.equal(off.restored, undefined);
});
