import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { root } from '../helpers/files.js';

/** SwiftShader, a Vulkan driver without a graphics card, with the loader it needs: part of Debian's chromium-common. */
const software = '/usr/lib/chromium';
const icd = `${software}/vk_swiftshader_icd.json`;
const packages = ['webgpu', '@tensorflow/tfjs-backend-webgpu'];
const missing = packages.filter((name) => !existsSync(`${root}node_modules/${name}/package.json`));

const absent = existsSync(icd) ? false : `no software adapter at ${icd}`;
const skip = missing.length > 0 ? `not installed: ${missing.join(', ')}` : absent;

/** Runs a module in a process where WebGPU finds the software adapter and no other. */
function withAdapter(...words: string[]): { code: number | null; said: string } {
  const environment = { LD_LIBRARY_PATH: software, VK_ICD_FILENAMES: icd, VK_DRIVER_FILES: icd };
  // As its own test run, not as a part of this one.
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    cwd: root,
    env: { ...inherited, ...environment },
    encoding: 'utf8',
  });
  return { code: status, said: stdout + stderr };
}

test('WebGPU trains on a software adapter, and the process ends', { skip }, () => {
  const { code, said } = withAdapter(fileURLToPath(new URL('training.test.js', import.meta.url)));
  assert.equal(code, 0, said);
  assert.match(said, /webgpu: a dense network/);
  assert.doesNotMatch(said, /webgpu: .*SKIP/);
});

test('WebGPU names its adapter and prints nothing', { skip }, () => {
  const script = `
    import { useBackend } from './build/src/backend/choose.js';
    process.stdout.write((await useBackend('webgpu')).reason);`;
  const { code, said } = withAdapter('--input-type=module', '--eval', script);
  assert.equal(code, 0, said);
  assert.match(said, /^webgpu: WebGPU on SwiftShader[^\n]*, as requested$/);
});
