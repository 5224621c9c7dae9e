/** Made rows that the tests share. */
import { createRandom } from '../../src/core/random.js';
import type { Matrix } from '../../src/core/types.js';

/** `count` rows of three groups, `columns` wide, the same at every call. */
export function groups(count = 60, columns = 6, seed = 'groups'): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, i) =>
    // 32-bit numbers, so that every form of the rows holds the same.
    Array.from({ length: columns }, (_, c) =>
      Math.fround(((i % 3) - 1) * (c % 2 === 0 ? 2 : 1) + 0.4 * random.normal()),
    ),
  );
}

/** The same rows, flat. */
export function flat(rows: readonly (readonly number[])[]): Matrix {
  return { data: Float32Array.from(rows.flat()), shape: [rows.length, rows[0]!.length] };
}
