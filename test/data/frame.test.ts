import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import { checkDistances } from '../../src/data/columnStats.js';
import {
  type FrameRules,
  narrow,
  toFramedMatrix,
  toFramedMatrixSync,
  toMatrixInFrame,
  unframe,
} from '../../src/data/frame.js';
import { toMatrix } from '../../src/data/matrix.js';
import { saying } from '../helpers/assert.js';

const free: FrameRules = { noShift: undefined, noScale: undefined, columnwise: false };
const random = createRandom(3);
const table = (rows: number, columns: number, value: (row: number, column: number) => number) =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, c) => value(i, c)));
const ordinary = table(300, 4, (i, c) => random.normal() + (c === i % 3 ? 5 : 0));

test('rows that 32 bits hold are cast and nothing else', async () => {
  const tables = [
    ordinary,
    ordinary.map((row) => row.map((value) => value * 1e12)),
    ordinary.map((row) => row.map((value) => value * 1e-8)),
    // Kelvin, years, distances to an origin far away; a column that never changes.
    ordinary.map(([a, b]) => [a! + 293, 2000 + b!, 100 * a! + 50_000, 7]),
    // Whole numbers that 32 bits hold exactly.
    table(300, 2, (i, c) => 1_000_000 + 50 * i + c),
    table(300, 3, () => 0),
    [[1e6, 2]],
  ];
  for (const rows of tables) {
    const { matrix, frame } = await toFramedMatrix(rows, 'fit', free);
    assert.equal(frame, undefined);
    assert.deepEqual(matrix, (await toMatrix(rows, 'fit')).matrix);
  }
  const data = Float32Array.from(ordinary.flat());
  assert.equal((await toFramedMatrix({ data, shape: [300, 4] }, 'fit', free)).matrix.data, data);
});

test('columns far from 0 for their spread are centered in 64 bits, the others stay', async () => {
  const rows = ordinary.map(([a, b], i) => [1.7e12 + 1000 * i, a!, b!]);
  const forms = [
    rows,
    rows.map((row) => Float64Array.from(row)),
    { data: Float64Array.from(rows.flat()), shape: [300, 3] },
    { data: rows.flat(), shape: [300, 3] },
    // Beside a marker of missing times.
    [[0, 0, 0], ...rows],
  ];
  for (const input of forms) {
    const { matrix, frame } = await toFramedMatrix(input, 'fit', free);
    const [, columns] = matrix.shape;
    assert.equal(frame!.scale, 1);
    assert.deepEqual([...frame!.shift.subarray(1)], [0, 0]);
    const first = matrix.shape[0] - 300;
    for (let i = 1; i < 300; i++) {
      const at = (first + i) * columns;
      assert.equal(matrix.data[at]! - matrix.data[at - columns]!, 1000);
      assert.equal(matrix.data[at + 1], Math.fround(rows[i]![1]!));
    }
    // The frame is the way back, and the same for other rows.
    const back = unframe(matrix, frame!);
    for (let i = 0; i < 300; i++) assert.equal(back.data[(first + i) * columns], rows[i]![0]);
    const again = await toMatrix(input, 'transform', { frame });
    assert.deepEqual(again.matrix.data, matrix.data);
  }
});

test('64-bit whole numbers too', async () => {
  const times = Array.from({ length: 400 }, (_, i) => 1_700_000_000_000n + 1000n * BigInt(i));
  const { matrix } = await toFramedMatrix({ data: BigInt64Array.from(times), shape: [400, 1] }, 'fit', free);
  assert.equal(new Set(matrix.data).size, 400);
});

test('a table whose squares 32 bits cannot hold is scaled by a power of 2', async () => {
  for (const size of [1e19, 1e-25, 1e-39, 1e300, 1e-300]) {
    const rows = ordinary.map((row) => row.map((value) => value * size));
    const { matrix, frame } = await toFramedMatrix(rows, 'fit', free);
    assert.ok(Number.isInteger(Math.log2(frame!.scale)));
    const values = rows.flat();
    for (let i = 0; i < matrix.data.length; i++) {
      const wanted = values[i]! * frame!.scale;
      assert.ok(Math.abs(matrix.data[i]! - wanted) <= Math.abs(wanted) * 2 ** -23, `${size}`);
      assert.ok(wanted === 0 || (Math.abs(wanted) > 1e-9 && Math.abs(wanted) < 1e9));
    }
    const back = unframe(matrix, frame!);
    assert.ok(Math.abs(back.data[0]! / rows[0]![0]! - 1) < 1e-6);
  }
  // Also where they came in 32 bits, down to the smallest that have no digits left.
  const data = Float32Array.from(ordinary.flat(), (value) => value * 1e-39);
  const { matrix } = await toFramedMatrix({ data, shape: [300, 4] }, 'fit', free);
  assert.ok(new Set(matrix.data).size > 1000);
});

test('what cannot be helped is an error that names the column', async () => {
  const times = ordinary.map((row, i) => [...row, 1.7e12 + 1000 * i]);
  await assert.rejects(
    toFramedMatrix(times, 'fit', { ...free, noShift: 'because' }),
    saying(DataError, 'fit: ', 'column 4', '1700000', 'subtract', 'because'),
  );
  const large = ordinary.map((row) => row.map((value) => value * 1e19));
  await assert.rejects(
    toFramedMatrix(large, 'fit', { ...free, noScale: 'because' }),
    saying(DataError, 'multiply all rows', 'because'),
  );
  const marked = ordinary.map((row, i) => row.map((value, c) => (i === 7 && c === 2 ? 9.97e36 : value)));
  await assert.rejects(
    toFramedMatrix(marked, 'fit', free),
    saying(DataError, 'column 2', '9.97e+36', 'missing'),
  );
  // Where a metric looks at each column by itself, one far away is lost even beside a wide one.
  const beside = ordinary.map(([a], i) => [a! * 1e12, 1.7e12 + 1000 * i]);
  assert.equal((await toFramedMatrix(beside, 'fit', free)).frame, undefined);
  await assert.rejects(
    toFramedMatrix(beside, 'fit', { ...free, noShift: 'because', columnwise: true }),
    saying(DataError, 'column 1'),
  );
});

