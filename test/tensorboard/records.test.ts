import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joined } from '../../src/core/bytes.js';
import { createRandom } from '../../src/core/random.js';
import { summaryEvent, versionEvent } from '../../src/tensorboard/events.js';
import { histogramOf } from '../../src/tensorboard/histogram.js';
import { crc32c, record } from '../../src/tensorboard/records.js';
import { near } from '../helpers/assert.js';
import { readEvents, readRecords, slowCrc32c } from '../helpers/tfevents.js';

test('CRC-32C gives the values of RFC 3720, B.4', () => {
  const bytes = (at: (i: number) => number) => Uint8Array.from({ length: 32 }, (_, i) => at(i));
  assert.equal(crc32c(bytes(() => 0)), 0x8a9136aa);
  assert.equal(crc32c(bytes(() => 255)), 0x62a8ab43);
  assert.equal(crc32c(bytes((i) => i)), 0x46dd794e);
  assert.equal(crc32c(bytes((i) => 31 - i)), 0x113fdb5c);
  const command =
    '01c00000000000000000000000000000140000000000040000000014000000182800000000000000' + '0200000000000000';
  assert.equal(crc32c(Buffer.from(command, 'hex')), 0xd9963a56);
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(0)), 0);
  const random = createRandom(1);
  const noise = Uint8Array.from({ length: 1000 }, () => random.integer(256));
  assert.equal(crc32c(noise), slowCrc32c(noise));
});

test('records are read back, and a changed byte is found', () => {
  const data = ['', 'a', 'event'.repeat(100)].map((text) => Buffer.from(text));
  const file = Buffer.from(joined(data.map(record)));
  assert.deepEqual(readRecords(file), data);
  for (let at = 0; at < 40; at++) {
    const changed = Buffer.from(file);
    changed[at]! ^= 4;
    assert.throws(() => readRecords(changed), `byte ${at}`);
  }
});

test('events keep time, step, names and values', () => {
  const histogram = histogramOf(Float32Array.of(-1, 0, 0.5, 3))!;
  const events = [
    versionEvent(1_700_000_000.25),
    summaryEvent(1_700_000_001.5, 2 ** 40 + 3, [
      { tag: 'loss/größe', scalar: 0.5 },
      { tag: 'zero', scalar: 0 },
      { tag: 'encoder/kernel', histogram },
    ]),
    summaryEvent(1_700_000_002, 0, []),
  ];
  const [version, summary, empty] = readEvents(Buffer.from(joined(events.map(record))));
  assert.deepEqual([version!.version, version!.wallTime], ['brain.Event:2', 1_700_000_000.25]);
  assert.deepEqual([summary!.step, summary!.wallTime], [2 ** 40 + 3, 1_700_000_001.5]);
  assert.deepEqual(summary!.scalars, { 'loss/größe': 0.5, zero: 0 });
  const { min, max, num, sum, sumSquares } = summary!.histograms['encoder/kernel']!;
  assert.deepEqual([min, max, num, sum, sumSquares], [-1, 3, 4, 2.5, 10.25]);
  assert.deepEqual([empty!.step, empty!.scalars], [0, {}]);
});

test('a histogram counts every value between its limits', () => {
  // 0, 1, …, 299 in 30 bins: ten each.
  const even = histogramOf(Float32Array.from({ length: 300 }, (_, i) => i))!;
  assert.deepEqual(even.counts, new Array(30).fill(10));
  assert.equal(even.limits.at(-1), 299);
  near(even.limits[0]!, 299 / 30);
  const random = createRandom(2);
  const values = Array.from({ length: 5000 }, () => random.normal());
  const normal = histogramOf(values)!;
  let from = normal.min;
  for (const [bin, limit] of normal.limits.entries()) {
    const last = bin === normal.limits.length - 1;
    const inside = values.filter((value) => value >= from && (value < limit || (last && value === limit)));
    // Rounding may move a value at a limit.
    assert.ok(Math.abs(normal.counts[bin]! - inside.length) <= 1, `bin ${bin}`);
    from = limit;
  }
  assert.equal(
    normal.counts.reduce((sum, count) => sum + count),
    5000,
  );
  assert.deepEqual([normal.min, normal.max], [Math.min(...values), Math.max(...values)]);
});

test('equal values are one bin; values that are not finite are left out', () => {
  const one = histogramOf(Float32Array.of(2, 2, 2))!;
  assert.deepEqual([one.limits, one.counts, one.min, one.max], [[2], [3], 2, 2]);
  assert.equal(histogramOf([Number.NaN, 1, Infinity, 2])!.count, 2);
  assert.equal(histogramOf([Number.NaN]), undefined);
  assert.equal(histogramOf([]), undefined);
});
