/** Whether code, docs and messages keep to American spelling, plain words, and one shape of errors. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { read, root } from './helpers/files.js';
import { pages } from './helpers/pages.js';

/** British spellings. */
const british =
  /neighbour|colour|behaviour|favour|honour|\bcentred?s?\b|\bgrey|labelled|\b(?:normal|optim|initial|serial|regular|material|minim|maxim|recogn|summar|organ|quant|standard|ortho(?:normal|gonal))is(?:e|ed|es|er|ers|ing|ation)\b/gi;

/** Metaphors that stood for terms of the field. */
const metaphors =
  /\b(?:crews?|workshops?|borne|(?:the|a) caller[’']s own|of the caller[’']s|of one[’']s own|(?:hears|heard) of|\w+ wanted, got|to say about)\b/gi;

/** Texts of errors in another shape than `X: expected …, got …; do …`. */
const otherShape =
  /\bwanted,? (?:got|is)\b|\bexpected, got\b|\bmust (?:be|have|hold|take)\b|, not \$\{|\bis stated\b/g;

/** Compiled kernels, and worker code as text. */
const generated = /\b(?:binary|workerCode|productsBinary)\.ts$/;

const files = ['src', 'kernels']
  .flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
      path.posix.join(folder, ...name.split(path.sep)),
    ),
  )
  .filter((name) => name.endsWith('.ts') && !generated.test(name));

/** Sources and docs by path. */
const texts = new Map([...files.map((name) => [name, read(name)] as const), ...pages]);

function found(name: string, text: string, words: RegExp): string[] {
  return [...text.matchAll(words)].map(({ 0: word, index }) => {
    return `${name}:${text.slice(0, index).split('\n').length} ${word}`;
  });
}

/** The texts of string and template literals of a file, which messages are made of. */
function literals(name: string): string[] {
  const list: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) list.push(node.getText());
    else ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(name, texts.get(name)!, ts.ScriptTarget.Latest, true));
  return list;
}

test('sources and docs are in American spelling', () => {
  assert.deepEqual(
    [...texts].flatMap(([name, text]) => found(name, text, british)),
    [],
  );
});

test('sources and docs use terms of the field, not metaphors', () => {
  assert.deepEqual(
    [...texts].flatMap(([name, text]) => found(name, text, metaphors)),
    [],
  );
});

test('messages state what was expected, then what came', () => {
  const wrong = files.flatMap((name) =>
    literals(name).flatMap((text) => found(name, text, otherShape).map((hit) => `${hit} in ${text}`)),
  );
  assert.deepEqual(wrong, []);
});
