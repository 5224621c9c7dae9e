/**
 * The manifest of a saved model: the JSON file `parametric-umap.json` with the estimator that was saved, its
 * options and state, and the list of the other files with their sizes and SHA-256.
 */

import { ArtifactError, UnavailableError } from '../core/errors.js';
import { importNode } from '../core/platform.js';
import { fromUtf8, toUtf8 } from '../core/utf8.js';
import {
  asCount,
  asList,
  asObject,
  asRecord,
  asString,
  type Json,
  type JsonObject,
  parseJson,
  show,
} from './json.js';

/** The file that makes a folder a saved model. */
export const manifestName = 'parametric-umap.json';
/** What this library writes, and the only version it reads. */
export const formatVersion = 1;
/** Version of this library, as in package.json. */
export const libraryVersion = '0.1.0';

const formatName = 'parametric-umap';
const noHash = '0'.repeat(64);
/** What follows the manifest's hash of itself, its last value. */
const tail = '"\n}\n';

/** One file beside the manifest. */
export interface FileEntry {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** One binary table. Its list of arrays is for `planTable`, with the field that holds it and the file's size. */
export interface TableEntry {
  readonly name: string;
  readonly state: JsonObject;
  readonly arrays: Json;
  readonly where: string;
  readonly bytes: number;
}

/** A manifest whose every field was checked, but for the lists of arrays. */
export interface Manifest {
  readonly libraryVersion: string;
  readonly kind: string;
  readonly options: JsonObject;
  readonly state: JsonObject;
  readonly networks: readonly string[];
  /** The graph, if any, comes first and is called `graph`. */
  readonly tables: readonly TableEntry[];
  readonly files: ReadonlyMap<string, FileEntry>;
}

/** Whether a relative path, with forward slashes, can be a file of a saved model. None of them leaves its folder. */
export function isArtifactFile(name: string): boolean {
  return name === manifestName || /^[a-z][A-Za-z0-9]{0,63}(\.bin|\/model\.json|\/weights\.bin)$/.test(name);
}

/** The bytes of a manifest: format and versions first, `fields` (already encoded), and its own hash last. */
export async function writeManifest(fields: JsonObject): Promise<Uint8Array> {
  const manifest = { format: formatName, formatVersion, libraryVersion, ...fields, sha256: noHash };
  const text = `${JSON.stringify(manifest, null, 1)}\n`;
  const body = text.slice(0, -(noHash.length + tail.length));
  return toUtf8(body + (await sha256(toUtf8(text))) + tail);
}

/**
 * Reads and checks a manifest; with `kind`, only that of this estimator. Throws `ArtifactError` with the field, the
 * expected and the actual value.
 */
export async function readManifest(bytes: Uint8Array, kind?: string): Promise<Manifest> {
  const parsed = asObject(parseJson(bytes, manifestName), manifestName);
  checkVersion(parsed);
  const names = ['format', 'formatVersion', 'libraryVersion', 'kind', 'options', 'state'];
  const record = asRecord(parsed, manifestName, [...names, 'networks', 'graph', 'tables', 'files', 'sha256']);
  await checkOwnHash(bytes, asString(record.sha256, at('sha256')));
  const found = asString(record.kind, at('kind'));
  if (kind !== undefined && kind !== found) {
    const help = `load it with ${found}.load, or with load, which takes any`;
    throw new ArtifactError(`${at('kind')}: expected ${kind}, got ${found}; ${help}`);
  }
  const files = listFiles(record.files);
  const unclaimed = new Map(files);
  const claim = (name: string, where: string): number => {
    const file = unclaimed.get(name);
    if (file === undefined) {
      throw new ArtifactError(
        `${where}: expected a file that is listed in files and used once, got ${show(name)}`,
      );
    }
    unclaimed.delete(name);
    return file.bytes;
  };
  const networks = asList(record.networks, at('networks')).map((item, i) => {
    const name = asString(item, at(`networks[${i}]`));
    claim(`${name}/model.json`, at(`networks[${i}]`));
    claim(`${name}/weights.bin`, at(`networks[${i}]`));
    return name;
  });
  const tables = listTables(record, claim);
  if (unclaimed.size > 0) {
    throw new ArtifactError(
      `${at('files')}: expected only files that the model uses, got ${[...unclaimed.keys()].join(', ')}`,
    );
  }
  return {
    libraryVersion: asString(record.libraryVersion, at('libraryVersion')),
    kind: found,
    options: asObject(record.options, at('options')),
    state: asObject(record.state, at('state')),
    networks,
    tables,
    files,
  };
}

/** Before all other fields: another version may have others. */
function checkVersion(manifest: JsonObject): void {
  if (manifest.format !== formatName) {
    const came = show(manifest.format);
    throw new ArtifactError(
      `${at('format')}: expected "${formatName}", got ${came}; give the directory of a saved model`,
    );
  }
  const version = asCount(manifest.formatVersion, at('formatVersion'));
  if (version === formatVersion) return;
  const expected = `${formatVersion}, which parametric-umap ${libraryVersion} reads`;
  const got = `${version}, saved by parametric-umap ${show(manifest.libraryVersion)}`;
  const advice = version > formatVersion ? 'update parametric-umap' : 'no release wrote so old a format';
  throw new ArtifactError(`${at('formatVersion')}: expected ${expected}, got ${got}; ${advice}`);
}

async function checkOwnHash(bytes: Uint8Array, stated: string): Promise<void> {
  const text = fromUtf8(bytes);
  const ending = stated + tail;
  const body = text.slice(0, -ending.length);
  const expected = await sha256(toUtf8(body + noHash + tail));
  if (!text.endsWith(ending) || stated !== expected) {
    throw new ArtifactError(
      `${at('sha256')}: expected ${expected}, got ${show(stated)}; the manifest was damaged or edited, copy or save the model again`,
    );
  }
}

function listFiles(value: Json | undefined): Map<string, FileEntry> {
  const files = new Map<string, FileEntry>();
  const seen = new Set<string>();
  for (const [i, item] of asList(value, at('files')).entries()) {
    const where = at(`files[${i}]`);
    const entry = asRecord(item, where, ['name', 'bytes', 'sha256']);
    const name = asString(entry.name, `${where}.name`);
    if (!isArtifactFile(name) || name === manifestName) {
      throw new ArtifactError(`${where}.name: expected the name of a file of a model, got ${show(name)}`);
    }
    // Where file names ignore case, two that differ by case are one file.
    if (seen.has(name.toLowerCase()))
      throw new ArtifactError(`${where}.name: expected each name once, got ${show(name)} twice`);
    seen.add(name.toLowerCase());
    const hash = asString(entry.sha256, `${where}.sha256`);
    if (!/^[0-9a-f]{64}$/.test(hash)) {
      throw new ArtifactError(`${where}.sha256: expected 64 hexadecimal digits, got ${show(hash)}`);
    }
    files.set(name, { name, bytes: asCount(entry.bytes, `${where}.bytes`), sha256: hash });
  }
  return files;
}

function listTables(manifest: JsonObject, claim: (name: string, where: string) => number): TableEntry[] {
  const read = (value: JsonObject, name: string, where: string): TableEntry => {
    const file = asString(value.file, `${where}.file`);
    if (file !== `${name}.bin`) {
      throw new ArtifactError(`${where}.file: expected "${name}.bin", got ${show(file)}`);
    }
    const bytes = claim(file, `${where}.file`);
    const arrays = asList(value.arrays, `${where}.arrays`);
    return { name, state: asObject(value.state, `${where}.state`), arrays, where: `${where}.arrays`, bytes };
  };
  const tables: TableEntry[] = [];
  if (manifest.graph !== null) {
    const graph = asRecord(manifest.graph, at('graph'), ['state', 'file', 'arrays']);
    tables.push(read(graph, 'graph', at('graph')));
  }
  for (const [i, item] of asList(manifest.tables, at('tables')).entries()) {
    const where = at(`tables[${i}]`);
    const entry = asRecord(item, where, ['name', 'state', 'file', 'arrays']);
    tables.push(read(entry, asString(entry.name, `${where}.name`), where));
  }
  return tables;
}

type NodeCrypto = { readonly webcrypto: Pick<Crypto, 'subtle'> };

/** SHA-256 as 64 hexadecimal digits. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const subtle = globalThis.crypto?.subtle ?? (await importNode<NodeCrypto>('crypto'))?.webcrypto.subtle;
  if (subtle === undefined) {
    throw new UnavailableError(
      'save, load: expected SHA-256 (crypto.subtle), got none; serve the page over https, as browsers require for it',
    );
  }
  const digest = await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function at(field: string): string {
  return `${manifestName}: ${field}`;
}
