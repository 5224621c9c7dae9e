/** Whether the README and the pages of `docs` tell the truth: their code compiles and runs, their tables and links are right. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import ts from 'typescript';
import * as library from '../src/index.js';
import { read, root } from './helpers/files.js';
import { folderWith, node, project } from './helpers/packed.js';
import { anchors, type Block, blocks, firstExample, pages, wholeLife } from './helpers/pages.js';

const manifest = JSON.parse(read('package.json'));
const readme = read('README.md');
/** Names that look like files. */
const products = ['Node.js', 'TensorFlow.js', 'transformers.js'];
const isCode = ({ language }: Block) => language === 'js' || language === 'ts';
const code = blocks.filter(isCode);
const nameOf = ({ page, line }: Block) => `${path.basename(page, '.md')}-${line}`;

/** What the short examples take for granted, in types; `given` below gives the values. */
const givenTypes = `import type * as core from 'parametric-umap';
import type * as node from 'parametric-umap/node';
type Core = typeof core;
declare global {
  const ParametricUMAP: Core['ParametricUMAP'];
  const ContrastiveEmbedding: Core['ContrastiveEmbedding'];
  const earlyStopping: Core['earlyStopping'];
  const tf: Core['tf'];
  const historySvg: (typeof node)['historySvg'];
  const scatterHtml: (typeof node)['scatterHtml'];
  const writeFile: typeof import('node:fs/promises').writeFile;
  const umap: core.ParametricUMAP, other: core.ParametricUMAP;
  const embedding: core.ContrastiveEmbedding;
  const rows: number[][], heldOut: number[][], oldRows: number[][], newRows: number[][];
  const distances: number[][], indices: number[][], lengths: number[][];
  const labels: number[], prices: number[], fewLabels: (number | null)[];
}
`;

/**
 * The same in values: `umap` is fitted, `other` and `embedding` are not, and all train shortly. Then every program runs, with these as
 * they were; the last line of the output lists what failed.
 */
const given = `
import { writeFile } from 'node:fs/promises';
import * as core from 'parametric-umap';
import { historySvg, scatterHtml } from 'parametric-umap/node';

const { earlyStopping, tf } = core;
const short = { nEpochs: 3, nNeighbors: 8, init: 'random' };
class ParametricUMAP extends core.ParametricUMAP {
  constructor(options) {
    super({ ...short, ...options });
  }
}
class ContrastiveEmbedding extends core.ContrastiveEmbedding {
  constructor(options) {
    super({ ...short, ...options });
  }
}
const table = (count, shift) =>
  Array.from({ length: count }, (_, i) => Array.from({ length: 64 }, (_, j) => (1 + Math.sin(i * (j + 1) + shift)) / 2));
const rows = table(40, 0);
const distances = rows.map((a) => rows.map((b) => Math.hypot(...a.map((value, j) => value - b[j]))));
const indices = distances.map((row) => row.map((_, i) => i).sort((a, b) => row[a] - row[b]).slice(0, 8));
const lengths = indices.map((near, i) => near.map((j) => distances[i][j]));
const labels = rows.map((_, i) => i % 2);
const prices = rows.map((_, i) => i / 7);
const fewLabels = labels.map((label, i) => (i < 8 ? label : null));
const tables = { rows, heldOut: table(9, 1), oldRows: table(9, 2), newRows: table(40, 3), distances, indices, lengths };

const fitted = new ParametricUMAP();
await fitted.fit(rows);
const files = await core.toFiles(await fitted.toArtifact());
const failed = [];
for (const name of process.argv.slice(2)) {
  const artifact = await core.fromFiles(async (file) => files.get(file), { kind: 'ParametricUMAP' });
  const umap = await ParametricUMAP.fromArtifact(artifact);
  Object.assign(globalThis, { ParametricUMAP, ContrastiveEmbedding, earlyStopping, tf, historySvg, scatterHtml, writeFile });
  const estimators = { umap, other: new ParametricUMAP(), embedding: new ContrastiveEmbedding() };
  Object.assign(globalThis, structuredClone({ ...tables, labels, prices, fewLabels }), estimators);
  try {
    await import('./' + name + '.js');
  } catch (error) {
    failed.push(name + ': ' + error);
  }
}
console.log('\\n' + JSON.stringify(failed));
`;

let folder: string;
before(async () => {
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  folder = await folderWith({
    'given.d.ts': givenTypes,
    'given.js': given,
    ...Object.fromEntries(code.map((block) => [`${nameOf(block)}.ts`, `${block.code}\nexport {};\n`])),
    ...Object.fromEntries(
      code.map((block) => [`${nameOf(block)}.js`, ts.transpile(block.code, { ...options })]),
    ),
  });
});

