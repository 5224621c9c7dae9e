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
    (error: unknown) => error instanceof ArtifactError && /cannot be read|expected bytes/.test(error.message),
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

test('the manifest describes the model in JSON, with the graph and its arrays', () => {
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
    [{ options: { metric: () => 0 } }, /options\.metric: expected plain data, .* got a function/],
    [{ state: { x: new Float32Array(1) } }, /state\.x: .* got a Float32Array/],
    [
      { tables: { '../evil': { state: {}, arrays: {} } } },
      /save: expected names of letters and digits .* got the file "\.\.\/evil\.bin"/,
    ],
    [{ tables: { Big: { state: {}, arrays: {} } } }, /got the file "Big\.bin"/],
    [
      { tables: { graph: { state: {}, arrays: {} } } },
      /expected names other than graph, got graph; pass that table as graph/,
    ],
    [
      { tables: { t: { state: {}, arrays: { a: { ...empty, shape: [2] } } } } },
      /t\.a: expected 2 numbers for shape \[2\]/,
    ],
    [
      { tables: { aB: { state: {}, arrays: {} }, ab: { state: {}, arrays: {} } } },
      /files\[\d\]\.name: expected each name once, got "ab\.bin" twice/,
    ],
    [{ networks: { 'a/b': artifact.networks.encoder! } }, /save: .* got the file "a\/b\/model\.json"/],
    [
      { networks: { e: { ...artifact.networks.encoder!, weightData: new ArrayBuffer(4) } } },
      /weightData: expected 32 bytes, .* got 4/,
    ],
    [
      { networks: { e: { ...artifact.networks.encoder!, modelTopology: { a: Number.NaN } } } },
      /modelTopology\.a: .* got NaN/,
    ],
    [
      { state: { x: 'x'.repeat(2 ** 26) } },
      /options and state: expected at most 67108864 bytes, got \d+; put/,
    ],
    [{ kind: '' }, /kind: expected a text of 1 character or more, got ""/],
    [
      { networks: { e: { ...artifact.networks.encoder!, format: 'graph-model' } } },
      /e\/model\.json: format: expected "layers-model", got "graph-model"/,
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

test('damage to a file is an error with the file and both values', async () => {
  const spoil = async (name: string, change: (bytes: Uint8Array) => Uint8Array) =>
    fromFiles(reader(new Map(files).set(name, change(files.get(name)!.slice()))));
  await assert.rejects(
    spoil('graph.bin', (b) => b.slice(0, 23)),
    /graph\.bin: expected 24 bytes, as the manifest lists, got 23/,
  );
  await assert.rejects(
    spoil('graph.bin', (b) => new Uint8Array([...b, 0])),
    /graph\.bin: expected at most 24 bytes, got 25/,
  );
  await assert.rejects(
    spoil('encoder/weights.bin', (b) => b.fill(1)),
    /encoder\/weights\.bin: expected SHA-256 [0-9a-f]{64}, as the manifest lists, got [0-9a-f]{64}/,
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
    /parametric-umap\.json: sha256: expected [0-9a-f]{64}, got "[0-9a-f]{56,64}.*; the manifest was damaged or edited/,
  );
});

test('another version is recognized before its fields are read', async () => {
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
      /formatVersion: expected 1, which parametric-umap .* reads, got 2, saved by parametric-umap "9\.1\.0"; update/,
  });
  await assert.rejects(version(0), /expected 1, .* got 0, .* no release wrote so old a format/);
  for (const odd of [-1, 1.5, '1', null])
    await assert.rejects(version(odd), /formatVersion: expected a whole number/);
});

test('the model of another estimator is refused by name', async () => {
  await assert.rejects(fromFiles(reader(files), { kind: 'CompressionVAE' }), {
    name: 'ArtifactError',
    message: /kind: expected CompressionVAE, got ParametricUMAP; load it with ParametricUMAP\.load/,
  });
});

test('files of other programs are refused', async () => {
  const cases: [string, RegExp][] = [
    ['', /expected JSON/],
    ['%PDF-1.4', /expected JSON/],
    ['[]', /expected an object/],
    ['"parametric-umap"', /expected an object/],
    ['{}', /format: expected "parametric-umap", got undefined/],
    [
      '{"format": "layers-model", "modelTopology": {}}',
      /format: expected "parametric-umap", got "layers-model"/,
    ],
    ['{"format": "parametric-umap"}', /formatVersion: expected a whole number of 0 or more, got undefined/],
    ['{"format": "parametric-umap", "formatVersion": 1}', /expected the field libraryVersion, got none/],
  ];
  for (const [content, message] of cases) {
    const read = reader(new Map([[manifestName, bytesOf(content)]]));
    await assert.rejects(fromFiles(read), { name: 'ArtifactError', message }, content);
  }
});

test('a manifest that was forged with care is refused field by field', async (t) => {
  const cases: [string, (manifest: Loose) => void, RegExp][] = [
    ['a further field', (m) => Object.assign(m, { extra: 1 }), /expected no fields but .*, got "extra"/],
    ['no options', (m) => Reflect.deleteProperty(m, 'options'), /expected the field options, got none/],
    [
      'options of another type',
      (m) => Object.assign(m, { options: [] }),
      /options: expected an object, got \[\]/,
    ],
    ['state of another type', (m) => Object.assign(m, { state: 'x' }), /state: expected an object, got "x"/],
    [
      'a kind of another type',
      (m) => Object.assign(m, { kind: 1 }),
      /kind: expected a text of 1 character or more, got 1/,
    ],
    [
      'a version of another type',
      (m) => Object.assign(m, { libraryVersion: {} }),
      /libraryVersion: expected a text/,
    ],
    [
      'a prototype',
      (m) => Object.defineProperty(m.options, '__proto__', { value: { polluted: 1 }, enumerable: true }),
      /options: .* reserved words, got __proto__/,
    ],
    [
      'a constructor',
      (m) => Object.assign(m.options, { constructor: {} }),
      /reserved words, got constructor/,
    ],
    [
      'a path upwards',
      (m) => Object.assign(m.files[0]!, { name: '../../etc/passwd' }),
      /files\[0\]\.name: expected the name of a file of a model, got "\.\.\/\.\.\/etc\/passwd"/,
    ],
    [
      'an absolute path',
      (m) => Object.assign(m.files[0]!, { name: '/etc/passwd' }),
      /expected the name of a file of a model, got "\/etc\/passwd"/,
    ],
    ['a drive', (m) => Object.assign(m.files[0]!, { name: 'C:\\x.bin' }), /expected the name of a file/],
    [
      'a backslash',
      (m) => Object.assign(m.files[0]!, { name: 'encoder\\model.json' }),
      /expected the name of a file/,
    ],
    [
      'a zero byte',
      (m) => Object.assign(m.files[0]!, { name: 'a\u0000.bin' }),
      /expected the name of a file/,
    ],
    [
      'the manifest as its own file',
      (m) => Object.assign(m.files[0]!, { name: manifestName }),
      /expected the name of a file/,
    ],
    [
      'a network by a path',
      (m) => Object.assign(m, { networks: ['../encoder'] }),
      /networks\[0\]: expected a file that is listed .* got "\.\.\/encoder\/model\.json"/,
    ],
    [
      'a network twice',
      (m) => m.networks.push('encoder'),
      /networks\[1\]: expected a file that is listed in files and used once, got "encoder\/model\.json"/,
    ],
    [
      'a file twice',
      (m) => m.files.push(m.files[0]!),
      /files\[4\]\.name: expected each name once, got "encoder\/model\.json" twice/,
    ],
    [
      'a file twice but for case',
      (m) => m.files.push({ ...m.files[0]!, name: 'Encoder/model.json' }),
      /expected the name of a file/,
    ],
    [
      'two files that differ by case',
      (m) => m.files.push({ ...m.files[0]!, name: 'encodeR/model.json' }),
      /expected each name once, got "encodeR\/model\.json" twice/,
    ],
    [
      'a file that nothing uses',
      (m) => m.files.push({ ...m.files[0]!, name: 'stray.bin' }),
      /expected only files that the model uses, got stray\.bin/,
    ],
    [
      'a file that is not listed',
      (m) => m.files.pop(),
      /tables\[0\]\.file: expected a file that is listed .* got "optimizer\.bin"/,
    ],
    [
      'a negative size',
      (m) => Object.assign(m.files[0]!, { bytes: -1 }),
      /files\[0\]\.bytes: expected .* got -1/,
    ],
    [
      'a size that is no number',
      (m) => Object.assign(m.files[0]!, { bytes: { $number: 'NaN' } }),
      /files\[0\]\.bytes: expected .* got NaN/,
    ],
    ['a size as text', (m) => Object.assign(m.files[0]!, { bytes: '12' }), /expected .* got "12"/],
    [
      'terabytes of graph',
      (m) => Object.assign(m.files[2]!, { bytes: 2 ** 42 }),
      /graph\.arrays: expected arrays of 4398046511104 bytes, .* got 24/,
    ],
    [
      'terabytes of weights',
      (m) => Object.assign(m.files[1]!, { bytes: 2 ** 42 }),
      /weights\.bin: expected 32 bytes, .* got 4398046511104/,
    ],
    ['no hash', (m) => Object.assign(m.files[0]!, { sha256: '' }), /files\[0\]\.sha256: expected a text/],
    [
      'another hash',
      (m) => Object.assign(m.files[0]!, { sha256: 'f'.repeat(64) }),
      /encoder\/model\.json: expected SHA-256/,
    ],
    [
      'a hash that is none',
      (m) => Object.assign(m.files[0]!, { sha256: 'F'.repeat(64) }),
      /expected 64 hexadecimal digits/,
    ],
    [
      'a graph of another type',
      (m) => Object.assign(m, { graph: [] }),
      /graph: expected an object, got \[\]/,
    ],
    [
      'a graph elsewhere',
      (m) => Object.assign(m.graph, { file: 'optimizer.bin' }),
      /graph\.file: expected "graph\.bin", got "optimizer\.bin"/,
    ],
    [
      'a graph of wild shape',
      (m) => Object.assign((m.graph.arrays as object[])[0]!, { shape: [2 ** 31, 2 ** 31] }),
      /expected a shape that memory can hold/,
    ],
    [
      'overlapping arrays',
      (m) => Object.assign((m.graph.arrays as object[])[1]!, { offset: 0 }),
      /arrays\[1\]\.offset: expected 8, where the array starts, got 0/,
    ],
    [
      'an array beyond the file',
      (m) => Object.assign((m.graph.arrays as object[])[2]!, { offset: 1000 }),
      /offset: expected .* got 1000/,
    ],
    [
      'a table that is not a list',
      (m) => Object.assign(m, { tables: {} }),
      /tables: expected a list, got \{\}/,
    ],
    [
      'a second graph',
      (m) => m.tables.push({ ...m.graph, name: 'graph' }),
      /tables\[1\]\.file: expected .* used once, got "graph\.bin"/,
    ],
    [
      'a table twice',
      (m) => m.tables.push(m.tables[0]!),
      /tables\[1\]\.file: expected .* used once, got "optimizer\.bin"/,
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
      /paths: expected \["weights\.bin"\], got \["\.\.\/weights\.bin"\]/,
    ],
    [
      'weights from the network',
      group((g) => Object.assign(g, { paths: ['http://localhost/w'] })),
      /paths: .* got \["http/,
    ],
    [
      'weights in shards',
      group((g) => Object.assign(g, { paths: ['weights.bin', 'weights.bin'] })),
      /paths: /,
    ],
    [
      'two groups',
      (m) => (m.weightsManifest as unknown[]).push({}),
      /weightsManifest: expected 1 group, got 2/,
    ],
    ['no groups', (m) => Object.assign(m, { weightsManifest: {} }), /weightsManifest: expected a list/],
    [
      'another format',
      (m) => Object.assign(m, { format: 'graph-model' }),
      /format: expected "layers-model", got "graph-model"/,
    ],
    [
      'training state',
      (m) => Object.assign(m, { trainingConfig: {} }),
      /expected no fields but .* got "trainingConfig"/,
    ],
    [
      'a topology as text',
      (m) => Object.assign(m, { modelTopology: 'x' }),
      /modelTopology: expected an object, got "x"/,
    ],
    [
      'a weight quantized',
      group((g) => Object.assign(g.weights[0]!, { quantization: { dtype: 'uint8' } })),
      /expected no fields but .* got "quantization"/,
    ],
    [
      'a weight of text',
      group((g) => Object.assign(g.weights[0]!, { dtype: 'string' })),
      /expected dtype float32 or int32 or bool, got "string"/,
    ],
    [
      'a weight of no type',
      group((g) => Object.assign(g.weights[0]!, { dtype: 7 })),
      /expected dtype .* got 7/,
    ],
    [
      'a weight of negative shape',
      group((g) => Object.assign(g.weights[0]!, { shape: [-3, -2] })),
      /shape\[0\]: expected .* got -3/,
    ],
    [
      'a weight of vast shape',
      group((g) => Object.assign(g.weights[0]!, { shape: [2 ** 26, 2 ** 26] })),
      /expected 18014398509481990 bytes, .* got 32/,
    ],
    [
      'a weight of another shape',
      group((g) => Object.assign(g.weights[0]!, { shape: [3, 3] })),
      /expected 44 bytes, .* got 32/,
    ],
    [
      'a weight twice',
      group((g) => Object.assign(g.weights[1]!, { name: g.weights[0]!.name })),
      /kernel" twice/,
    ],
    [
      'a prototype',
      (m) => Object.assign(m.modelTopology as object, { prototype: 1 }),
      /reserved words, got prototype/,
    ],
  ];
  for (const [title, change, message] of cases) {
    await t.test(title, async () => {
      await assert.rejects(fromFiles(reader(spoilModel(change))), { name: 'ArtifactError', message });
    });
  }
});

test('a reader gets the most that it may read, and an error when it gives more', async () => {
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
    /parametric-umap\.json: expected bytes, got "text"/,
  );
  await assert.rejects(
    fromFiles(async () => new Uint8Array(64 * 2 ** 20 + 1)),
    /expected at most 67108864 bytes, got 67108865/,
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
