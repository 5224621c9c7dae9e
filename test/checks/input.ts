/** Checks of rows: every form, every odd kind, and what is refused. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { DataError } from '../../src/core/errors.js';
import type { MatrixInput } from '../../src/data/matrix.js';
import { assertFinite, farthest, saying } from '../helpers/assert.js';
import { flat, groups } from '../helpers/data.js';
import { type Check, embeddingOf, fitted, mapFrom, needs, quickly } from './subject.js';

/** How far rows may move when they go through the network in other company: rounding, no more. */
const ROUNDING = 1e-5;

export const inputChecks: Readonly<Record<string, Check>> = {
  async 'rows and their order are left alone'(subject) {
    const rows = groups();
    for (const row of rows) Object.freeze(row);
    Object.freeze(rows);
    const matrix = flat(rows);
    const estimator = await fitted(subject, {}, rows);
    await estimator.transform(rows);
    await estimator.fit(matrix);
    await estimator.transform(matrix);
    assert.deepEqual(matrix, flat(groups()));
    const tensor = tf.tensor2d(matrix.data.slice(), [60, 6]);
    await estimator.fit(tensor);
    assert.equal(tensor.isDisposed, false);
    assert.deepEqual(tensor.dataSync(), matrix.data);
    tensor.dispose();
    estimator.dispose();
  },

  async 'every form of rows comes out in the same form, with the same numbers'(subject) {
    const rows = groups();
    const matrix = flat(rows);
    const estimator = await fitted(subject);
    const arrays = await estimator.transform(rows);
    assert.ok(Array.isArray(arrays) && Array.isArray(arrays[0]) && typeof arrays[0][0] === 'number');
    const out = await estimator.transform(matrix);
    assert.ok(out.data instanceof Float32Array);
    assert.deepEqual(out.shape, [60, 2]);
    assert.deepEqual(arrays.flat(), [...out.data]);
    const typed = await estimator.transform(rows.map((row) => Float64Array.from(row)));
    assert.ok(typed[0] instanceof Float32Array);
    assert.deepEqual(
      typed.flatMap((row) => [...row]),
      [...out.data],
    );
    const plain = await estimator.transform({ data: rows.flat(), shape: [60, 6] });
    assert.deepEqual(plain, out);
    const tensor = tf.tensor2d(matrix.data, [60, 6]);
    const embedding = await estimator.transform(tensor);
    assert.ok(embedding instanceof tf.Tensor);
    assert.deepEqual(embedding.shape, [60, 2]);
    assert.deepEqual(embedding.dataSync(), out.data);
    tf.dispose([tensor, embedding]);
    estimator.dispose();
  },

  async 'every form of rows makes the same fit'(subject) {
    const rows = groups();
    const wanted = await mapFrom(subject, {}, rows);
    const tensor = tf.tensor2d(rows);
    const forms: MatrixInput[] = [flat(rows), rows.map((row) => Float32Array.from(row)), tensor];
    for (const form of forms) {
      const estimator = await fitted(subject, {}, form);
      assert.deepEqual(await embeddingOf(estimator, rows), wanted);
      estimator.dispose();
    }
    tensor.dispose();
  },

  async 'whole numbers are as good as floats, whatever holds them'(subject) {
    const rows = groups().map((row) => row.map((value) => Math.round(4 * value) + 16));
    const wanted = await mapFrom(subject, {}, rows);
    for (const Typed of [Uint8Array, Int32Array, Int16Array, Float64Array]) {
      const estimator = await fitted(subject, {}, { data: Typed.from(rows.flat()), shape: [60, 6] });
      assert.deepEqual(await embeddingOf(estimator, rows), wanted, Typed.name);
      estimator.dispose();
    }
    const tensor = tf.tensor2d(rows, [60, 6], 'int32');
    const estimator = await fitted(subject, {}, tensor);
    assert.deepEqual(await embeddingOf(estimator, rows), wanted, 'int32 tensor');
    tensor.dispose();
    estimator.dispose();
  },

  async 'transform is the same every time and changes nothing'(subject) {
    const estimator = await fitted(subject);
    const first = await embeddingOf(estimator, groups());
    const history = structuredClone(estimator.history);
    assert.deepEqual(await embeddingOf(estimator, groups()), first);
    await estimator.transform(groups(7, 6, 'others'));
    assert.deepEqual(await embeddingOf(estimator, groups()), first);
    assert.deepEqual(structuredClone(estimator.history), history);
    estimator.dispose();
  },

  'the order of rows does not matter to transform': needs(['newRows'], async (subject) => {
    const estimator = await fitted(subject);
    const straight = await estimator.transform(groups());
    const turned = await estimator.transform(groups().reverse());
    assert.ok(farthest(straight.flat(), turned.reverse().flat()) < ROUNDING);
    estimator.dispose();
  }),

  'the batch size does not matter to transform': needs(['newRows'], async (subject) => {
    const estimator = await fitted(subject);
    const whole = (await estimator.transform(groups())).flat();
    for (const batchSize of [1, 7, 60, 10_000]) {
      const map = (await estimator.transform(groups(), { batchSize })).flat();
      assert.ok(farthest(whole, map) < ROUNDING, `batchSize ${batchSize}`);
    }
    await assert.rejects(estimator.transform(groups(), { batchSize: 0 }), /batchSize.*got 0/);
    estimator.dispose();
  }),

  'one row is transformed as among others': needs(['newRows'], async (subject) => {
    const estimator = await fitted(subject);
    const all = await estimator.transform(groups());
    const [alone] = await estimator.transform([groups()[17]!]);
    assert.ok(farthest(all[17]!, alone!) < ROUNDING);
    estimator.dispose();
  }),

  async 'one column is enough'(subject) {
    const rows = groups(60, 1);
    assertFinite(await mapFrom(subject, {}, rows));
  },

  async 'constant columns are handled'(subject) {
    const rows = groups().map((row) => [5, ...row, 0]);
    assertFinite(await mapFrom(subject, {}, rows));
  },

  async 'rows that are all alike are handled'(subject) {
    const map = await mapFrom(
      subject,
      {},
      groups().map(() => [1, 2, 3]),
    );
    assertFinite(map);
    if (!subject.traits.newRows) return;
    for (let i = 2; i < map.length; i++) assert.equal(map[i], map[i % 2]);
  },

  async 'duplicate rows are handled and share a position'(subject) {
    const rows = [...groups(20), ...groups(20), ...groups(20)];
    const map = await mapFrom(subject, {}, rows);
    assertFinite(map);
    const each = map.length / 3;
    assert.ok(new Set(map).size > 20);
    if (!subject.traits.newRows) return;
    assert.ok(farthest(map.subarray(0, each), map.subarray(each, 2 * each)) < ROUNDING);
  },

  async 'values of any size are handled'(subject) {
    for (const scale of [1e-6, 1e6]) {
      const rows = groups().map((row) => row.map((value) => Math.fround(value * scale)));
      const map = await mapFrom(subject, {}, rows);
      assertFinite(map);
      assert.ok(new Set(map).size > 50, `scale ${scale}: distinct positions`);
    }
  },

  async 'NaN and infinite values are refused with their place'(subject) {
    const estimator = await fitted(subject);
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const rows = groups();
      rows[3]![2] = wrong;
      const named = saying(DataError, String(wrong), 'row 3, column 2');
      await assert.rejects(estimator.fit(rows), named);
      await assert.rejects(estimator.transform(rows), named);
      await assert.rejects(quickly(subject).fit(flat(rows)), named);
    }
    estimator.dispose();
  },

  async 'rows of another width are refused with both widths'(subject) {
    const estimator = await fitted(subject);
    await assert.rejects(estimator.transform(groups(5, 4)), saying(DataError, /\b6\b/, /\b4\b/, 'transform'));
    await assert.rejects(estimator.fit(groups(60, 7)), saying(DataError, /\b6\b/, /\b7\b/, 'fit'));
    estimator.dispose();
  },

  async 'what is no table of numbers is refused'(subject) {
    const estimator = await fitted(subject);
    const wrong: unknown[] = [
      [],
      [[]],
      [1, 2, 3],
      [[1, 2], [1]],
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
      { data: [1, 2, 3], shape: [2, 2] },
      'rows',
      null,
      undefined,
      42,
      new Map(),
      new Map([[1, [2]]]),
      new Set(),
      new Set([
        [1, 2],
        [3, 4],
      ]),
      new Set([1, 2]),
    ];
    for (const input of wrong) {
      await assert.rejects(estimator.fit(input as MatrixInput), saying(DataError, /^fit: expected/));
      await assert.rejects(estimator.transform(input as MatrixInput), saying(DataError, 'transform'));
    }
    estimator.dispose();
  },

  async 'what can only be iterated is named, with what to pass instead'(subject) {
    const estimator = quickly(subject);
    const kinds: [unknown, string][] = [
      [new Map(), 'got a Map object'],
      [new Set(groups()), 'got a Set object'],
      [groups().values(), 'Iterator object'],
      [
        (function* () {
          yield* groups();
        })(),
        'Generator object',
      ],
    ];
    for (const [rows, got] of kinds) {
      await assert.rejects(
        estimator.fit(rows as MatrixInput),
        saying(Error, /^fit: .*expected/, got, 'collect'),
      );
    }
    estimator.dispose();
  },

  async 'too few rows are refused with their number'(subject) {
    await assert.rejects(quickly(subject).fit([[1, 2, 3, 4]]), saying(DataError, /\b1\b/));
    await assert.rejects(quickly(subject).fit([]), saying(DataError, /\b0\b/));
  },
};
