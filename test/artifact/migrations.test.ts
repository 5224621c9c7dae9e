import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/artifact/json.js';
import {
  formatVersion,
  isReadable,
  type Migration,
  migrated,
  migrations,
} from '../../src/artifact/migrations.js';
import { load } from '../../src/index.js';
import { root } from '../helpers/files.js';

/** Renames a field, then moves it. */
const steps: Record<number, Migration> = {
  1: ({ gain, ...rest }) => ({ ...rest, rate: gain ?? null }),
  2: ({ rate, ...rest }) => ({ ...rest, options: { rate: rate ?? null } }),
};
const old: JsonObject = { format: 'parametric-umap', formatVersion: 1, gain: 3 };

test('a manifest passes through every migration from its version on', () => {
  const { format } = old;
  assert.deepEqual(migrated(old, 1, 3, steps), { format, formatVersion: 3, options: { rate: 3 } });
  assert.deepEqual(migrated(old, 1, 2, steps), { format, formatVersion: 2, rate: 3 });
  assert.deepEqual(migrated({ ...old, formatVersion: 3 }, 3, 3, steps), { ...old, formatVersion: 3 });
});

test('a version is readable if there is a migration from it to the latest', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((version) => isReadable(version, 3, steps)),
    [false, true, true, true, false],
  );
});

test('there is a migration from every format that a release wrote', () => {
  const numbers = Array.from({ length: formatVersion - 1 }, (_, i) => String(i + 1));
  assert.deepEqual(Object.keys(migrations), numbers);
});

test('the model that 0.1.0 saved loads', async () => {
  const model = await load(`${root}test/fixtures/models/0.1.0`);
  assert.ok(model.history.loss!.length > 0);
  model.dispose();
});
