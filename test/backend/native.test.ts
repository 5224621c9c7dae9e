import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../helpers/files.js';

const script = path.join(root, 'scripts/native.mjs');

/** Runs the script in an empty project, without a network, and gives the exit code and what it said. */
function run(
  words: string[],
  prepare: (project: string) => void = () => {},
): { code: number | null; said: string } {
  const project = mkdtempSync(path.join(tmpdir(), 'native-'));
  try {
    prepare(project);
    const before = readdirSync(project);
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...words], {
      cwd: project,
      encoding: 'utf8',
    });
    assert.deepEqual(readdirSync(project), before);
    return { code: status, said: stdout + stderr };
  } finally {
    rmSync(project, { recursive: true });
  }
}

/** What counts as an installed package for the script. */
function fake(project: string, name: string, main = ''): void {
  const home = path.join(project, 'node_modules', name);
  mkdirSync(home, { recursive: true });
  writeFileSync(
    path.join(home, 'package.json'),
    JSON.stringify({ name, version: '4.22.0', main: 'main.js' }),
  );
  writeFileSync(path.join(home, 'main.js'), main);
}

test('npm run native without TensorFlow.js advises to install first', () => {
  const { code, said } = run([]);
  assert.equal(code, 1);
  assert.match(said, /^native: no @tensorflow\/tfjs-core in .*; run `npm install` first$/m);
});

test('npm run native leaves a working tfjs-node alone', () => {
  const tensor = '{ matMul: () => tensor, sum: () => tensor, dataSync: () => [12] }';
  const { code, said } = run([], (project) =>
    fake(
      project,
      '@tensorflow/tfjs-node',
      `const tensor = ${tensor};
      Object.assign(exports, tensor, { ones: () => tensor, getBackend: () => 'tensorflow' });
      exports.backend = () => ({ binding: { TF_Version: '2.21.0' } });`,
    ),
  );
  assert.equal(said, 'native: already works (TensorFlow 2.21.0)\n');
  assert.equal(code, 0);
});

test('npm run native names a TensorFlow folder that cannot be used', () => {
  const { code, said } = run(['--tensorflow', 'nowhere'], (project) => {
    for (const name of ['@tensorflow/tfjs-core', '@tensorflow/tfjs-node', 'node-api-headers'])
      fake(project, name);
  });
  assert.equal(code, 1);
  assert.match(said, /--tensorflow: nowhere has no libtensorflow_cc/);
});
