/**
 * The manifest of a saved model, `parametric-umap.json`: estimator, options, state, and the other files with their sizes
 * and SHA-256.
 */

import { UnavailableError } from '../core/errors.js';
import { importNode } from '../core/platform.js';
import { fromUtf8, toUtf8 } from '../core/utf8.js';
import {
  asCount,
  asList,
  asObject,
  asRecord,
  asString,
  invalid,
  type Json,
  type JsonObject,
  parseJson,
  show,
} from './json.js';
import { formatVersion, isReadable, migrated } from './migrations.js';

/** Name of the manifest, by which a saved model is recognized. */
export const manifestName = 'parametric-umap.json';
/** Version of this library, as in package.json. */
export const libraryVersion = '0.1.0';

const formatName = 'parametric-umap';
const noHash = '0'.repeat(64);
/** The text after the manifest's own hash, which is its last value. */
const tail = '"\n}\n';

/** A file other than the manifest. */
export interface FileEntry {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A binary table: its list of arrays, which `planTable` validates, the field of that list, and the size of the file. */
export interface TableEntry {
  readonly name: string;
  readonly state: JsonObject;
  readonly arrays: Json;
  readonly where: string;
  readonly bytes: number;
}

/** A manifest with every field validated except the lists of arrays. */
export interface Manifest {
  readonly libraryVersion: string;
  readonly kind: string;
  readonly options: JsonObject;
  readonly state: JsonObject;
  readonly networks: readonly string[];
  /** The graph, if any, is the first one, named `graph`. */
  readonly tables: readonly TableEntry[];
  readonly files: ReadonlyMap<string, FileEntry>;
}

/** Whether a relative path, with forward slashes, is a valid file of a saved model. No such path leaves its directory. */
export function isArtifactFile(name: string): boolean {
  return name === manifestName || /^[a-z][A-Za-z0-9]{0,63}(\.bin|\/model\.json|\/weights\.bin)$/.test(name);
}

/** The bytes of a manifest: format and versions, `fields` (already encoded), and at the end its own hash. */
export async function writeManifest(fields: JsonObject): Promise<Uint8Array> {
  const manifest = { format: formatName, formatVersion, libraryVersion, ...fields, sha256: noHash };
  const text = `${JSON.stringify(manifest, null, 1)}\n`;
  const body = text.slice(0, -(noHash.length + tail.length));
  return toUtf8(body + (await sha256(toUtf8(text))) + tail);
}

/**
 * Parses and validates a manifest. Throws `ArtifactError` with the field and both values for any mismatch; with `kind`, also
 * for a model of another estimator.
 */
export async function readManifest(bytes: Uint8Array, kind?: string): Promise<Manifest> {
  const parsed = asObject(parseJson(bytes, manifestName), manifestName);
  const version = checkVersion(parsed);
  const names = ['format', 'formatVersion', 'libraryVersion', 'kind', 'options', 'state'];
  const record = asRecord(migrated(parsed, version), manifestName, [
    ...names,
    ...['networks', 'graph', 'tables', 'files', 'sha256'],
  ]);
  await checkOwnHash(bytes, asString(record.sha256, at('sha256')));
  const found = asString(record.kind, at('kind'));
  if (kind !== undefined && kind !== found) {
    const advice = `load it with ${found}.load, or with load, which takes any`;
    throw invalid(at('kind'), `a ${kind}`, `a ${found}`, advice);
  }
  const files = listFiles(record.files);
  const unclaimed = new Map(files);
  const claim = (name: string, where: string): number => {
    const file = unclaimed.get(name);
    if (file === undefined) throw invalid(where, 'a file that is listed and used once', show(name));
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
    throw invalid(at('files'), 'only files in use', [...unclaimed.keys()].join(', '));
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

/** The version of the format. Checked before all other fields, which may differ in other versions. */
function checkVersion(manifest: JsonObject): number {
  if (manifest.format !== formatName) {
    throw invalid(at('format'), `"${formatName}"`, show(manifest.format), 'this is not a saved model');
  }
  const version = asCount(manifest.formatVersion, at('formatVersion'));
  if (isReadable(version)) return version;
  const expected = `${formatVersion}, which parametric-umap ${libraryVersion} reads`;
  const got = `${version}, saved by parametric-umap ${show(manifest.libraryVersion)}`;
  const advice = version > formatVersion ? 'update parametric-umap' : 'no release wrote such an old format';
  throw invalid(at('formatVersion'), expected, got, advice);
}

async function checkOwnHash(bytes: Uint8Array, stated: string): Promise<void> {
  const text = fromUtf8(bytes);
  const ending = stated + tail;
  const body = text.slice(0, -ending.length);
  const computed = await sha256(toUtf8(body + noHash + tail));
  if (!text.endsWith(ending) || stated !== computed) {
    throw invalid(at('sha256'), computed, show(stated), 'the manifest was damaged or edited; copy it again');
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
      throw invalid(`${where}.name`, 'the name of a file of a model', show(name));
    }
    // Names that differ only by case are one file on some file systems.
    if (seen.has(name.toLowerCase())) {
      throw invalid(`${where}.name`, 'distinct names', `${show(name)} twice`);
    }
    seen.add(name.toLowerCase());
    const hash = asString(entry.sha256, `${where}.sha256`);
    if (!/^[0-9a-f]{64}$/.test(hash)) throw invalid(`${where}.sha256`, '64 hexadecimal digits', show(hash));
    files.set(name, { name, bytes: asCount(entry.bytes, `${where}.bytes`), sha256: hash });
  }
  return files;
}

function listTables(manifest: JsonObject, claim: (name: string, where: string) => number): TableEntry[] {
  const read = (value: JsonObject, name: string, where: string): TableEntry => {
    const file = asString(value.file, `${where}.file`);
    if (file !== `${name}.bin`) throw invalid(`${where}.file`, `"${name}.bin"`, show(file));
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
      'saved model: expected SHA-256 (crypto.subtle), got none; browsers have it on https pages only, so serve the page by https',
    );
  }
  const digest = await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function at(field: string): string {
  return `${manifestName}: ${field}`;
}
