/** The package as others get it. */
import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import * as library from '../src/index.js';
import * as extras from '../src/node.js';
import { run } from './helpers/child.js';
import { read, root } from './helpers/files.js';
import { npm, tarball } from './helpers/packed.js';
import { firstExample, wholeLife } from './helpers/pages.js';

const manifest = JSON.parse(read('package.json'));

test('what is needed, and what is only used when it is there', () => {
  assert.deepEqual(Object.keys(manifest.dependencies), [
    '@tensorflow/tfjs-backend-cpu',
    '@tensorflow/tfjs-backend-wasm',
    '@tensorflow/tfjs-core',
    '@tensorflow/tfjs-layers',
    'commander',
    'csv-parse',
    'fflate',
    'pbf',
    'seedrandom',
  ]);
  const optional = [
    '@duckdb/node-api',
    '@tensorflow/tfjs-backend-webgpu',
    '@tensorflow/tfjs-node',
    '@tensorflow/tfjs-node-gpu',
    'fastify',
    'hnswlib-node',
    'prom-client',
    'usearch',
    'webgpu',
  ];
  assert.deepEqual(Object.keys(manifest.peerDependencies), optional);
  for (const name of optional) {
    assert.equal(manifest.peerDependenciesMeta[name].optional, true);
  }
  assert.equal(manifest.optionalDependencies, undefined);
});

test('nothing runs on installation, and only the public files can be imported', () => {
  for (const hook of ['preinstall', 'install', 'postinstall', 'prepare']) {
    assert.equal(manifest.scripts[hook], undefined);
  }
  assert.deepEqual(Object.keys(manifest.exports), ['.', './node', './package.json']);
  // The one that adds methods to tensors, and the one that it needs first.
  assert.deepEqual(manifest.sideEffects, ['./dist/core/quietLoad.js', './dist/core/tf.js']);
  for (const file of manifest.sideEffects) {
    assert.ok(existsSync(path.join(root, file.replace('./dist', 'src').replace(/js$/, 'ts'))), file);
  }
});

test('the lock file names no host to fetch from, and agrees with package.json', () => {
  const lock = JSON.parse(read('package-lock.json'));
  for (const entry of Object.values<Record<string, unknown>>(lock.packages)) {
    assert.equal(entry.resolved, undefined);
  }
  const { version, dependencies, devDependencies, peerDependencies } = manifest;
  const { version: locked, ...rest } = lock.packages[''];
  assert.equal(locked, version);
  assert.deepEqual(rest.dependencies, dependencies);
  assert.deepEqual(rest.devDependencies, devDependencies);
  assert.deepEqual(rest.peerDependencies, peerDependencies);
});

