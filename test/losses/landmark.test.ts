import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { Matrix } from '../../src/core/types.js';
import { euclideanLandmarkLoss, landmarkLoss, landmarkRows } from '../../src/losses/landmark.js';
import { near } from '../helpers/assert.js';
import { assertGradient, evaluate } from './steps.js';

await tf.setBackend('cpu');

const { NaN: free } = Number;
/** Rows 1 and 3 have places; row 2 lacks a coordinate and is free. */
const positions: Matrix = {
  data: Float32Array.of(free, free, 1, 2, 5, free, -3, 0, free, free),
  shape: [5, 2],
};
const term = () => landmarkLoss({ positions, lossFn: euclideanLandmarkLoss, weight: 0.5 });

test('a row is a landmark if all of its coordinates are numbers', () => {
  assert.deepEqual([...landmarkRows(positions)], [0, 1, 0, 1, 0]);
});

test('the loss is the mean distance of the batch’s landmarks from their positions', () => {
  const z = [
    [9, 9],
    [0, 4],
    [4, 6],
    [8, 8],
  ];
  // Row 3 lies 5 from (-3, 0), row 1 lies 5 from (1, 2); rows 0 and 2 are free.
  near(evaluate(term(), [0, 3, 1, 2], z).value, 5);
  assert.deepEqual([term().name, term().weight], ['landmark', 0.5]);
});

test('only landmarks are pulled, toward their positions', () => {
  const { gradient } = evaluate(
    term(),
    [0, 3, 1],
    [
      [9, 9],
      [0, 4],
      [4, 6],
    ],
  );
  const wanted = [0, 0, 0.3, 0.4, 0.3, 0.4];
  wanted.forEach((value, i) => {
    near(gradient[i]!, value);
  });
  assertGradient(
    term,
    [3, 0, 1],
    [
      [0, 4],
      [1, 1],
      [4, 6],
    ],
  );
});

test('a batch without landmarks costs nothing and pulls nothing', () => {
  const { value, gradient } = evaluate(
    term(),
    [0, 2],
    [
      [1, 1],
      [2, 2],
    ],
  );
  assert.equal(value, 0);
  assert.deepEqual([...gradient], [0, 0, 0, 0]);
});

test('a landmark that is where it should be has a finite gradient', () => {
  const { value, gradient } = evaluate(term(), [1], [[1, 2]]);
  assert.ok(value < 1e-4);
  assert.ok(gradient.every((slope) => Math.abs(slope) < 1e-3));
});

test('a user-supplied loss gets target and current positions, and may return one value or one per landmark', () => {
  const seen: number[][] = [];
  const own = landmarkLoss({
    positions,
    weight: 1,
    lossFn(target, prediction) {
      seen.push([...target.dataSync()], [...prediction.dataSync()]);
      return tf.sum(tf.abs(tf.sub(target, prediction)), 1);
    },
  });
  const z = [
    [0, 4],
    [4, 6],
  ];
  near(evaluate(own, [3, 1], z).value, 7);
  assert.deepEqual(seen, [
    [-3, 0, 1, 2],
    [0, 4, 4, 6],
  ]);
  const squares = landmarkLoss({ positions, weight: 1, lossFn: tf.losses.meanSquaredError as never });
  near(evaluate(squares, [3, 1], z).value, (9 + 16 + 9 + 16) / 4);
});
