/**
 * A saved model as bytes: the manifest `parametric-umap.json`, an ordinary TensorFlow.js `model.json` with its
 * `weights.bin` in a folder for each network, and binary tables (`graph.bin`, ...) whose arrays the manifest
 * describes. Numbers are little-endian. Equal artifacts give equal bytes. No file system here.
 */

import { ArtifactError } from '../core/errors.js';
import { isA } from '../core/realms.js';
import type { io } from '../core/tf.js';
import { packTable, planTable, type Table, unpackTable } from './arrays.js';
import { encodeJson, invalid, type JsonObject, messageOf, show } from './json.js';
import {
  type FileEntry,
  isArtifactFile,
  manifestName,
  readManifest,
  sha256,
  writeManifest,
} from './manifest.js';
import { packNetwork, parseNetwork, weightBytes } from './modelFiles.js';

/** Largest manifest, in bytes: ample for options, curves and histories. */
const manifestLimit = 64 * 2 ** 20;

/** What an estimator saves. */
export interface Artifact {
  /** Class of the estimator, such as `ParametricUMAP`. */
  readonly kind: string;
  /** Resolved options. Plain data; NaN and ±Infinity survive, functions are refused. */
  readonly options: object;
  /** Other state in JSON: curve, history, input shape, counts. */
  readonly state: object;
  /** The neighbor graph, usually from `graphTable`. */
  readonly graph?: Table;
  /** By name, such as `encoder`; from `networkArtifacts`. */
  readonly networks: Readonly<Record<string, io.ModelArtifacts>>;
  /** Further arrays, by the name of their file without `.bin`, such as `optimizer`. */
  readonly tables: Readonly<Record<string, Table>>;
}

/** A loaded artifact: validated plain data. */
export interface LoadedArtifact extends Artifact {
  readonly options: JsonObject;
  readonly state: JsonObject;
  /** Version of the library that saved the model. */
  readonly libraryVersion: string;
}

/**
 * Reads one file, named as in `toFiles`, as `Uint8Array` or `ArrayBuffer`. It should reject a file of more than `maxBytes`
 * without reading it.
 */
export type ReadFile = (name: string, maxBytes: number) => Promise<Uint8Array | ArrayBuffer>;

/**
 * The bytes of each file, by relative path with forward slashes. Throws `ArtifactError` for what could not be loaded again
 * (a function among the options, an array that does not fit its shape, a weight of strings).
 */
export async function toFiles(artifact: Artifact): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const add = (name: string, bytes: Uint8Array) => {
    if (!isArtifactFile(name)) {
      throw invalid(name, 'letters and digits as the name of a network or table', show(name), 'rename it');
    }
    files.set(name, bytes);
  };
  const describe = (name: string, table: Table): JsonObject => {
    const { bytes, arrays } = packTable(table, name);
    add(`${name}.bin`, bytes);
    return { state: encodeJson(table.state, `${name}.state`), file: `${name}.bin`, arrays };
  };
  if (Object.hasOwn(artifact.tables, 'graph')) {
    throw invalid('tables', 'other names than graph', 'graph', 'pass it as graph');
  }
  for (const [name, network] of Object.entries(artifact.networks)) {
    const { model, weights } = packNetwork(network, name);
    parseNetwork(model, `${name}/model.json`);
    add(`${name}/model.json`, model);
    add(`${name}/weights.bin`, weights);
  }
  const graph = artifact.graph === undefined ? null : describe('graph', artifact.graph);
  const tables = Object.entries(artifact.tables).map(([name, table]) => ({ name, ...describe(name, table) }));
  const list: JsonObject[] = [];
  for (const [name, bytes] of files) list.push({ name, bytes: bytes.length, sha256: await sha256(bytes) });
  const manifest = await writeManifest({
    kind: artifact.kind,
    options: encodeJson(artifact.options, 'options'),
    state: encodeJson(artifact.state, 'state'),
    networks: Object.keys(artifact.networks),
    graph,
    tables,
    files: list,
  });
  // Apply the checks of the reader: what it would reject is not written.
  const { tables: entries } = await readManifest(manifest);
  for (const { arrays, where, bytes } of entries) planTable(arrays, where, bytes);
  if (manifest.length > manifestLimit) {
    const limit = `options and state of at most ${manifestLimit} bytes`;
    throw invalid(manifestName, limit, `${manifest.length}`, 'put long lists of numbers into tables');
  }
  return files.set(manifestName, manifest);
}

