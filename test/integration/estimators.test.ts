/** Every estimator through every check. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useBackend } from '../../src/backend/choose.js';
import * as library from '../../src/index.js';
import { checkEstimator, estimatorChecks } from '../estimatorChecks.js';
import { subjects } from '../subjects.js';

// Started first, so that its own tensors are not counted against an estimator.
await useBackend();

test('the suite is at least as large as was promised', () => {
  assert.ok(Object.keys(estimatorChecks).length >= 24);
});

test('every estimator that the library exports is checked, under its own name', () => {
  const exported = Object.entries(library)
    .filter(([, value]) => typeof value === 'function' && typeof value.prototype?.fitTransform === 'function')
    .map(([, value]) => (value as { readonly name: string }).name);
  const checked = subjects.map(({ name }) => name);
  for (const name of new Set(exported)) assert.ok(checked.includes(name), `${name} is in test/subjects.ts`);
  for (const { name, create } of subjects.filter((subject) => exported.includes(subject.name))) {
    const Class = (library as Readonly<Record<string, unknown>>)[name] as new () => object;
    assert.ok(create({}) instanceof Class, name);
  }
});

for (const subject of subjects) checkEstimator(subject);