test('the lock file lists the packages of every platform, as `npm ci` requires', () => {
  const { packages } = JSON.parse(read('package-lock.json'));
  const missing = Object.entries<Record<string, Record<string, string>>>(packages).flatMap(([place, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter((name) => {
      const own = `${place}/node_modules/${name}`;
      return packages[own] === undefined && packages[`node_modules/${name}`] === undefined;
    }),
  );
  assert.deepEqual(missing, []);
});

test('every TensorFlow.js from 4.20 on may lie beside the package, which needs no other version of it', () => {
  const { dependencies, peerDependencies, peerDependenciesMeta } = manifest;
  const ranges = Object.entries<string>({ ...dependencies, ...peerDependencies });
  const tensorflow = ranges.filter(([name]) => name.startsWith('@tensorflow/'));
  assert.equal(tensorflow.length, 7);
  for (const [name, range] of tensorflow) {
    for (const version of ['4.20.0', '4.21.0', '4.22.0']) {
      assert.ok(satisfies(version, range), `${name}: ${version} is not in ${range}`);
    }
    assert.ok(!satisfies('5.0.0', range), `${name}: ${range}`);
  }
  // A range of peers that is not met is an error for npm, even of optional ones.
  for (const [name, version] of Object.entries({
    'hnswlib-node': '3.0.0',
    usearch: '2.25.0',
    webgpu: '0.4.0',
  })) {
    assert.ok(satisfies(version, peerDependencies[name]), name);
    assert.ok(peerDependenciesMeta[name].optional);
  }
});

/** Whether a version is in a range of the kinds that package.json has: `^1.2.3` and `>=1.2.3 <2.0.0`. */
function satisfies(version: string, range: string): boolean {
  const value = (text: string) => text.split('.').reduce((sum, part) => sum * 1000 + Number(part), 0);
  const [, caret, from, to] = /^(?:\^([\d.]+)|>=([\d.]+) <([\d.]+))$/.exec(range) ?? [];
  const low = caret ?? from;
  assert.ok(low !== undefined, `a range of another kind: ${range}`);
  const end = to ?? `${Number(low.split('.')[0]) + 1}.0.0`;
  return value(version) >= value(low) && value(version) < value(end);
}

test('the public names', () => {
  assert.deepEqual(Object.keys(library).sort(), [
    'ArtifactError',
    'CNE',
    'CompressionVAE',
    'ContrastiveEmbedding',
    'DataError',
    'DivergedError',
    'NotFittedError',
    'OptionError',
    'ParametricUMAP',
    'UnavailableError',
    'collectRows',
    'compressionVaeDefaults',
    'contrastiveDefaults',
    'distanceCorrelation',
    'earlyStopping',
    'embeddingLog',
    'fromFiles',
    'knnAccuracy',
    'knnRecall',
    'load',
    'parametricUmapDefaults',
    'rowSource',
    'silhouette',
    'tf',
    'toFiles',
    'trustworthiness',
  ]);
  assert.deepEqual(Object.keys(extras).sort(), [
    'filmStripSvg',
    'historySvg',
    'interpolate',
    'interpolationSvg',
    'latentGridHtml',
    'latentGridPoints',
    'latentGridSvg',
    'npyFolder',
    'openNpy',
    'progressBar',
    'readCsv',
    'readIdx',
    'scatterHtml',
    'scatterSvg',
    'stopOnInterrupt',
    'tensorboard',
    'writeNpy',
  ]);
});

test('ARCHITECTURE.md names every folder, and no file that is not there', () => {
  const page = read('ARCHITECTURE.md');
  const table = page.slice(page.indexOf('| folder |'), page.indexOf('Further rules'));
  const named = [...table.matchAll(/^\| `([\w/]+)`/gm)].map(([, name]) => name!);
  const there = readdirSync(path.join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${entry.name}/`);
  assert.deepEqual(named.sort(), there.sort());
  for (const [, file] of page.matchAll(/`([\w/]+\.(?:test\.)?ts)`/g)) {
    assert.ok(
      ['', 'src', 'src/estimators/umap'].some((folder) => existsSync(path.join(root, folder, file!))),
      file,
    );
  }
});

let folder: string;
let packed: string;

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'parametric-umap-package-'));
  packed = await tarball();
});

after(() => rmSync(folder, { recursive: true, force: true }));

test('publint and attw find no fault', async () => {
  const bin = (name: string) => path.join(root, 'node_modules/.bin', name);
  const publint = await run(bin('publint'), ['run', packed, '--strict']);
  assert.match(publint.stdout, /All good!/);
  await run(bin('attw'), [packed, '--profile', 'esm-only', '--format', 'ascii']);
});

test('installed in an empty folder, the first examples run, and nothing else is printed', async (t) => {
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }');
  await npm('install', packed, '--prefix', folder, '--prefer-offline', '--no-audit', '--no-fund', '--silent');
  const installed = path.join(folder, 'node_modules/parametric-umap');
  assert.deepEqual(readdirSync(installed).sort(), [
    'CHANGELOG.md',
    'LICENSE',
    'LICENSE-Apache-2.0.txt',
    'README.md',
    'dist',
    'docs',
    'package.json',
    'scripts',
  ]);
  const { packages } = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8'));
  const count = Object.keys(packages).length - 1;
  assert.ok(count <= 25, `${count} packages`);
  const bytes = readdirSync(path.join(folder, 'node_modules'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);
  assert.ok(bytes <= 110e6, `${Math.round(bytes / 1e6)} MB`);
  for (const name of Object.keys(manifest.peerDependencies)) {
    assert.ok(!existsSync(path.join(folder, 'node_modules', name)), `${name} was installed`);
  }
  const start = (file: string, code: string, ...flags: string[]) => {
    writeFileSync(path.join(folder, file), code);
    // Here is only what every installation has, whatever the tests were told to run on.
    const { PARAMETRIC_UMAP_BACKEND: _, ...env } = process.env;
    return run(process.execPath, [...flags, file], { cwd: folder, env });
  };

  await t.test('with import', async () => {
    assert.deepEqual(await start('first.mjs', firstExample), { stdout: '300 2\n', stderr: '' });
  });

  const needsRequire =
    'require_module' in process.features ? false : 'this Node.js cannot require ES modules';
  await t.test('with require', { skip: needsRequire }, async () => {
    const [line, ...rest] = firstExample.split('\n');
    const required = line!.replace(/^import (\{.*\}) from ('.*');/, 'const $1 = require($2);');
    assert.notEqual(required, line);
    const code = `${required}\n(async () => {\n${rest.join('\n')}\n})();\n`;
    const result = await start('first.cjs', code, '--disable-warning=ExperimentalWarning');
    assert.deepEqual(result, { stdout: '300 2\n', stderr: '' });
  });

  await t.test('the whole life of a model', async () => {
    const [head, ...rows] = read('examples/data/digits.csv').split('\n');
    writeFileSync(path.join(folder, 'digits.csv'), [head, ...rows.slice(0, 300)].join('\n'));
    const { stdout, stderr } = await start('life.mjs', wholeLife);
    assert.match(stdout, /^trustworthiness 0\.9\d+ last loss \d\.\d+\naccuracy (0\.9\d+|1) \[ 1, 64 \]\n$/);
    assert.match(stderr, /backend: .*neighbors: exact \(300 rows\)/);
    assert.match(readFileSync(path.join(folder, 'map.html'), 'utf8'), /^<!doctype html>/);
    cpSync(path.join(folder, 'digits-model'), path.join(folder, 'moved'), { recursive: true });
    const again = `import { ParametricUMAP } from 'parametric-umap';
      console.log((await ParametricUMAP.load('moved')).options.minDist);`;
    assert.deepEqual(await start('again.mjs', again), { stdout: '0.1\n', stderr: '' });
  });
});