test('every block has a language; only code with a reason is not run', () => {
  for (const [page, text] of pages) {
    const fences = text.match(/^\s*```/gm) ?? [];
    assert.equal(fences.length, 2 * blocks.filter((block) => block.page === page).length, page);
  }
  for (const block of blocks) {
    assert.ok(isCode(block) || ['sh', 'bibtex', 'python'].includes(block.language), nameOf(block));
    if (block.info !== '') assert.match(block.info, /^no-run \(\w.{9,}\)$/, nameOf(block));
  }
  assert.ok(code.length > 20);
});

test('code fits the types of the package', () => {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const files = ['given.d.ts', ...code.map((block) => `${nameOf(block)}.ts`)];
  const program = ts.createProgram(
    files.map((file) => path.join(folder, file)),
    {
      ...options,
      ...{
        noEmit: true,
        incremental: false,
        tsBuildInfoFile: undefined,
        noUnusedLocals: false,
        strict: false,
      },
      ...{ rootDir: undefined, paths: {}, typeRoots: [path.join(root, 'node_modules/@types')] },
    },
  );
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const name = path.basename(file?.fileName ?? '', '.ts');
    const line = (start !== undefined && file?.getLineAndCharacterOfPosition(start).line) || 0;
    const block = code.find((one) => nameOf(one) === name);
    const where = block ? `${block.page}:${block.line + line}` : name;
    return `${where}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
  assert.deepEqual(problems, []);
});

test('code runs', async () => {
  // The first two of the README are run by package.test.ts, as a newcomer runs them.
  const elsewhere = [firstExample, wholeLife];
  const run = code.filter(({ info, code: text }) => !info.startsWith('no-run') && !elsewhere.includes(text));
  const { stdout } = await node(folder, 'given.js', ...run.map(nameOf));
  assert.deepEqual(JSON.parse(stdout.trim().split('\n').at(-1)!), []);
});

test('docs/options.md lists every option with its default', () => {
  const rows = [...read('docs/options.md').matchAll(/^\| `(\w+)` \| `(.*?)` \| \S.* \|$/gm)];
  const expected = Object.entries(library.parametricUmapDefaults).map(([name, value]) => [
    name,
    typeof value === 'string' ? `'${value}'` : JSON.stringify(value),
  ]);
  assert.deepEqual(
    rows.map(([, name, value]) => [name, value]),
    expected,
  );
});

test('the README is short, and gives every feature one line with a link', () => {
  assert.ok(readme.split('\n').length <= 200);
  const [, features] = readme.split('\n## Features\n');
  const [, ...rows] = features!
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => line.startsWith('| '));
  assert.ok(rows.length > 13);
  for (const row of rows) assert.match(row, /^\| \[[^\]]+\]\(docs\/[^)]+\) \| [^|]{20,110} \| [^|]*\|$/);
  const linked = readme.slice(readme.indexOf('\n## Documentation'));
  for (const page of pages.keys()) if (page !== 'README.md') assert.ok(linked.includes(`(${page})`), page);
});

test('links lead to what the package contains', async () => {
  const installed = path.join(await project(), 'node_modules/parametric-umap');
  for (const [page, text] of pages) {
    for (const [, image, link] of text.matchAll(/(!?)\[[^\]]*\]\((?!https?:)([^)]+)\)/g)) {
      const [file, anchor] = link!.split('#') as [string, string?];
      const target = file === '' ? page : path.join(path.dirname(page), file);
      // Pictures are for those who read the pages beside the sources.
      assert.ok(existsSync(path.join(image ? root : installed, target)), `${page}: ${link}`);
      if (anchor !== undefined) assert.ok(anchors(read(target)).includes(anchor), `${page}: ${link}`);
    }
  }
});

test('commands and files that the pages name exist', () => {
  for (const [page, text] of pages) {
    for (const [, script] of text.matchAll(/npm run ([\w-]+)/g))
      assert.ok(manifest.scripts[script!], `${page}: ${script}`);
    for (const [whole, file, ending] of text.matchAll(/(?<![\w./-])([\w./-]+)\.([jt]s|mjs|py)\b/g)) {
      if (products.includes(whole) || file!.startsWith('node_modules/')) continue;
      const source = file!.replace(/^build\//, '');
      const names = source.includes('/')
        ? [`${source}.ts`, `${source}.${ending}`]
        : // Those of an example of code.
          ending!.endsWith('s') && ending !== 'mjs'
          ? [`examples/${source}.ts`]
          : [];
      assert.ok(
        names.length === 0 || names.some((name) => existsSync(path.join(root, name))),
        `${page}: ${whole}`,
      );
    }
  }
});
