/** Comparisons of numbers and of errors that the tests share. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';

/** An error of the class with all of these in its message. */
export function saying(kind: new (message: string) => Error, ...parts: (RegExp | string)[]) {
  return (error: unknown) => {
    assert.ok(error instanceof kind, `${kind.name} expected, got ${String(error)}`);
    for (const part of parts) {
      if (typeof part === 'string') assert.ok(error.message.includes(part), `'${part}' in: ${error.message}`);
      else assert.match(error.message, part);
    }
    return true;
  };
}

/** Two numbers differ by at most `tolerance`, relative to the expected one where that is above 1. */
export function near(found: number, expected: number, tolerance = 1e-5, what = 'a value'): void {
  close(found, expected, tolerance * Math.max(1, Math.abs(expected)), what);
}

/** Two numbers differ by at most `bound`. */
export function close(found: number, expected: number, bound: number, what = 'a value'): void {
  // Not >: a NaN must fail.
  if (!(Math.abs(found - expected) <= bound)) assert.fail(`${what}: ${found} for ${expected}`);
}

/** Two lists of numbers have the same length and differ nowhere by more than `bound`, which may depend on the element. */
export function allClose(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  bound: number | ((i: number, expected: number) => number),
  what = 'value',
): void {
  assert.equal(found.length, expected.length, `${what}: length`);
  for (let i = 0; i < expected.length; i++) {
    const most = typeof bound === 'number' ? bound : bound(i, expected[i]!);
    close(found[i]!, expected[i]!, most, `${what} ${i}`);
  }
}

/** The largest absolute value of a list. */
export function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/**
 * Two tables hold the same rows, computed in blocks of different sizes: the same bits on WebAssembly. Native TensorFlow rounds products
 * of a few rows otherwise than of many, so there the last bits may differ.
 */
export function assertSameRows(found: Float32Array, expected: Float32Array): void {
  if (tf.getBackend() === 'tensorflow') allClose(found, expected, 1e-5 * Math.max(1, largest(expected)));
  else assert.deepEqual(found, expected);
}

export function assertFinite(values: ArrayLike<number>): void {
  const wrong = Array.from(values).findIndex((value) => !Number.isFinite(value));
  assert.equal(wrong, -1, `value ${wrong} of the map is ${values[wrong]}`);
}

/** Largest difference relative to the spread of `a`. */
export function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  let spread = 1e-6;
  let difference = 0;
  for (let i = 0; i < a.length; i++) {
    spread = Math.max(spread, Math.abs(a[i]!));
    difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
  }
  return difference / spread;
}
