/** The house rules that a machine can check. `ARCHITECTURE.md` says why they are there. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../src/', import.meta.url));

/**
 * Ranks, and within each the files in order: a file imports from a lower rank, from a file that stands before it
 * in its own rank, or from its own folder.
 */
const ranks: readonly (readonly string[])[] = [
  [
    'quietLoad',
    'tf',
    'types',
    'errors',
    'realms',
    'utf8',
    'pauses',
    'threads',
    'compiled',
    'random',
    'strides',
    'rows',
    'matrix',
    'frame',
    'options',
    'distanceFormulas',
    'distributionFormulas',
    'distance',
    'productsBinary',
    'productsKernel',
    'products',
    'symmetricEigen',
    'eigen',
    'linalg',
    'sparse',
    'json',
  ],
  [
    ...[
      'curve',
      'neighbors/',
      'fuzzy',
      'targets',
      'targetGroups',
      'targetNeighbors',
      'supervised',
      'spectral',
      'layoutBinary',
      'layoutKernel',
      'layout',
      'labelSpreading',
      'sampler',
      'ranks',
      'scoreData',
      'labelScores',
      'metrics',
    ],
    ...['backend/', 'neighborGraph'],
  ],
  [
    ...[
      'networks/',
      'projection',
      'fold',
      'optimizer',
      'train',
      'losses/',
      'validation',
      'callbacks',
      'progress',
    ],
    ...['table', 'manifest', 'networkFile', 'savedNetwork', 'artifact'],
  ],
  [
    ...['parametricUmapOptions', 'parametricUmapRules', 'landmarks', 'fitNetworks', 'fitTerms', 'recipe'],
    ...['fitRows', 'fitting', 'runFit', 'umapArtifact', 'parametricUmap'],
  ],
  ['load'],
  ['node/', 'index', 'node'],
];

/** The only files below rank 2 that may load TensorFlow.js. */
const mayLoadTensorFlow = (file: string) =>
  rankOf(file) >= 2 || file.startsWith('backend/') || file === 'tf.ts';
const mayTouchNode = (file: string) => /^(node\/|backend\/|neighbors\/|threads\.|manifest\.)/.test(file);

const files = (readdirSync(root, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.split(path.sep).join('/'));

const order = ranks.flat();

/** Where a file stands in the order of all ranks; -1 for nowhere. */
function placeOf(file: string): number {
  return order.findIndex((name) => (name.endsWith('/') ? file.startsWith(name) : file === `${name}.ts`));
}

function rankOf(file: string): number {
  return ranks.findIndex((names) => names.includes(order[placeOf(file)] ?? ''));
}

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}

function importsOf(file: string): Import[] {
  const source = readFileSync(path.join(root, file), 'utf8');
  const found: Import[] = [];
  for (const [, kind, target] of source.matchAll(
    /^(?:import|export)( type)?[^;'"]*? ?from ['"]([^'"]+)['"]/gm,
  )) {
    found.push({ target: target!, typeOnly: kind !== undefined, dynamic: false });
  }
  for (const [, target] of source.matchAll(/^import ['"]([^'"]+)['"]/gm)) {
    found.push({ target: target!, typeOnly: false, dynamic: false });
  }
  for (const [, target] of source.matchAll(/(?<!typeof )\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    found.push({ target: target!, typeOnly: false, dynamic: true });
  }
  return found;
}

function resolved(file: string, target: string): string {
  return path.posix.join(path.posix.dirname(file), target).replace(/\.js$/, '.ts');
}

test('every file has a rank', () => {
  assert.deepEqual(
    files.filter((file) => rankOf(file) < 0),
    [],
  );
});

test('imports go down: to a lower rank, an earlier file of the rank, or the same folder', () => {
  const wrong: string[] = [];
  for (const file of files) {
    for (const { target } of importsOf(file).filter((i) => i.target.startsWith('.') && !i.dynamic)) {
      const other = resolved(file, target);
      const folder = path.posix.dirname(file);
      const siblings = folder !== '.' && folder === path.posix.dirname(other);
      if (!siblings && placeOf(other) >= placeOf(file)) wrong.push(`${file} -> ${other}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('nothing imports the index', () => {
  for (const file of files) {
    for (const { target } of importsOf(file))
      assert.ok(!/(^|\/)index\.js$/.test(target), `${file} -> ${target}`);
  }
});

test('data stages never load TensorFlow.js', () => {
  for (const file of files.filter((name) => !mayLoadTensorFlow(name))) {
    for (const { target, typeOnly } of importsOf(file)) {
      const loads = target.startsWith('@tensorflow/') || /(^|\/)tf\.js$/.test(target);
      assert.ok(typeOnly || !loads, `${file} -> ${target}`);
    }
  }
});

test('only node/, backend/ and the native or threaded providers touch Node.js, by a name that no bundler looks up', () => {
  for (const file of files) {
    for (const { target, typeOnly } of importsOf(file)) {
      assert.ok(typeOnly || !target.startsWith('node:'), `${file} -> ${target}`);
    }
    if (!mayTouchNode(file)) assert.doesNotMatch(codeOf(file), /\b(importNode|requireNode|needNode)\b/, file);
  }
});

function codeOf(file: string): string {
  return readFileSync(path.join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}

test('nothing draws from an unseeded source, and nothing in src is left loose', () => {
  for (const file of files) {
    const source = codeOf(file);
    for (const pattern of [
      /Math\.random\(/,
      /: any\b/,
      /\bas any\b/,
      /@ts-ignore/,
      /\b(TODO|FIXME|XXX|HACK)\b/,
    ]) {
      assert.doesNotMatch(source, pattern, `${file}: ${pattern.source}`);
    }
  }
});
