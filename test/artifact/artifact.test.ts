import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { edgesOf, graphTable, takeArray } from '../../src/artifact/arrays.js';
import { type Artifact, fromFiles, toFiles } from '../../src/artifact/artifact.js';
import { networkArtifacts, networkFrom } from '../../src/artifact/layersModel.js';
import { formatVersion, isArtifactFile, libraryVersion, manifestName } from '../../src/artifact/manifest.js';
import { ArtifactError } from '../../src/core/errors.js';
import { read } from '../helpers/files.js';

type Files = Map<string, Uint8Array>;
/** A manifest as it stands in the file, to be spoiled. */
interface Loose {
  [key: string]: unknown;
  options: Record<string, unknown>;
  state: unknown;
  networks: unknown[];
  graph: Record<string, unknown>;
  tables: Record<string, unknown>[];
  files: Record<string, unknown>[];
}

let artifact: Artifact;
let files: Files;

before(async () => {
  await tf.setBackend('cpu');
  const encoder = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
  const edges = {
    head: new Int32Array([0, 1]),
    tail: new Int32Array([1, 0]),
    weight: new Float32Array([0.25, 0.25]),
    vertices: 2,
  };
  artifact = {
    kind: 'ParametricUMAP',
    options: { nNeighbors: 15, disconnectionDistance: Number.POSITIVE_INFINITY, decoder: undefined },
    state: { curve: { a: 1.5769434, b: 0.8950608 }, history: [{ epoch: 0, loss: Number.NaN }] },
    graph: graphTable(edges),
    networks: { encoder: await networkArtifacts(encoder, 'encoder') },
    tables: {
      optimizer: {
        state: { step: 7 },
        arrays: { m: { data: new Float32Array(6).fill(0.1), shape: [3, 2] } },
      },
    },
  };
  files = await toFiles(artifact);
});

const reader = (from: Files) => async (name: string) => {
  const bytes = from.get(name);
  if (bytes === undefined) throw new Error(`ENOENT: ${name}`);
  return bytes;
};
const hashOf = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (content: string) => new TextEncoder().encode(content);

/** The files with a changed manifest that is signed again, as a forger would. */
function forge(from: Files, change: (manifest: Loose) => void): Files {
  const manifest = JSON.parse(text(from.get(manifestName)!)) as Loose;
  change(manifest);
  const zeros = '0'.repeat(64);
  const unsigned = `${JSON.stringify({ ...manifest, sha256: zeros }, null, 1)}\n`;
  return new Map(from).set(
    manifestName,
    bytesOf(unsigned.replace(`"${zeros}"\n}\n`, `"${hashOf(unsigned)}"\n}\n`)),
  );
}

/** The files with other bytes under a name, and a manifest to match. */
function replace(from: Files, name: string, bytes: Uint8Array): Files {
  const forged = forge(from, (manifest) => {
    const entry = manifest.files.find((file) => file.name === name)!;
    Object.assign(entry, { bytes: bytes.length, sha256: hashOf(bytes) });
  });
  return forged.set(name, bytes);
}

function spoilModel(change: (model: Record<string, unknown>) => void): Files {
  const model = JSON.parse(text(files.get('encoder/model.json')!)) as Record<string, unknown>;
  change(model);
  return replace(files, 'encoder/model.json', bytesOf(JSON.stringify(model)));
}

test('a reader may give an ArrayBuffer, or bytes within a larger one', async () => {
  const wanted = await fromFiles(reader(files));
  const forms: ((bytes: Uint8Array) => Uint8Array | ArrayBuffer)[] = [
    (bytes) => bytes.slice().buffer as ArrayBuffer,
    (bytes) => Buffer.concat([Buffer.alloc(3), bytes]).subarray(3),
  ];
  for (const form of forms) {
    assert.deepEqual(await fromFiles(async (name) => form(files.get(name)!)), wanted);
  }
  await assert.rejects(
    fromFiles(async () => 'text' as unknown as Uint8Array),
    (error: unknown) => error instanceof ArtifactError && /cannot be read/.test(error.message),
  );
});

