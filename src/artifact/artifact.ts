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
  /** Resolved options. Plain data; NaN and ±Infinity survive, functions are an `ArtifactError`. */
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

/** Gives the bytes of one file, named as in `toFiles`, as `Uint8Array` or `ArrayBuffer`; should throw, before reading, for a file of more than `maxBytes`. */
export type ReadFile = (name: string, maxBytes: number) => Promise<Uint8Array | ArrayBuffer>;

/**
 * The bytes of each file, by relative path with forward slashes. Throws `ArtifactError` for what could not be
 * loaded again: a function among the options, an array that does not fit its shape, a weight of strings.
 */
export async function toFiles(artifact: Artifact): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const add = (name: string, bytes: Uint8Array) => {
    if (!isArtifactFile(name)) {
      throw new ArtifactError(
        `save: expected names of letters and digits for networks and tables, got the file ${show(name)}; rename it`,
      );
    }
    files.set(name, bytes);
  };
  const describe = (name: string, table: Table): JsonObject => {
    const { bytes, arrays } = packTable(table, name);
    add(`${name}.bin`, bytes);
    return { state: encodeJson(table.state, `${name}.state`), file: `${name}.bin`, arrays };
  };
  if (Object.hasOwn(artifact.tables, 'graph')) {
    throw new ArtifactError(
      'save: tables: expected names other than graph, got graph; pass that table as graph',
    );
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
  // The reader's checks hold for the writer: what cannot be loaded is not written.
  const { tables: entries } = await readManifest(manifest);
  for (const { arrays, where, bytes } of entries) planTable(arrays, where, bytes);
  if (manifest.length > manifestLimit) {
    throw new ArtifactError(
      `save: options and state: expected at most ${manifestLimit} bytes, got ${manifest.length}; ` +
        'put long lists of numbers into tables',
    );
  }
  return files.set(manifestName, manifest);
}

/**
 * The artifact in a set of files. Every field and size is checked before it is used, and every file against its
 * SHA-256. Throws `ArtifactError` for the first fault, with the file, the field, the expected and the actual value. With
 * `kind`, the model of another estimator is an `ArtifactError` too.
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
    const filled = weightBytes(described.weightSpecs ?? [], `${name}/model.json: weights`);
    if (filled !== size) {
      throw new ArtifactError(
        `${name}/weights.bin: expected ${filled} bytes, which the weights in model.json fill, got ${size}`,
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
      `${name}: expected ${bytes} bytes, as the manifest lists, got ${data.length}; the file was cut short, copy or save the model again`,
    );
  }
  const found = await sha256(data);
  if (found !== stated) {
    throw new ArtifactError(
      `${name}: expected SHA-256 ${stated}, as the manifest lists, got ${found}; the file is damaged, copy or save the model again`,
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
    throw new ArtifactError(`${name}: cannot be read (${messageOf(cause)})`, { cause });
  }
  const bytes = bytesOf(found);
  if (bytes === undefined)
    throw new ArtifactError(`${name}: expected bytes, got ${show(found)}; read the file as a Uint8Array`);
  if (bytes.length > maxBytes) {
    throw new ArtifactError(
      `${name}: expected at most ${maxBytes} bytes, got ${bytes.length}; the file does not belong to this model`,
    );
  }
  return bytes;
}

/**
 * Bytes in any form that readers give, as an array of this realm's plain class: a Buffer of Node.js would share memory where
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
