/** Checks of markup that the tests of the plots share. */
import assert from 'node:assert/strict';

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Text directly inside, entities resolved. */
  text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function resolve(text: string): string {
  assert.doesNotMatch(text, /</);
  const rest = text.replace(/&([#\w]+);/g, (_, name: string) => {
    assert.ok(name in ENTITIES, `entity ${name}`);
    return ENTITIES[name]!;
  });
  assert.doesNotMatch(text.replace(/&[#\w]+;/g, ''), /&/, 'a bare ampersand');
  return rest;
}

/** Parses the XML that the library writes (no comments, no namespaces) and fails on anything ill-formed. */
export function parseXml(xml: string): Element[] {
  for (const character of xml) {
    const code = character.codePointAt(0)!;
    assert.ok(
      code === 10 || (code >= 32 && (code < 0xd800 || code > 0xdfff) && code < 0xfffe) || code > 0xffff,
    );
  }
  const elements: Element[] = [];
  const open: Element[] = [];
  let at = 0;
  for (const match of xml.matchAll(/<(\/?)([a-zA-Z]+)((?:\s+[\w:-]+="[^"]*")*)\s*(\/?)>/g)) {
    const between = xml.slice(at, match.index);
    if (open.length > 0) open.at(-1)!.text += resolve(between);
    else assert.equal(between.trim(), '');
    at = match.index + match[0].length;
    const [, closes, name, list, empty] = match;
    if (closes) {
      assert.equal(open.pop()?.name, name);
      continue;
    }
    const attributes: Record<string, string> = {};
    for (const [, key, value] of list!.matchAll(/([\w:-]+)="([^"]*)"/g)) {
      assert.ok(!(key! in attributes), `attribute ${key} twice`);
      attributes[key!] = resolve(value!);
    }
    const element = { name: name!, attributes, text: '' };
    elements.push(element);
    if (!empty) open.push(element);
  }
  assert.equal(xml.slice(at).trim(), '');
  assert.equal(open.length, 0, 'unclosed elements');
  return elements;
}