test('an artifact comes back whole', async () => {
  const loaded = await fromFiles(reader(files), { kind: 'ParametricUMAP' });
  assert.equal(loaded.kind, artifact.kind);
  assert.equal(loaded.libraryVersion, libraryVersion);
  assert.deepEqual(loaded.options, { nNeighbors: 15, disconnectionDistance: Number.POSITIVE_INFINITY });
  assert.deepEqual(loaded.state, artifact.state);
  assert.deepEqual(edgesOf(loaded.graph!), edgesOf(artifact.graph!));
  assert.deepEqual(loaded.graph!.state, { vertices: 2, edges: 2 });
  assert.deepEqual(loaded.tables, artifact.tables);
  assert.deepEqual(takeArray(loaded.tables.optimizer!, 'm', 'float32', [3, 2])[5], Math.fround(0.1));
  const { weightData, ...described } = loaded.networks.encoder!;
  const { weightData: original, ...wanted } = artifact.networks.encoder!;
  assert.deepEqual(described, wanted);
  assert.deepEqual(Buffer.from(weightData as ArrayBuffer), Buffer.from(original as ArrayBuffer));
  await networkFrom(loaded.networks.encoder!, 'encoder');
});

test('saving what was loaded gives the same bytes', async () => {
  assert.deepEqual(await toFiles(await fromFiles(reader(files))), files);
});

test('an artifact may have no graph, no networks, no tables and no arrays', async () => {
  const bare: Artifact = {
    kind: 'K',
    options: {},
    state: {},
    networks: {},
    tables: { none: { state: {}, arrays: {} } },
  };
  const loaded = await fromFiles(reader(await toFiles(bare)));
  assert.deepEqual(loaded, { ...bare, libraryVersion });
  assert.equal('graph' in loaded, false);
});

test('the manifest says in JSON what the model is, with the graph and its arrays', () => {
  const manifest = JSON.parse(text(files.get(manifestName)!)) as Loose;
  assert.equal(manifest.format, 'parametric-umap');
  assert.equal(manifest.formatVersion, 1);
  assert.deepEqual(manifest.graph, {
    state: { vertices: 2, edges: 2 },
    file: 'graph.bin',
    arrays: [
      { name: 'head', dtype: 'int32', shape: [2], offset: 0 },
      { name: 'tail', dtype: 'int32', shape: [2], offset: 8 },
      { name: 'weight', dtype: 'float32', shape: [2], offset: 16 },
    ],
  });
  assert.deepEqual(
    new Map(manifest.files.map(({ name, bytes, sha256 }) => [name, { bytes, sha256 }])),
    new Map(
      [...files]
        .filter(([name]) => name !== manifestName)
        .map(([name, bytes]) => [name, { bytes: bytes.length, sha256: hashOf(bytes) }]),
    ),
  );
});

test('the library version is that of the package', () => {
  const manifest = read('package.json');
  assert.equal(libraryVersion, JSON.parse(manifest).version);
});

test('what could not be loaded again is not saved', async () => {
  const empty = { data: new Float32Array(1), shape: [1] };
  const cases: [Partial<Artifact>, RegExp][] = [
    [{ options: { metric: () => 0 } }, /options\.metric: a function cannot be saved/],
    [{ state: { x: new Float32Array(1) } }, /state\.x: a Float32Array cannot be saved/],
    [
      { tables: { '../evil': { state: {}, arrays: {} } } },
      /save: "\.\.\/evil\.bin" is not the name of a file/,
    ],
    [{ tables: { Big: { state: {}, arrays: {} } } }, /"Big\.bin" is not the name/],
    [{ tables: { graph: { state: {}, arrays: {} } } }, /put the table graph into graph/],
    [
      { tables: { t: { state: {}, arrays: { a: { ...empty, shape: [2] } } } } },
      /t\.a: shape \[2\] holds 2 numbers/,
    ],
    [
      { tables: { aB: { state: {}, arrays: {} }, ab: { state: {}, arrays: {} } } },
      /files\[\d\]\.name: "ab\.bin" is there twice/,
    ],
    [{ networks: { 'a/b': artifact.networks.encoder! } }, /save: "a\/b\/model\.json" is not the name/],
    [
      { networks: { e: { ...artifact.networks.encoder!, weightData: new ArrayBuffer(4) } } },
      /weights fill 32 bytes, weightData has 4/,
    ],
    [
      { networks: { e: { ...artifact.networks.encoder!, modelTopology: { a: Number.NaN } } } },
      /modelTopology\.a: NaN cannot/,
    ],
    [{ state: { x: 'x'.repeat(2 ** 26) } }, /options and state fill \d+ bytes, at most 67108864 can be read/],
    [{ kind: '' }, /kind: must be a text, not ""/],
    [
      { networks: { e: { ...artifact.networks.encoder!, format: 'graph-model' } } },
      /e\/model\.json: format: "graph-model" is stated/,
    ],
  ];
  for (const [change, message] of cases) {
    await assert.rejects(toFiles({ ...artifact, ...change }), { name: 'ArtifactError', message });
  }
});

