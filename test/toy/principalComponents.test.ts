/**
 * Whether another estimator can be added without a change elsewhere: a toy of under 120 lines, of which `src` knows nothing.
 * As one of `test/subjects.ts` it passes all checks, and the features that it has.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/core/random.js';
import { pca } from '../../src/math/pca.js';
import { read } from '../helpers/files.js';
import { PrincipalComponents } from './principalComponents.js';

test('the toy finds the principal components that the eigenvectors give', async () => {
  const random = createRandom('toy');
  const deviations = [3, 2, 0.5, 0.3];
  const rows = Array.from({ length: 300 }, () => {
    const [a, b, c, d] = deviations.map((deviation) => deviation * random.normal()) as [number, ...number[]];
    // Turned, so that the axes are none of the columns, and moved off the origin.
    return [a + b!, a - b!, c! + d! + 4, c! - d!, (a + c!) / 2];
  });
  const model = new PrincipalComponents({ steps: 2000 });
  const back = await model.inverseTransform(await model.fitTransform(rows));
  const error = (found: readonly (readonly number[])[]) =>
    found.reduce((sum, row, i) => sum + row.reduce((s, value, c) => s + (value - rows[i]![c]!) ** 2, 0), 0);
  const columns = 5;
  const matrix = { data: Float32Array.from(rows.flat()), shape: [300, columns] as const };
  const { mean, components } = pca(matrix, { components: 2, random });
  const best = rows.map((row) => {
    const centered = row.map((value, c) => value - mean[c]!);
    const scores = [0, 1].map((k) =>
      centered.reduce((sum, value, c) => sum + value * components.data[k * columns + c]!, 0),
    );
    return row.map(
      (_, c) => mean[c]! + scores.reduce((s, t, k) => s + t * components.data[k * columns + c]!, 0),
    );
  });
  // No plane is nearer to the rows than that of the principal components.
  const ratio = error(back) / error(best);
  assert.ok(ratio > 0.9999 && ratio < 1.01, `${ratio} times the least squared error`);
  model.dispose();
});

test('the toy is small, and nothing in the library knows it', () => {
  const lines = read('test/toy/principalComponents.ts').trimEnd().split('\n').length;
  assert.ok(lines < 120, `${lines} lines`);
});
