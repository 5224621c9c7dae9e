import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../src/core/random.js';
import type { Matrix, Network } from '../../src/core/types.js';
import { classificationLoss } from '../../src/losses/classification.js';
import { mlp } from '../../src/networks/mlp.js';
import { networkOf } from '../../src/networks/network.js';
import { near } from '../helpers/assert.js';
import { batchOf, stepOf } from './steps.js';

await tf.setBackend('cpu');

const random = createRandom('classification');
const rows = 30;
const matrix: Matrix = {
  data: Float32Array.from({ length: rows * 3 }, () => random.normal()),
  shape: [rows, 3],
};

function network(name: string, inputs: number, outputs: number, seed: string): Network {
  const options = { inputShape: [inputs], outputShape: [outputs], hidden: [6], name };
  return networkOf(mlp({ ...options, random: createRandom(seed) }), name, true);
}

/** What the graph says: of labeled rows their label, of row 28 that it is in doubt, of row 29 nothing. */
function targetsFor(labels: readonly number[]): Matrix {
  const data = new Float32Array(labels.length * 3);
  labels.forEach((label, i) => {
    if (label >= 0) data[3 * i + label] = 1;
  });
  data.set([0.5, 0.25, 0.25], 3 * 28);
  return { data, shape: [labels.length, 3] };
}

/** A loss with these labels, its networks, and the rows that each step encodes. */
function setUp(classes: number[], batchSize = 12) {
  const encoder = network('encoder', 3, 2, 'e');
  const classifier = network('classifier', 2, 3, 'c');
  const encoded: number[][] = [];
  const watched: Network = {
    ...encoder,
    apply(x, training) {
      assert.equal(training, true);
      encoded.push([...x.dataSync()]);
      return encoder.apply(x, training);
    },
  };
  const term = classificationLoss({
    encoder: watched,
    classifier,
    matrix,
    labels: Int32Array.from(classes),
    targets: targetsFor(classes),
    weight: 0.7,
    batchSize,
    random: createRandom('draws'),
  });
  const step = stepOf(batchOf([0]), tf.zeros([1, 2]) as tf.Tensor2D);
  const value = () => tf.tidy(() => term.compute(step).dataSync()[0]!);
  const free = () => {
    encoder.dispose();
    classifier.dispose();
    step.z.dispose();
  };
  return { term, encoder, classifier, encoded, value, step, free };
}

/** Which data row these three values are. */
const rowOf = (values: number[]) =>
  Array.from({ length: rows }, (_, i) => i).find((i) =>
    values.every((value, c) => value === matrix.data[3 * i + c]),
  )!;
const drawn = (encoded: number[]) =>
  Array.from({ length: encoded.length / 3 }, (_, i) => rowOf(encoded.slice(3 * i, 3 * i + 3)));

/** 25 rows of class 0, one of class 1, two of class 2, two unknown. */
const few = Array.from({ length: rows }, (_, i) => (i < 25 ? 0 : i === 25 ? 1 : i < 28 ? 2 : -1));

test('the value is the mean softmax cross-entropy of the drawn rows', () => {
  const { value, encoded, encoder, classifier, free } = setUp(few);
  const found = value();
  const logits = tf.tidy(() => {
    const x = tf.tensor2d(encoded[0]!, [12, 3]);
    return (classifier.apply(encoder.apply(x, false), false) as tf.Tensor2D).arraySync();
  });
  const targets = targetsFor(few);
  let wanted = 0;
  drawn(encoded[0]!).forEach((row, i) => {
    const total = logits[i]!.reduce((sum, logit) => sum + Math.exp(logit), 0);
    for (let c = 0; c < 3; c++) {
      wanted -= (targets.data[3 * row + c]! * Math.log(Math.exp(logits[i]![c]!) / total)) / 12;
    }
  });
  near(found, wanted);
  free();
});

test('every other row is labeled, classes in equal shares; the rest are all that the graph reaches', () => {
  const { value, encoded, free } = setUp(few, 300);
  for (let i = 0; i < 5; i++) value();
  const shares = [0, 0, 0];
  const others = new Set<number>();
  for (const rows of encoded.map(drawn)) {
    rows.forEach((row, i) => {
      if (i % 2 === 0) shares[few[row]!]! += 1 / 750;
      else others.add(row);
    });
  }
  for (const share of shares) assert.ok(Math.abs(share - 1 / 3) < 0.07, `${shares}`);
  assert.deepEqual(
    [...others].sort((a, b) => a - b),
    [...Array(29).keys()],
    'all but the row that nothing is known of',
  );
  free();
});

test('a class without a labeled row is left out', () => {
  const { value, encoded, free } = setUp(few.map((label) => (label === 1 ? -1 : label)));
  assert.ok(Number.isFinite(value()));
  assert.ok(drawn(encoded[0]!).every((row, i) => i % 2 === 1 || few[row] === 0 || few[row] === 2));
  free();
});

test('encoder and classifier both learn, until the labels are known', () => {
  const before = tf.memory().numTensors;
  const { term, encoder, classifier, step, value, free } = setUp(few);
  assert.deepEqual([term.name, term.weight, term.trained], ['classification', 0.7, [classifier]]);
  const variables = [...encoder.variables(), ...classifier.variables()];
  tf.tidy(() => {
    const { grads } = tf.variableGrads(() => term.compute(step), variables);
    for (const variable of variables.filter(({ shape }) => shape.length === 2)) {
      assert.ok(tf.max(tf.abs(grads[variable.name]!)).dataSync()[0]! > 1e-4, variable.name);
    }
  });
  const first = value();
  const optimizer = tf.train.adam(0.03);
  for (let i = 0; i < 150; i++) optimizer.minimize(() => term.compute(step), false, variables);
  assert.ok(value() < 0.5 * first, `${value()} after ${first}`);
  optimizer.dispose();
  free();
  assert.equal(tf.memory().numTensors, before);
});