/**
 * Reads an artifact from files. Every field and size is checked before it is used, and every file against its SHA-256.
 * Throws `ArtifactError` with the file, the field and both values for the first mismatch; with `kind`, also for a model of
 * another estimator.
 */
export async function fromFiles(
  read: ReadFile,
  expected: { kind?: string | undefined } = {},
): Promise<LoadedArtifact> {
  const manifest = await readManifest(await readUpTo(read, manifestName, manifestLimit), expected.kind);
  const plans = manifest.tables.map((table) => planTable(table.arrays, table.where, table.bytes));
  const get = (name: string) => readListed(read, manifest.files.get(name)!);
  const networks: Record<string, io.ModelArtifacts> = {};
  for (const name of manifest.networks) {
    const described = parseNetwork(await get(`${name}/model.json`), `${name}/model.json`);
    const size = manifest.files.get(`${name}/weights.bin`)!.bytes;
    const bytes = weightBytes(described.weightSpecs ?? [], `${name}/model.json: weights`);
    if (bytes !== size) {
      throw invalid(`${name}/weights.bin`, `${bytes} bytes for the weights in model.json`, `${size}`);
    }
    networks[name] = { ...described, weightData: bufferOf(await get(`${name}/weights.bin`)) };
  }
  const tables: Record<string, Table> = {};
  let graph: Table | undefined;
  for (const [i, { name, state }] of manifest.tables.entries()) {
    const table = { state, arrays: unpackTable(plans[i]!, await get(`${name}.bin`)) };
    if (name === 'graph') graph = table;
    else tables[name] = table;
  }
  const { kind, libraryVersion, options, state } = manifest;
  return { kind, libraryVersion, options, state, ...(graph && { graph }), networks, tables };
}

async function readListed(read: ReadFile, { name, bytes, sha256: stated }: FileEntry): Promise<Uint8Array> {
  const data = await readUpTo(read, name, bytes);
  if (data.length !== bytes) {
    throw invalid(name, `${bytes} bytes, as in the manifest`, `${data.length}`, 'copy the file again');
  }
  const found = await sha256(data);
  if (found !== stated) {
    throw invalid(
      name,
      `SHA-256 ${stated}, as in the manifest`,
      found,
      'the file was damaged; copy it again',
    );
  }
  return data;
}

async function readUpTo(read: ReadFile, name: string, maxBytes: number): Promise<Uint8Array> {
  let found: Uint8Array | ArrayBuffer;
  try {
    found = await read(name, maxBytes);
  } catch (cause) {
    if (cause instanceof ArtifactError) throw cause;
    throw invalid(name, 'a readable file', messageOf(cause), 'check the reader', cause);
  }
  const bytes = bytesOf(found);
  if (bytes === undefined) {
    throw invalid(name, 'a Uint8Array or an ArrayBuffer', show(found), 'correct the reader');
  }
  if (bytes.length > maxBytes) throw invalid(name, `at most ${maxBytes} bytes`, `${bytes.length}`);
  return bytes;
}

/**
 * Bytes of a reader as a plain `Uint8Array` of this realm (slices of Node's Buffer would share memory). Undefined for
 * anything but bytes.
 */
function bytesOf(found: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(found)) return new Uint8Array(found.buffer, found.byteOffset, found.byteLength);
  if (!isA('ArrayBuffer', found) && !isA('SharedArrayBuffer', found)) return undefined;
  return new Uint8Array(found as ArrayBuffer);
}

/** A copy of the bytes in its own buffer. */
function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer;
}
