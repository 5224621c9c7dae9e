/** First values of kernels, computed on the host from a seeded stream, so that they are the same on every backend. */

import { shuffle } from '../../core/random.js';
import type { Random } from '../../core/types.js';

/** Distribution of the first values of a kernel. */
export type KernelInitializer = 'orthogonal' | 'truncated_normal' | 'lecun_normal';

/** Standard deviation of a standard normal that is cut off at ±2. */
const TRUNCATED_DEVIATION = 0.8796256610342398;

/**
 * First values of a kernel `[inputs, outputs]`, row-major. `orthogonal`: orthonormal columns, or rows where those are fewer.
 * `lecun_normal`: truncated normal of variance 1 / inputs. `truncated_normal`: truncated normal of variance 2 / inputs, which
 * keeps the scale of activations behind a ReLU (He et al. 2015).
 */
export function initialKernel(
  kind: KernelInitializer,
  inputs: number,
  outputs: number,
  random: Random,
): Float32Array {
  if (kind === 'orthogonal') return orthogonal(inputs, outputs, random);
  const deviation = Math.sqrt((kind === 'truncated_normal' ? 2 : 1) / inputs) / TRUNCATED_DEVIATION;
  return Float32Array.from({ length: inputs * outputs }, () => deviation * truncatedNormal(random));
}

function truncatedNormal(random: Random): number {
  for (;;) {
    const value = random.normal();
    if (Math.abs(value) <= 2) return value;
  }
}

/**
 * The first columns of a random orthogonal matrix: a product of rotations, each of pairs of coordinates by random angles. So it
 * takes n² log n operations, where orthogonalizing a normal matrix takes n³.
 */
function orthogonal(inputs: number, outputs: number, random: Random): Float32Array {
  const long = Math.max(inputs, outputs);
  const short = Math.min(inputs, outputs);
  // Row-major [long, short]; rotations of its rows keep the columns orthonormal.
  const rows = new Float64Array(long * short);
  for (let i = 0; i < short; i++) rows[i * short + i] = random.next() < 0.5 ? -1 : 1;
  const order = Int32Array.from({ length: long }, (_, i) => i);
  const rounds = 3 * Math.ceil(Math.log2(long)) + 8;
  for (let round = 0; round < rounds; round++) {
    shuffle(order, random);
    for (let p = 0; p + 1 < long; p += 2) {
      const angle = 2 * Math.PI * random.next();
      rotate(rows, order[p]! * short, order[p + 1]! * short, short, Math.cos(angle), Math.sin(angle));
    }
  }
  const kernel = new Float32Array(inputs * outputs);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < outputs; j++) {
      kernel[i * outputs + j] = inputs === long ? rows[i * short + j]! : rows[j * short + i]!;
    }
  }
  return kernel;
}

function rotate(rows: Float64Array, a: number, b: number, length: number, cos: number, sin: number): void {
  for (let i = 0; i < length; i++) {
    const x = rows[a + i]!;
    const y = rows[b + i]!;
    rows[a + i] = cos * x - sin * y;
    rows[b + i] = sin * x + cos * y;
  }
}