test('any one flipped bit and any cut in any file is noticed', async () => {
  for (const [name, bytes] of files) {
    for (let i = 0; i < bytes.length; i++) {
      const flipped = bytes.slice();
      flipped[i]! ^= 1 << (i % 8);
      await assert.rejects(
        fromFiles(reader(new Map(files).set(name, flipped))),
        ArtifactError,
        `${name} ${i}`,
      );
      if (i % 16 !== 0) continue;
      const cut = bytes.slice(0, i);
      await assert.rejects(
        fromFiles(reader(new Map(files).set(name, cut))),
        ArtifactError,
        `${name} cut ${i}`,
      );
    }
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    await assert.rejects(fromFiles(reader(new Map(files).set(name, longer))), ArtifactError, name);
  }
});

test('damage to a file is told with the file and both values', async () => {
  const spoil = async (name: string, change: (bytes: Uint8Array) => Uint8Array) =>
    fromFiles(reader(new Map(files).set(name, change(files.get(name)!.slice()))));
  await assert.rejects(
    spoil('graph.bin', (b) => b.slice(0, 23)),
    /graph\.bin: has 23 bytes, the manifest says 24/,
  );
  await assert.rejects(
    spoil('graph.bin', (b) => new Uint8Array([...b, 0])),
    /graph\.bin: has 25 bytes, at most 24/,
  );
  await assert.rejects(
    spoil('encoder/weights.bin', (b) => b.fill(1)),
    /encoder\/weights\.bin: damaged: its SHA-256 is [0-9a-f]{64}, the manifest says [0-9a-f]{64}/,
  );
  for (const name of files.keys()) {
    const missing = new Map(files);
    missing.delete(name);
    await assert.rejects(fromFiles(reader(missing)), {
      name: 'ArtifactError',
      message: new RegExp(`${name}: cannot be read .*ENOENT`),
    });
  }
  const edited = bytesOf(text(files.get(manifestName)!).replace('"nNeighbors": 15', '"nNeighbors": 16'));
  await assert.rejects(
    fromFiles(reader(new Map(files).set(manifestName, edited))),
    /parametric-umap\.json: sha256: "[0-9a-f]{56,64}.* is stated, [0-9a-f]{64} is right; the manifest was damaged or edited/,
  );
});

test('another version is told apart before its fields are looked at', async () => {
  const version = (formatVersion: unknown) =>
    fromFiles(
      reader(
        new Map(files).set(
          manifestName,
          bytesOf(
            JSON.stringify({ format: 'parametric-umap', formatVersion, libraryVersion: '9.1.0', novelty: 1 }),
          ),
        ),
      ),
    );
  await assert.rejects(version(formatVersion + 1), {
    name: 'ArtifactError',
    message:
      /formatVersion: newer than this library: saved in format 2 by parametric-umap "9\.1\.0", this is .* reads format 1; update/,
  });
  await assert.rejects(
    version(0),
    /older than this library: saved in format 0 .* no release wrote so old a format/,
  );
  for (const odd of [-1, 1.5, '1', null])
    await assert.rejects(version(odd), /formatVersion: must be a whole number/);
});