test('values that are not finite are named as ever', async () => {
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const rows = ordinary.map((row, i) => row.map((value, c) => (i === 9 && c === 1 ? wrong : value)));
    const place = saying(DataError, `got ${wrong} at row 9, column 1`);
    await assert.rejects(toFramedMatrix(rows, 'fit', free), place);
    const large = rows.map((row) => row.map((value) => value * 1e30));
    await assert.rejects(toFramedMatrix(large, 'fit', free), place);
  }
});

test('a table of a file that 32 bits would thin out is refused', () => {
  const data = Float64Array.from({ length: 100 }, (_, i) => 1.7e12 + i);
  assert.throws(
    () => narrow({ data, shape: [100, 1] }, 'readCsv'),
    saying(DataError, 'column 0', 'in the file'),
  );
  assert.deepEqual(
    narrow({ data: Float64Array.of(0.1, 1e-12), shape: [2, 1] }, 'x').data,
    Float32Array.of(0.1, 1e-12),
  );
});

test('missing times written as 0 take no digits from the others', async () => {
  for (const every of [20, 4]) {
    const times = table(300, 1, (i) => (i % every === 1 ? 0 : 1.7e12 + 1000 * i));
    const { matrix, frame } = await toFramedMatrix(times, 'fit', free);
    assert.ok(Math.abs(frame!.shift[0]! - (1.7e12 + 150_000)) < 50_000);
    times.forEach(([time], i) => {
      if (time !== 0) assert.equal(matrix.data[i]! + frame!.shift[0]!, time);
    });
  }
});

test('whole numbers that no frame can save are refused, other wide columns are not', async () => {
  // Two years far apart, each with a reading a second.
  const epochs = table(300, 1, (i) => (i % 2 ? 1.5e12 : 1.7e12) + 1000 * i);
  const lost = saying(DataError, 'column 0', /keep \d+ of \d+/, 'columns');
  await assert.rejects(toFramedMatrix(epochs, 'fit', free), lost);
  assert.throws(
    () => narrow({ data: Float64Array.from(epochs.flat()), shape: [300, 1] }, 'readCsv'),
    saying(DataError, 'column 0'),
  );
  // Beside a column as wide as theirs is for nothing; spread over years; not whole.
  await toFramedMatrix(
    epochs.map(([time]) => [time!, random.normal() * 1e17]),
    'fit',
    free,
  );
  await toFramedMatrix(
    table(300, 1, () => Math.floor(1.7e12 + random.normal() * 1e11)),
    'fit',
    free,
  );
  await toFramedMatrix(
    table(300, 1, (i) => (i % 2) + 1e-10 * i),
    'fit',
    free,
  );
});

test('rows far from those of the first fit are refused where 32 bits lose them', async () => {
  const at = (origin: number) => ordinary.map((row) => row.map((value) => origin + 1000 * value));
  const { matrix, frame } = await toFramedMatrix(at(1.7e12), 'fit', free);
  assert.deepEqual((await toMatrixInFrame(at(1.7e12), 'fit', frame!, false)).matrix, matrix);
  await toMatrixInFrame(at(1.7e12 + 1e6), 'fit', frame!, false);
  for (const origin of [1.73e12, 1.8e12]) {
    await assert.rejects(
      toMatrixInFrame(at(origin), 'fit', frame!, false),
      saying(DataError, 'fit: ', 'the first fit', 'column 0', 'new estimator'),
    );
  }
  const size = (by: number) => ordinary.map((row) => row.map((value) => value * by));
  const large = await toFramedMatrix(size(1e19), 'fit', free);
  for (const by of [1, 1e38, 1e300]) {
    await assert.rejects(
      toMatrixInFrame(size(by), 'fit', large.frame!, false),
      saying(DataError, 'the first fit', 'new estimator'),
    );
  }
  await assert.rejects(
    toMatrixInFrame([...at(1.7e12), [1, Number.NaN, 1, 1]], 'fit', frame!, false),
    /got NaN at row 300/,
  );
});

test('at once, the frame is the same', async () => {
  const rows = ordinary.map(([a, b], i) => [1.7e12 + 1000 * i, a!, b!]);
  assert.deepEqual(toFramedMatrixSync(rows, 'fit', free), await toFramedMatrix(rows, 'fit', free));
});

test('distances that differ too little for 32 bits are refused', () => {
  const check = (distances: number[][]) =>
    checkDistances((i, into) => into.set(distances[i]!), [distances.length, distances[0]!.length], 'fit');
  const distances = table(30, 30, (i, j) => (i === j ? 0 : 1 + Math.abs(i - j) / 7));
  check(distances);
  check(table(30, 30, (i, j) => (i === j ? 0 : 0.1)));
  check(distances.map((row) => row.map((value) => (value > 3 ? Number.POSITIVE_INFINITY : value))));
  assert.throws(
    () => check(distances.map((row) => row.map((value) => (value === 0 ? 0 : 1e12 + value)))),
    saying(DataError, 'fit: ', '1000000000001', 'subtract'),
  );
});
