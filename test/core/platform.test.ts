import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { UnavailableError } from '../../src/core/errors.js';
import { importFault, importPackage } from '../../src/core/platform.js';

test('a package that is there is imported', async () => {
  const path: { sep: string } = await importPackage('node:path', 'x', 'y');
  assert.match(path.sep, /^[\\/]$/);
});

test('a package that is missing is an error with the command to type', async () => {
  const name = 'parametric-umap-is-not-there';
  await assert.rejects(importPackage(name, 'caller', `run: npm install ${name}`), (error: Error) => {
    assert.ok(error instanceof UnavailableError);
    assert.equal(
      error.message,
      `caller: expected the package ${name}, got an error: ${name} is not installed; run: npm install ${name}`,
    );
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ERR_MODULE_NOT_FOUND');
    return true;
  });
});

test('a package that lacks a part of its own is not called missing', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'parametric-umap-broken-'));
  const write = async (text: string) => {
    const file = path.join(folder, `${text.length}.mjs`);
    await writeFile(file, text);
    return pathToFileURL(file).href;
  };
  try {
    const lacking = await write("import 'parametric-umap-is-not-there';\n");
    await assert.rejects(
      importPackage(lacking, 'x', 'y'),
      /does not load \(Cannot find package 'parametric-umap-is-not/,
    );
    const native = await write("throw new Error('Could not locate the bindings file. Tried: …');\n");
    await assert.rejects(
      importPackage(native, 'x', 'y'),
      /its native part is missing, as when install scripts/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('what is thrown need not be an error', () => {
  assert.equal(importFault('a', 'text'), 'a does not load (text)');
  assert.equal(importFault('a', undefined), 'a does not load (undefined)');
});
