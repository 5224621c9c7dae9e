/** The house rules that a machine can check. `ARCHITECTURE.md` says why they are there. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../src/', import.meta.url));

/** The folders of `src/` in order: a file imports only from folders before its own, or from its own. */
const folders = [
  'core',
  'math',
  'data',
  'neighbors',
  'graph',
  'layout',
  'metrics',
  'backend',
  'networks',
  'losses',
  'training',
  'tensorboard',
  'artifact',
  'fit',
  'estimators',
  'plot',
  'node',
] as const;
/** The entries: the only files at the root. */
const entries = ['index.ts', 'node.ts'];

/** Folders up to `metrics` compute without TensorFlow.js; it comes in through one file. */
const withoutTensorFlow: readonly string[] = folders.slice(0, folders.indexOf('backend'));
const mayLoadTensorFlow = (file: string) =>
  file === 'core/tf.ts' || !withoutTensorFlow.includes(folderOf(file));
const mayTouchNode = (file: string) =>
  /^(core\/platform\.|backend\/|neighbors\/|artifact\/(manifest|directory|atomicSwap|wholeFile)\.|tensorboard\/|node\/)/.test(
    file,
  );

const files = (readdirSync(root, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.split(path.sep).join('/'));

function folderOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : '';
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

/** Files of `src/` that a file imports, types and dynamic imports counted. */
function neededBy(file: string): string[] {
  return importsOf(file)
    .filter(({ target }) => target.startsWith('.'))
    .map(({ target }) => resolved(file, target));
}

test('every file is in a folder of the list, but for the entries', () => {
  const elsewhere = files.filter((file) => !folders.some((name) => name === folderOf(file)));
  assert.deepEqual(elsewhere.sort(), entries);
  assert.deepEqual(
    folders.filter((name) => !files.some((file) => folderOf(file) === name)),
    [],
  );
});

test('imports go from a folder to those before it, or stay in the folder', () => {
  const order = (file: string) => (folders as readonly string[]).indexOf(folderOf(file));
  const wrong = files
    .filter((file) => !entries.includes(file))
    .flatMap((file) => neededBy(file).map((other) => [file, other] as const))
    .filter(([file, other]) => order(other) < 0 || order(other) > order(file));
  assert.deepEqual(wrong, []);
});

test('no file needs itself by way of others', () => {
  const state = new Map<string, 'open' | 'done'>();
  const circles: string[] = [];
  const visit = (file: string, way: readonly string[]) => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      circles.push([...way.slice(way.indexOf(file)), file].join(' -> '));
      return;
    }
    state.set(file, 'open');
    for (const other of neededBy(file)) visit(other, [...way, file]);
    state.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  assert.deepEqual(circles, []);
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

test('Node.js is used in few files, by a name that no bundler looks up', () => {
  for (const file of files) {
    for (const { target, typeOnly } of importsOf(file)) {
      assert.ok(typeOnly || !target.startsWith('node:'), `${file} -> ${target}`);
    }
    if (!mayTouchNode(file)) assert.doesNotMatch(codeOf(file), /\b(importNode|requireNode|needNode)\b/, file);
  }
});

test('packages that may be missing are imported in one way', () => {
  for (const file of files.filter((name) => name !== 'core/platform.ts')) {
    // Anything but a text that bundlers read.
    assert.doesNotMatch(readFileSync(path.join(root, file), 'utf8'), /(?<!typeof )\bimport\((?!['"])/, file);
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
