import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { writeManifest } from '../../src/artifact/manifest.js';
import { useBackend } from '../../src/backend/choose.js';
import { ArtifactError } from '../../src/core/errors.js';
import { load } from '../../src/estimators/load.js';
import { ParametricUMAP } from '../../src/estimators/umap/parametricUmap.js';
import { groups } from '../helpers/data.js';
import { root, withDirectory } from '../helpers/files.js';

await useBackend();

const models = path.join(root, 'test/fixtures/models');

interface Expected {
  readonly map: number[][];
  readonly predicted: string[];
  readonly curve: { a: number; b: number };
}

for (const version of ['0.1.0']) {
  test(`a model saved by ${version} gives its embedding, and is trained further`, async () => {
    const expected: Expected = JSON.parse(await readFile(path.join(models, `${version}.json`), 'utf8'));
    const umap = await load(path.join(models, version));
    assert.ok(umap instanceof ParametricUMAP);
    const map = await umap.transform(groups());
    const extent = Math.max(...expected.map.flat().map(Math.abs));
    map.forEach((row, i) => {
      row.forEach((value, c) => {
        const difference = Math.abs(value - expected.map[i]![c]!);
        assert.ok(difference < 1e-4 * extent, `row ${i}, column ${c}: ${value} for ${expected.map[i]![c]}`);
      });
    });
    assert.deepEqual(await umap.predict(groups()), expected.predicted);
    assert.deepEqual(umap.curve, expected.curve);
    assert.ok(umap.graph.head.length > 0);
    const reports = umap.history.loss!.length;
    await umap.fit(groups(), expected.predicted);
    assert.ok(umap.history.loss!.length > reports);
    // Its landmarks came along and hold.
    assert.ok(umap.history.landmark!.length > 0);
    umap.dispose();
  });
}

test('a model of a kind that is not known here is refused by name', async () => {
  await withDirectory(async (directory) => {
    const copy = path.join(directory, 'model');
    await cp(path.join(models, '0.1.0'), copy, { recursive: true });
    const file = path.join(copy, 'parametric-umap.json');
    const { format, formatVersion, libraryVersion, sha256, ...fields } = JSON.parse(
      await readFile(file, 'utf8'),
    );
    await writeFile(file, await writeManifest({ ...fields, kind: 'DensityMAP' }));
    await assert.rejects(load(copy), (error: Error) => {
      assert.ok(error instanceof ArtifactError);
      assert.match(error.message, /ParametricUMAP.*DensityMAP/);
      return true;
    });
  });
  await assert.rejects(load(path.join(models, 'nothing')), ArtifactError);
});
