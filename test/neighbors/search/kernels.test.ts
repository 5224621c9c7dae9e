import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/core/random.js';
import { bindKernels, createMemory } from '../../../src/neighbors/search/kernels.js';
import { clearLists, createLists, createPush, viewLists } from '../../../src/neighbors/search/lists.js';
import { close } from '../../helpers/assert.js';

const memory = createMemory(1 << 20)!;
const kernels = bindKernels(memory)!;
const floats = new Float32Array(memory.buffer);
const ints = new Int32Array(memory.buffer);
const width = 20;
const rows = 24;
const base = 1024;
const ids = 40_960;
const out = 65_536;
const random = createRandom(1);
for (let i = 0; i < rows * width; i++) floats[base / 4 + i] = random.normal();

const row = (i: number) => [...floats.subarray(base / 4 + i * width, base / 4 + (i + 1) * width)];
const square = (i: number, j: number) => row(i).reduce((sum, value, c) => sum + (value - row(j)[c]!) ** 2, 0);

test('tiles of products and squared differences', () => {
  kernels.squares(base, 6, base, rows, width * 4, out);
  const squares = floats.slice(out / 4, out / 4 + 6 * rows);
  kernels.dots(base, 6, base, rows, width * 4, out);
  for (let i = 0; i < 6; i++) {
    for (let j = 0; j < rows; j++) {
      close(squares[i * rows + j]!, square(i, j), 1e-4, `square ${i}, ${j}`);
      close(
        floats[out / 4 + i * rows + j]!,
        row(i).reduce((sum, v, c) => sum + v * row(j)[c]!, 0),
        1e-4,
        `dot ${i}, ${j}`,
      );
    }
  }
});

test('squares to listed rows have the same bits as in tiles', () => {
  kernels.squares(base, 2, base, rows, width * 4, out);
  const tiled = floats.slice(out / 4, out / 4 + rows);
  const listed = [5, 0, 23, 7, 7, 1, 2];
  ints.set(listed, ids / 4);
  kernels.squaresTo(base, base, width * 4, ids, listed.length, out);
  listed.forEach((id, m) => void assert.equal(floats[out / 4 + m], tiled[id]));
  kernels.gather(base, width * 4, ids, listed.length, out);
  listed.forEach((id, m) => {
    const at = out / 4 + m * width;
    assert.deepEqual([...floats.subarray(at, at + width)], row(id));
  });
});

test('the kernel and JavaScript fill lists equally, in any order of candidates', () => {
  const capacity = 7;
  const listAt = 131_072;
  const native = viewLists(memory.buffer, listAt, 1, capacity);
  for (let trial = 0; trial < 200; trial++) {
    const count = 1 + random.integer(40);
    // One value per id, as in a search, and few different values, so that there are many ties.
    const candidates = Array.from({ length: count }, () => random.integer(30)).map((id) => ({
      id,
      value: ((id * 7 + trial) % 11) / 8,
    }));
    clearLists(native);
    ints.set(
      candidates.map(({ id }) => id),
      ids / 4,
    );
    floats.set(
      candidates.map(({ value }) => value),
      out / 4,
    );
    const insertions = kernels.merge(listAt, capacity, out, ids, count, 3);
    const plain = createLists(1, capacity);
    const push = createPush(plain);
    let accepted = 0;
    for (const { id, value } of candidates) if (id !== 3 && push(0, id, value)) accepted++;
    assert.equal(insertions, accepted);
    assert.deepEqual([...native.words], [...plain.words]);
    const backwards = createLists(1, capacity);
    const pushBack = createPush(backwards);
    for (const { id, value } of candidates.reverse()) if (id !== 3) pushBack(0, id, value);
    assert.deepEqual([...backwards.words], [...plain.words]);
  }
});