test('the model of another estimator is refused by name', async () => {
  await assert.rejects(fromFiles(reader(files), { kind: 'CompressionVAE' }), {
    name: 'ArtifactError',
    message:
      /kind: the model is a ParametricUMAP, wanted is a CompressionVAE; load it with ParametricUMAP\.load/,
  });
});

test('files that are not ours are refused', async () => {
  const cases: [string, RegExp][] = [
    ['', /not JSON/],
    ['%PDF-1.4', /not JSON/],
    ['[]', /must be an object/],
    ['"parametric-umap"', /must be an object/],
    ['{}', /format: undefined is stated, wanted is "parametric-umap"/],
    ['{"format": "layers-model", "modelTopology": {}}', /format: "layers-model" is stated/],
    ['{"format": "parametric-umap"}', /formatVersion: must be a whole number of 0 or more, not undefined/],
    ['{"format": "parametric-umap", "formatVersion": 1}', /the field libraryVersion is missing/],
  ];
  for (const [content, message] of cases) {
    const read = reader(new Map([[manifestName, bytesOf(content)]]));
    await assert.rejects(fromFiles(read), { name: 'ArtifactError', message }, content);
  }
});

test('a manifest that was forged with care is refused field by field', async (t) => {
  const cases: [string, (manifest: Loose) => void, RegExp][] = [
    ['a further field', (m) => Object.assign(m, { extra: 1 }), /unknown field "extra"/],
    ['no options', (m) => Reflect.deleteProperty(m, 'options'), /the field options is missing/],
    [
      'options of another type',
      (m) => Object.assign(m, { options: [] }),
      /options: must be an object, not \[\]/,
    ],
    ['state of another type', (m) => Object.assign(m, { state: 'x' }), /state: must be an object, not "x"/],
    ['a kind of another type', (m) => Object.assign(m, { kind: 1 }), /kind: must be a text, not 1/],
    [
      'a version of another type',
      (m) => Object.assign(m, { libraryVersion: {} }),
      /libraryVersion: must be a text/,
    ],
    [
      'a prototype',
      (m) => Object.defineProperty(m.options, '__proto__', { value: { polluted: 1 }, enumerable: true }),
      /options: the key __proto__ is not allowed/,
    ],
    [
      'a constructor',
      (m) => Object.assign(m.options, { constructor: {} }),
      /the key constructor is not allowed/,
    ],
    [
      'a path upwards',
      (m) => Object.assign(m.files[0]!, { name: '../../etc/passwd' }),
      /files\[0\]\.name: "\.\.\/\.\.\/etc\/passwd" is not/,
    ],
    [
      'an absolute path',
      (m) => Object.assign(m.files[0]!, { name: '/etc/passwd' }),
      /"\/etc\/passwd" is not the name/,
    ],
    ['a drive', (m) => Object.assign(m.files[0]!, { name: 'C:\\x.bin' }), /is not the name of a file/],
    ['a backslash', (m) => Object.assign(m.files[0]!, { name: 'encoder\\model.json' }), /is not the name/],
    ['a zero byte', (m) => Object.assign(m.files[0]!, { name: 'a\u0000.bin' }), /is not the name/],
    [
      'the manifest as its own file',
      (m) => Object.assign(m.files[0]!, { name: manifestName }),
      /is not the name/,
    ],
    [
      'a network by a path',
      (m) => Object.assign(m, { networks: ['../encoder'] }),
      /networks\[0\]: "\.\.\/encoder\/model\.json" is not in files/,
    ],
    [
      'a network twice',
      (m) => m.networks.push('encoder'),
      /networks\[1\]: "encoder\/model\.json" is not in files, or is used twice/,
    ],
    [
      'a file twice',
      (m) => m.files.push(m.files[0]!),
      /files\[4\]\.name: "encoder\/model\.json" is there twice/,
    ],
    [
      'a file twice but for case',
      (m) => m.files.push({ ...m.files[0]!, name: 'Encoder/model.json' }),
      /is not the name/,
    ],
    [
      'two files that differ by case',
      (m) => m.files.push({ ...m.files[0]!, name: 'encodeR/model.json' }),
      /"encodeR\/model\.json" is there twice/,
    ],
    [
      'a file that nothing uses',
      (m) => m.files.push({ ...m.files[0]!, name: 'stray.bin' }),
      /nothing uses stray\.bin/,
    ],
    [
      'a file that is not listed',
      (m) => m.files.pop(),
      /tables\[0\]\.file: "optimizer\.bin" is not in files/,
    ],
    [
      'a negative size',
      (m) => Object.assign(m.files[0]!, { bytes: -1 }),
      /files\[0\]\.bytes: must be .* not -1/,
    ],
    [
      'a size that is no number',
      (m) => Object.assign(m.files[0]!, { bytes: { $number: 'NaN' } }),
      /files\[0\]\.bytes: must be .* not NaN/,
    ],
    ['a size as text', (m) => Object.assign(m.files[0]!, { bytes: '12' }), /must be .* not "12"/],
    [
      'terabytes of graph',
      (m) => Object.assign(m.files[2]!, { bytes: 2 ** 42 }),
      /graph\.arrays: the arrays fill 24 bytes, the file has 4398046511104/,
    ],
    [
      'terabytes of weights',
      (m) => Object.assign(m.files[1]!, { bytes: 2 ** 42 }),
      /weights\.bin: 4398046511104 bytes, but the weights in model\.json fill 32/,
    ],
    ['no hash', (m) => Object.assign(m.files[0]!, { sha256: '' }), /files\[0\]\.sha256: must be a text/],
    [
      'another hash',
      (m) => Object.assign(m.files[0]!, { sha256: 'f'.repeat(64) }),
      /encoder\/model\.json: damaged: its SHA-256/,
    ],
    [
      'a hash that is none',
      (m) => Object.assign(m.files[0]!, { sha256: 'F'.repeat(64) }),
      /must be 64 hexadecimal digits/,
    ],
    ['a graph of another type', (m) => Object.assign(m, { graph: [] }), /graph: must be an object, not \[\]/],
    [
      'a graph elsewhere',
      (m) => Object.assign(m.graph, { file: 'optimizer.bin' }),
      /graph\.file: "optimizer\.bin" is stated, wanted is "graph\.bin"/,
    ],
    [
      'a graph of wild shape',
      (m) => Object.assign((m.graph.arrays as object[])[0]!, { shape: [2 ** 31, 2 ** 31] }),
      /not one that memory could hold/,
    ],
    [
      'overlapping arrays',
      (m) => Object.assign((m.graph.arrays as object[])[1]!, { offset: 0 }),
      /arrays\[1\]\.offset: 0 is stated, but the array starts at 8/,
    ],
    [
      'an array beyond the file',
      (m) => Object.assign((m.graph.arrays as object[])[2]!, { offset: 1000 }),
      /offset: 1000 is stated/,
    ],
    [
      'a table that is not a list',
      (m) => Object.assign(m, { tables: {} }),
      /tables: must be a list, not \{\}/,
    ],
    [
      'a second graph',
      (m) => m.tables.push({ ...m.graph, name: 'graph' }),
      /tables\[1\]\.file: "graph\.bin" is not in files, or is used twice/,
    ],
    [
      'a table twice',
      (m) => m.tables.push(m.tables[0]!),
      /tables\[1\]\.file: "optimizer\.bin" .* used twice/,
    ],
  ];
  for (const [title, change, message] of cases) {
    await t.test(title, async () => {
      const read: string[] = [];
      const hostile = reader(forge(files, change));
      const spying = (name: string) => {
        read.push(name);
        return hostile(name);
      };
      await assert.rejects(fromFiles(spying), { name: 'ArtifactError', message });
      assert.ok(read.every(isArtifactFile), read.join());
    });
  }
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test('a forged model.json is refused field by field', async (t) => {
  type Group = { paths: unknown; weights: Record<string, unknown>[] };
  const group = (change: (group: Group) => void) => (model: Record<string, unknown>) =>
    change((model.weightsManifest as Group[])[0]!);
  const cases: [string, (model: Record<string, unknown>) => void, RegExp][] = [
    [
      'weights upwards',
      group((g) => Object.assign(g, { paths: ['../weights.bin'] })),
      /paths: \["\.\.\/weights\.bin"\], wanted is \["weights\.bin"\]/,
    ],
    [
      'weights from the network',
      group((g) => Object.assign(g, { paths: ['http://localhost/w'] })),
      /paths: \["http/,
    ],
    [
      'weights in shards',
      group((g) => Object.assign(g, { paths: ['weights.bin', 'weights.bin'] })),
      /paths: /,
    ],
    [
      'two groups',
      (m) => (m.weightsManifest as unknown[]).push({}),
      /weightsManifest: has 2 groups, wanted is 1/,
    ],
    ['no groups', (m) => Object.assign(m, { weightsManifest: {} }), /weightsManifest: must be a list/],
    [
      'another format',
      (m) => Object.assign(m, { format: 'graph-model' }),
      /format: "graph-model" is stated, wanted is "layers-model"/,
    ],
    ['training state', (m) => Object.assign(m, { trainingConfig: {} }), /unknown field "trainingConfig"/],
    [
      'a topology as text',
      (m) => Object.assign(m, { modelTopology: 'x' }),
      /modelTopology: must be an object, not "x"/,
    ],
    [
      'a weight quantized',
      group((g) => Object.assign(g.weights[0]!, { quantization: { dtype: 'uint8' } })),
      /unknown field "quantization"/,
    ],
    [
      'a weight of text',
      group((g) => Object.assign(g.weights[0]!, { dtype: 'string' })),
      /has dtype "string", it must be one of float32, int32, bool/,
    ],
    ['a weight of no type', group((g) => Object.assign(g.weights[0]!, { dtype: 7 })), /has dtype 7/],
    [
      'a weight of negative shape',
      group((g) => Object.assign(g.weights[0]!, { shape: [-3, -2] })),
      /shape\[0\]: must be .* not -3/,
    ],
    [
      'a weight of vast shape',
      group((g) => Object.assign(g.weights[0]!, { shape: [2 ** 26, 2 ** 26] })),
      /32 bytes, but the weights in model\.json fill 18014398509481990/,
    ],
    [
      'a weight of another shape',
      group((g) => Object.assign(g.weights[0]!, { shape: [3, 3] })),
      /32 bytes, but the weights in model\.json fill 44/,
    ],
    [
      'a weight twice',
      group((g) => Object.assign(g.weights[1]!, { name: g.weights[0]!.name })),
      /kernel" is there twice/,
    ],
    [
      'a prototype',
      (m) => Object.assign(m.modelTopology as object, { prototype: 1 }),
      /the key prototype is not allowed/,
    ],
  ];
  for (const [title, change, message] of cases) {
    await t.test(title, async () => {
      await assert.rejects(fromFiles(reader(spoilModel(change))), { name: 'ArtifactError', message });
    });
  }
});

test('a reader is told how much it may read, and not believed when it gives more', async () => {
  const limits = new Map<string, number>();
  await fromFiles(async (name, maxBytes) => {
    limits.set(name, maxBytes);
    return files.get(name)!;
  });
  for (const [name, bytes] of files) {
    if (name !== manifestName) assert.equal(limits.get(name), bytes.length);
  }
  await assert.rejects(
    fromFiles(async () => 'text' as unknown as Uint8Array),
    /parametric-umap\.json: cannot be read \("text"\)/,
  );
  await assert.rejects(
    fromFiles(async () => new Uint8Array(64 * 2 ** 20 + 1)),
    /has 67108865 bytes, at most 67108864 were expected/,
  );
});

test('loading leaves no tensor and keeps no hold of the bytes it was given', async () => {
  const tensors = tf.memory().numTensors;
  const copies = new Map(Array.from(files, ([name, bytes]) => [name, bytes.slice()]));
  const loaded = await fromFiles(reader(copies));
  for (const bytes of copies.values()) bytes.fill(255);
  assert.deepEqual(edgesOf(loaded.graph!), edgesOf(artifact.graph!));
  assert.deepEqual(
    Buffer.from(loaded.networks.encoder!.weightData as ArrayBuffer),
    Buffer.from(files.get('encoder/weights.bin')!),
  );
  assert.equal(tf.memory().numTensors, tensors);
});
