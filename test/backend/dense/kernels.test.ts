import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as binary from '../../../src/backend/dense/binary.js';
import type { DenseKernels } from '../../../src/backend/dense/layout.js';
import { createRandom } from '../../../src/core/random.js';
import { quickerModule } from '../../../src/core/wasmModule.js';

const memory = new WebAssembly.Memory({ initial: 100, maximum: 65536, shared: true });
const { instance } = await WebAssembly.instantiate(quickerModule(binary), { env: { memory } });
const run = instance.exports as unknown as DenseKernels;
const [a, b, c, bias, scratch] = [0, 1, 2, 3, 4].map((slot) => slot * 2 ** 20) as [
  number,
  number,
  number,
  number,
  number,
];
const floats = (at: number, count: number) => new Float32Array(memory.buffer, at, count);

test('skipping zeros changes no bit', () => {
  // Strips of 28, 16, 4 and 1 columns; rows within one block of terms, and of several.
  for (const [m, n, k] of [
    [5, 51, 37],
    [3, 100, 784],
    [1, 49, 257],
    [9, 33, 3],
  ] as const) {
    const random = createRandom(n);
    floats(b, n * k).set(Float32Array.from({ length: n * k }, () => random.normal()));
    floats(bias, n).set(Float32Array.from({ length: n }, () => random.normal()));
    for (const share of [0, 0.1, 0.5, 1]) {
      const values = floats(a, m * k);
      for (let i = 0; i < values.length; i++) values[i] = random.next() < share ? random.normal() : 0;
      for (const [given, relu] of [
        [0, 0],
        [bias, 1],
      ] as const) {
        run.gemm(m, n, k, a, 4 * k, 4, b, 4 * n, 4, c, given, relu, 0, scratch);
        const whole = floats(c, m * n).slice();
        floats(c, m * n).fill(Number.NaN);
        run.sparseProduct(m, n, k, a, b, c, given, relu, scratch);
        assert.deepEqual(floats(c, m * n), whole, `${m} x ${n} x ${k}, ${share} not 0`);
      }
    }
  }
});

test('a matrix of any size is transposed', () => {
  for (const rows of [1, 3, 4, 9, 12]) {
    for (const columns of [1, 2, 4, 7, 16]) {
      floats(a, rows * columns).set(Array.from({ length: rows * columns }, (_, i) => i));
      run.transpose(a, rows, columns, b);
      const expected = Float32Array.from(
        { length: rows * columns },
        (_, i) => (i % rows) * columns + Math.floor(i / rows),
      );
      assert.deepEqual(floats(b, rows * columns), expected, `${rows} x ${columns}`);
    }
  }
});

test('a sample tells whether a matrix is mostly 0', () => {
  const random = createRandom(3);
  for (const [share, sparse] of [
    [0, 1],
    [0.3, 1],
    [0.9, 0],
    [1, 0],
  ] as const) {
    const values = floats(a, 5_000);
    for (let i = 0; i < values.length; i++) values[i] = random.next() < share ? 1 : 0;
    assert.equal(Number(run.isSparse(a, values.length)), sparse, `${share} not 0`);
  }
  // Few columns that are not 0, or few that are, whichever they are.
  for (const columns of [4, 13, 52, 64, 100, 104]) {
    for (const odd of [0, columns - 4]) {
      for (const sparse of [1, 0]) {
        const table = floats(a, 128 * columns);
        for (let i = 0; i < table.length; i++) table[i] = 1 - sparse;
        if (columns > 4) for (let i = odd; i < table.length; i += columns) table.fill(sparse, i, i + 4);
        assert.equal(Number(run.isSparse(a, table.length)), sparse, `${columns} columns, odd from ${odd} on`);
      }
    }
  }
});
