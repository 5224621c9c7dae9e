/** Every public name, and every member of a public type, is documented. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { root } from './helpers/files.js';

const { config } = ts.readConfigFile(path.join(root, 'tsconfig.build.json'), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const entries = ['index', 'node'].map((name) => path.join(root, `src/${name}.ts`));
const program = ts.createProgram(entries, { ...options, noEmit: true });
const checker = program.getTypeChecker();
const source = path.join(root, 'src') + path.sep;

const isOurs = (symbol: ts.Symbol) =>
  symbol.declarations?.some((at) => path.normalize(at.getSourceFile().fileName).startsWith(source)) ?? false;
const isInternal = (symbol: ts.Symbol) =>
  symbol.declarations?.some((at) => {
    const { name } = at as ts.NamedDeclaration;
    return (
      (name && ts.isPrivateIdentifier(name)) ||
      ts.getJSDocTags(at).some((tag) => tag.tagName.text === 'internal')
    );
  }) ?? false;
const isDocumented = (symbol: ts.Symbol) =>
  ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() !== '';

/** Members of a class, an interface, or the alternatives of a type of our own. */
function membersOf(symbol: ts.Symbol): ts.Symbol[] {
  const { Class, Interface, TypeAlias } = ts.SymbolFlags;
  const members: ts.Symbol[] = [];
  if (symbol.flags & (Class | Interface | TypeAlias)) {
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    for (const part of type.isUnion() ? type.types : [type]) members.push(...part.getProperties());
  }
  if (symbol.flags & Class) members.push(...checker.getTypeOfSymbol(symbol).getProperties());
  return members.filter((member) => isOurs(member) && !isInternal(member));
}

for (const entry of entries) {
  test(`public names of ${path.basename(entry)} are documented`, () => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
    const exported = checker.getExportsOfModule(module);
    assert.ok(exported.length > 10);
    const bare = exported.flatMap((name) => {
      const symbol = name.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(name) : name;
      // TensorFlow.js documents what it holds.
      const [space] = name.declarations ?? [];
      if (space && ts.isNamespaceExport(space)) {
        return ts.getJSDocCommentsAndTags(space.parent).length > 0 ? [] : [name.name];
      }
      const members = membersOf(symbol).filter((member) => !isDocumented(member));
      return [
        ...(isDocumented(symbol) ? [] : [name.name]),
        ...members.map((member) => `${name.name}.${member.name}`),
      ];
    });
    assert.deepEqual(bare, []);
  });
}
