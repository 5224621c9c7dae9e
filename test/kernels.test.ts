import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { relaxedSimd, simd } from '../src/backend/wasm/binary.js';
import { root } from './helpers/files.js';

test('the training kernels need nothing but the memory they work in', async () => {
  const module = await WebAssembly.compile(Buffer.from(simd, 'base64'));
  assert.deepEqual(WebAssembly.Module.imports(module), [{ module: 'env', name: 'memory', kind: 'memory' }]);
  assert.ok(WebAssembly.Module.exports(module).every(({ kind }) => kind === 'function'));
  assert.notEqual(simd, relaxedSimd);
});

test('the compiled kernels are those of kernels/', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/kernels.mjs', '--check'], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout + stderr);
});
