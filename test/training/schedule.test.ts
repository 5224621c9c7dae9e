import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schedule } from '../../src/core/types.js';
import { scheduleOf } from '../../src/fit/trainingLength.js';
import {
  constantRate,
  cosineDecay,
  linearDecay,
  withGroups,
  withWarmUp,
} from '../../src/training/schedule.js';

function near(schedule: Schedule, expected: Readonly<Record<number, number>>, group?: string) {
  for (const [step, rate] of Object.entries(expected)) {
    const found = schedule.rate(Number(step), group);
    assert.ok(Math.abs(found - rate) < 1e-12, `step ${step}: ${found}, expected ${rate}`);
  }
}

test('linear decay may end at a share of its peak', () => {
  near(linearDecay(2, 100, 0.1), { 0: 2, 50: 1, 90: 0.2, 95: 0.2, 100: 0.2 });
});

test('a warm-up rises in equal steps to the peak, and the decay begins there', () => {
  near(withWarmUp(cosineDecay(1, 90), 9), { 0: 0.1, 1: 0.2, 8: 0.9, 9: 1, 54: 0.5, 99: 0 });
  near(withWarmUp(constantRate(3), 0), { 0: 3, 5: 3 });
});

test('groups have schedules of their own, all others the common one', () => {
  const schedule = withGroups(linearDecay(1, 10), { temperature: constantRate(0.001) });
  near(schedule, { 0: 1, 5: 0.5 });
  near(schedule, { 0: 1, 5: 0.5 }, 'unknown');
  near(schedule, { 0: 0.001, 5: 0.001 }, 'temperature');
  assert.equal(schedule.state, undefined);
  const warm = withWarmUp(schedule, 3);
  near(warm, { 1: 0.5, 3: 1 });
  near(warm, { 1: 0.0005, 3: 0.001 }, 'temperature');
});

test('options make a schedule: auto is a cosine or constant, others are what they are called', () => {
  near(scheduleOf(2, 100), { 0: 2, 50: 1, 100: 0 });
  near(scheduleOf(2, 100, false), { 0: 2, 99: 2 });
  near(scheduleOf(2, 100, false, { learningRateDecay: 'cosine' }), { 0: 2, 50: 1, 100: 0 });
  near(scheduleOf(2, 100, true, { learningRateDecay: 'constant' }), { 0: 2, 99: 2 });
  near(scheduleOf(2, 100, true, { learningRateDecay: 'linear' }), { 0: 2, 25: 1.5, 75: 0.5 });
  near(scheduleOf(2, 100, true, { learningRateDecay: 'linear', warmUp: 0.2 }), { 0: 2 / 21, 20: 2, 60: 1 });
  // A share of a step is no warm-up.
  near(scheduleOf(2, 4, true, { learningRateDecay: 'linear', warmUp: 0.1 }), { 0: 2, 2: 1 });
  const own = scheduleOf((done) => 1 - done, 10);
  near(own, { 0: 1, 5: 0.5 });
});
