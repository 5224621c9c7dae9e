import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { available, onBoth, source, withGradients } from '../helpers/backends.js';

const skip = await available('tensorflow');
const same = (name: string, compute: () => tf.Tensor | tf.Tensor[]) =>
  test(`native: ${name}`, { skip }, () => onBoth(name, compute, 2e-6, 'tensorflow'));

for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    same(`matrix product, transposed: ${transposeA}, ${transposeB}`, () => {
      const next = source('product');
      const [a, b] = [next(transposeA ? [5, 7] : [7, 5]), next(transposeB ? [3, 5] : [5, 3])];
      return withGradients([a, b], (x, y) => tf.matMul(x, y, transposeA, transposeB));
    });
  }
}

same('products of other ranks, types and sizes', () => {
  const next = source('products');
  const whole = (shape: number[]) => tf.cast(tf.mul(next(shape), 5), 'int32');
  return [
    tf.matMul(next([2, 3, 4]), next([2, 4, 5])),
    tf.matMul(next([3, 4]), next([2, 4, 5])),
    tf.matMul(whole([3, 4]), whole([4, 2])),
    tf.matMul(tf.zeros([0, 4]), tf.ones([4, 2])),
  ];
});

same('sums over rows, columns, both, and kept dimensions', () => {
  const x = source('sums')([6, 4]);
  const whole = tf.cast(tf.mul(x, 9), 'int32');
  return [
    ...[0, 1, -2, [0, 1]].flatMap((axis) => [tf.sum(x, axis), tf.sum(x, axis, true), tf.sum(whole, axis)]),
    tf.sum(tf.zeros([0, 3]), 0),
    tf.sum(source('cube')([2, 3, 4]), 0),
  ];
});

same('the gradient of ReLU, and the gradient of that', () => {
  const x = source('relu')([5, 3]);
  const f = (z: tf.Tensor) => tf.sum(tf.square(tf.relu(z)));
  const steep = tf.grad((z: tf.Tensor) => tf.sum(tf.square(tf.grad(f)(z))));
  return [...withGradients([x], tf.relu), tf.grad(f)(x), steep(x)];
});

same('sums and products of numbers, of other types, and of a number with a table', () => {
  const next = source('numbers');
  const [a, b, table] = [next([]), next([]), next([2, 3])];
  const whole = tf.scalar(3, 'int32');
  return [
    ...[tf.add, tf.mul].flatMap((f) => [f(a, b), f(a, whole), f(whole, whole), f(a, table)]),
    ...withGradients([a, b], tf.mul),
  ];
});

test('native: scalars created on another backend are accepted', { skip }, async () => {
  await useBackend('cpu');
  const [a, b] = [tf.scalar(1.5), tf.scalar(4)];
  await useBackend('tensorflow');
  const c = tf.scalar(2);
  const results = [tf.add(a, b), tf.mul(a, b), tf.mul(a, c), tf.add(c, b)];
  assert.deepEqual(
    results.map((result) => result.dataSync()[0]),
    [5.5, 6, 3, 6],
  );
  tf.dispose([a, b, c, ...results]);
});
