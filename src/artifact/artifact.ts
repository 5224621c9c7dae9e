/**
 * A saved model as bytes: the manifest `parametric-umap.json`, an ordinary TensorFlow.js `model.json` with its
 * `weights.bin` in a folder for each network, and binary tables (`graph.bin`, ...) whose arrays the manifest
 * describes. Numbers are little-endian. Equal artifacts give equal bytes. No file system here.
 */

import { ArtifactError } from '../core/errors.js';
import { isA } from '../core/realms.js';
import type { io } from '../core/tf.js';
import { packTable, planTable, type Table, unpackTable } from './arrays.js';
import { encodeJson, type JsonObject, messageOf, show } from './json.js';
import {
  type FileEntry,
  isArtifactFile,
  manifestName,
  readManifest,
  sha256,
  writeManifest,
} from './manifest.js';
import { packNetwork, parseNetwork, weightBytes } from './modelFiles.js';

/** Options, curves and histories fit into this; a longer file is no manifest. */
const manifestLimit = 64 * 2 ** 20;

/** What an estimator saves. */
export interface Artifact {
  /** Class of the estimator, such as `ParametricUMAP`. */
  readonly kind: string;
  /** Resolved options. Plain data; NaN and ±Infinity survive, functions are refused. */
  readonly options: object;
  /** Whatever else is JSON: curve, history, input shape, counts. */
  readonly state: object;
  /** The neighbor graph, usually from `graphTable`. */
  readonly graph?: Table;
  /** By name, such as `encoder`; from `networkArtifacts`. */
  readonly networks: Readonly<Record<string, io.ModelArtifacts>>;
  /** Further arrays, by the name of their file without `.bin`, such as `optimizer`. */
  readonly tables: Readonly<Record<string, Table>>;
}

/** What comes back: plain checked data. */
export interface LoadedArtifact extends Artifact {
  readonly options: JsonObject;
  readonly state: JsonObject;
  /** Version of the library that saved the model. */
  readonly libraryVersion: string;
}

/** Gives the bytes of one file, named as in `toFiles`, as `Uint8Array` or `ArrayBuffer`; should refuse, unread, a file of more than `maxBytes`. */
export type ReadFile = (name: string, maxBytes: number) => Promise<Uint8Array | ArrayBuffer>;

/**
 * The bytes of each file, by relative path with forward slashes. What could not be loaded again (a function among
 * the options, an array that does not fit its shape, a weight of strings) is an `ArtifactError`.
 */
export async function toFiles(artifact: Artifact): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const add = (name: string, bytes: Uint8Array) => {
    if (!isArtifactFile(name)) {
      throw new ArtifactError(`save: ${show(name)} is not the name of a file of a model`);
    }
    files.set(name, bytes);
  };
  const describe = (name: string, table: Table): JsonObject => {
    const { bytes, arrays } = packTable(table, name);
    add(`${name}.bin`, bytes);
    return { state: encodeJson(table.state, `${name}.state`), file: `${name}.bin`, arrays };
  };
  if (Object.hasOwn(artifact.tables, 'graph')) {
    throw new ArtifactError('save: put the table graph into graph');
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
  // The reader's checks hold for the writer: what would be refused there is not written here.
  const { tables: entries } = await readManifest(manifest);
  for (const { arrays, where, bytes } of entries) planTable(arrays, where, bytes);
  if (manifest.length > manifestLimit) {
    const size = `${manifest.length} bytes, at most ${manifestLimit} can be read`;
    throw new ArtifactError(`save: options and state fill ${size}; put long lists of numbers into tables`);
  }
  return files.set(manifestName, manifest);
}

/**
 * The artifact in a set of files. Every field and size is checked before it is believed, and every file against
 * its SHA-256; the first thing that is wrong is an `ArtifactError` with the file, the field and both values. With
 * `kind`, the model of another estimator is refused.
 */
export async function fromFiles(
  read: ReadFile,
  wanted: { kind?: string | undefined } = {},
): Promise<LoadedArtifact> {
  const manifest = await readManifest(await readUpTo(read, manifestName, manifestLimit), wanted.kind);
  const plans = manifest.tables.map((table) => planTable(table.arrays, table.where, table.bytes));
  const get = (name: string) => readListed(read, manifest.files.get(name)!);
  const networks: Record<string, io.ModelArtifacts> = {};
  for (const name of manifest.networks) {
    const described = parseNetwork(await get(`${name}/model.json`), `${name}/model.json`);
    const size = manifest.files.get(`${name}/weights.bin`)!.bytes;
    const wantedBytes = weightBytes(described.weightSpecs ?? [], `${name}/model.json: weights`);
    if (wantedBytes !== size) {
      throw new ArtifactError(
        `${name}/weights.bin: ${size} bytes, but the weights in model.json fill ${wantedBytes}`,
      );
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
    throw new ArtifactError(
      `${name}: has ${data.length} bytes, the manifest says ${bytes}; it was cut short`,
    );
  }
  const found = await sha256(data);
  if (found !== stated) {
    throw new ArtifactError(`${name}: damaged: its SHA-256 is ${found}, the manifest says ${stated}`);
  }
  return data;
}

async function readUpTo(read: ReadFile, name: string, maxBytes: number): Promise<Uint8Array> {
  let found: Uint8Array | ArrayBuffer;
  try {
    found = await read(name, maxBytes);
  } catch (cause) {
    if (cause instanceof ArtifactError) throw cause;
    throw new ArtifactError(`${name}: cannot be read (${messageOf(cause)})`, { cause });
  }
  const bytes = bytesOf(found);
  if (bytes === undefined) throw new ArtifactError(`${name}: cannot be read (${show(found)})`);
  if (bytes.length > maxBytes) {
    throw new ArtifactError(`${name}: has ${bytes.length} bytes, at most ${maxBytes} were expected`);
  }
  return bytes;
}

/**
 * Bytes in any form that readers give, as an array of this realm's plain class: a Buffer of Node's would share memory where
 * it is sliced. Undefined for anything else.
 */
function bytesOf(found: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(found)) return new Uint8Array(found.buffer, found.byteOffset, found.byteLength);
  if (!isA('ArrayBuffer', found) && !isA('SharedArrayBuffer', found)) return undefined;
  return new Uint8Array(found as ArrayBuffer);
}

/** The bytes as a buffer of their own. */
function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer;
}
