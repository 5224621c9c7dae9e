/** A feature that several estimators share: its tests are written once, for any subject that has it. */
import assert from 'node:assert/strict';
import { test as register } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { FitInputs, MatrixInput, Targets } from '../../src/index.js';
import type { FeaturedEstimator, Options } from '../checks/estimator.js';
import { has, type Subject, type Trait, titleOf } from '../checks/subject.js';
import { greys } from '../helpers/fixtures.js';

type Body = (subject: Subject) => Promise<void> | void;

interface Feature {
  /** One test of the feature; `needs` names traits without which it does not apply, besides those of the feature. */
  test(title: string, body: Body): void;
  test(title: string, needs: readonly Trait[], body: Body): void;
  /** Registers all tests that apply to a subject; none where it lacks the feature. */
  check(subject: Subject): void;
}

/** Collects the tests of a feature that needs these traits. */
export function feature(...traits: Trait[]): Feature {
  const tests: { title: string; needs: readonly Trait[]; body: Body }[] = [];
  return {
    test(title: string, ...rest: [Body] | [readonly Trait[], Body]) {
      const [needs, body] = rest.length === 1 ? [[], rest[0]] : rest;
      tests.push({ title, needs: [...traits, ...needs], body });
    },
    check(subject) {
      for (const { title, needs, body } of tests) {
        if (has(subject, needs)) register(`${titleOf(subject)}: ${title}`, () => body(subject));
      }
    },
  };
}

/** An estimator of a short training on 300 digits, with all that its traits promise. */
export function briefly(subject: Subject, options: Options = {}): FeaturedEstimator {
  return subject.create({ ...subject.brief, ...options }) as FeaturedEstimator;
}

/** A call of `fit` and the options of its estimator. */
export interface Attempt {
  readonly options?: Options;
  readonly X?: MatrixInput;
  readonly y?: Targets;
  readonly inputs?: FitInputs;
}

/** Gives `assertRefused`: the fit (or the constructor) throws the expected error before any training, and leaves nothing behind. */
export function refusals(subject: Subject) {
  return async (
    { options = {}, X = greys, y, inputs = {} }: Attempt,
    expected: (error: unknown) => boolean,
  ): Promise<void> => {
    const before = tf.memory().numTensors;
    let started = false;
    const callbacks: tf.CustomCallbackArgs[] = [
      {
        onTrainBegin: async () => {
          started = true;
        },
      },
    ];
    const watched = subject.traits.callbacks ? { callbacks } : {};
    await assert.rejects(async () => {
      await subject.create({ ...subject.brief, ...watched, ...options }).fit(X, y, inputs);
    }, expected);
    assert.equal(started, false, 'training began');
    assert.equal(tf.memory().numTensors, before, 'tensors left');
  };
}

/** Gives `assertSum`: `loss = main loss + sum of weight * term` holds in every report. */
export function sums({ names: { mainLoss } }: Subject) {
  return (
    history: Readonly<Record<string, readonly number[]>>,
    weights: Readonly<Record<string, number>>,
    from = 0,
  ): void => {
    const { loss } = history;
    for (let report = from; report < loss!.length; report++) {
      let sum = history[mainLoss]![report]!;
      for (const [name, weight] of Object.entries(weights)) sum += weight * history[name]![report]!;
      assert.ok(
        Math.abs(sum - loss![report]!) < 1e-4 * Math.max(1, Math.abs(sum)),
        `report ${report}: ${loss![report]} is not ${sum}`,
      );
    }
  };
}

/** What the main loss of held-out rows is called in `history`: `valUmap` for `umap`. */
export function heldOutName({ names: { mainLoss } }: Subject): string {
  return `val${mainLoss[0]!.toUpperCase()}${mainLoss.slice(1)}`;
}
