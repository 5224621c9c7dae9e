import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { gatherRows, hostRows } from '../../src/backend/gatherRows.js';
import type { Matrix } from '../../src/core/types.js';
import { onBoth } from '../helpers/backends.js';

const table: Matrix = { data: Float32Array.from({ length: 60 }, (_, i) => i / 7), shape: [10, 6] };
const rows = Int32Array.of(9, 0, 3, 3, 7);

test('rows of a host table are the same tensor on both backends', async () => {
  for (const shape of [[6], [2, 3], [1, 6, 1]]) {
    for (const count of [0, 1, 4, 5]) {
      await onBoth(`${count} of [${shape}]`, () => gatherRows(table, rows, count, shape), 1e-12);
    }
  }
});

test('the tensor is a copy in the memory of WebAssembly', async () => {
  await useBackend('wasm');
  const own: Matrix = { data: table.data.slice(), shape: table.shape };
  const tensor = hostRows(own, rows, 2, [6])!;
  own.data.fill(0);
  assert.deepEqual([...(await tensor.data())], [...table.data.slice(54), ...table.data.slice(0, 6)]);
  tensor.dispose();
});

test('a shape of another size than a row is rejected', async () => {
  for (const backend of ['cpu', 'wasm'] as const) {
    await useBackend(backend);
    const { numTensors } = tf.memory();
    assert.throws(() => gatherRows(table, rows, 2, [5]), /shape/);
    assert.equal(tf.memory().numTensors, numTensors);
  }
});
