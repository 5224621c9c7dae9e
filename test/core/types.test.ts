/** The declarations, as projects with other compilers and stricter settings read them. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { root } from '../helpers/files.js';
import { project } from '../helpers/packed.js';

const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const settings: ts.CompilerOptions = { ...options, incremental: false, tsBuildInfoFile: undefined };

/** What the compiler has to say about a file of code beside the source. */
function problemsOf(name: string, code: string, strict: ts.CompilerOptions): string[] {
  const folder = path.join(root, 'build/types');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.ts`);
  writeFileSync(file, code);
  const program = ts.createProgram([file], { ...settings, ...strict, noEmit: true });
  const problems = program.getSemanticDiagnostics(program.getSourceFile(file));
  return problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}

test('with exactOptionalPropertyTypes, an option may be undefined', () => {
  const code = `
    import { type DimsInput, earlyStopping, ParametricUMAP } from 'parametric-umap';
    import { historySvg, readCsv, scatterHtml, scatterSvg } from 'parametric-umap/node';
    const label: string | undefined = undefined;
    const { data, labels } = await readCsv('a.csv', { label, separator: undefined });
    const umap = new ParametricUMAP({ minDist: undefined, callbacks: [earlyStopping({ patience: undefined })] });
    const signal: AbortSignal | undefined = undefined;
    const map = await umap.fitTransform(data, labels, { signal, distances: undefined });
    scatterHtml(map, { labels, title: undefined, held: { points: map, labels } });
    scatterSvg(map, { labels });
    historySvg(umap.history, { title: undefined });
    await umap.addLandmarks(data, { y: undefined, fraction: undefined });
    await umap.transform(data, { batchSize: undefined });
    await umap.save(new URL('file:///x'), { includeGraph: undefined });
    const tensor: DimsInput = { data: new Float32Array(2), dims: [1, 2] };
    const { shape }: { shape: readonly number[] } = await umap.transform(tensor);
    console.log(shape);
  `;
  assert.deepEqual(problemsOf('exact', code, { exactOptionalPropertyTypes: true }), []);
});

test('the declarations need no typed arrays with an argument, which TypeScript 5.6 does not know', async () => {
  const folder = path.join(await project(), 'node_modules/parametric-umap/dist');
  const reached = ['index', 'node'].map((name) => path.join(folder, `${name}.d.ts`));
  for (const name of reached) {
    const text = readFileSync(name, 'utf8');
    assert.doesNotMatch(text, /\b\w+(8|16|32|64|Clamped)Array</, name);
    for (const [, target] of text.matchAll(/(?:from|import\()\s*['"](\.[^'"]+)['"]/g)) {
      const next = path.join(path.dirname(name), target!.replace(/\.js$/, '.d.ts'));
      if (!reached.includes(next)) reached.push(next);
    }
  }
  assert.ok(reached.length > 20);
});

test('parametric-umap/node is found by the resolution of older projects, and of newer ones', () => {
  const there = '/app/node_modules/parametric-umap/';
  const manifest = readFileSync(path.join(root, 'package.json'), 'utf8');
  const files = new Map([`${there}dist/index.d.ts`, `${there}dist/node.d.ts`].map((file) => [file, '']));
  files.set(`${there}package.json`, manifest);
  const host: ts.ModuleResolutionHost = {
    fileExists: (name) => files.has(name),
    readFile: (name) => files.get(name),
  };
  for (const kind of [
    ts.ModuleResolutionKind.Node10,
    ts.ModuleResolutionKind.NodeNext,
    ts.ModuleResolutionKind.Bundler,
  ]) {
    for (const [name, wanted] of [
      ['parametric-umap', 'index'],
      ['parametric-umap/node', 'node'],
    ]) {
      const found = ts.resolveModuleName(name!, '/app/main.ts', { moduleResolution: kind }, host);
      assert.equal(
        found.resolvedModule?.resolvedFileName,
        `${there}dist/${wanted}.d.ts`,
        `${name}, kind ${kind}`,
      );
    }
  }
});
