import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs, { type FileHandle } from 'node:fs/promises';
import { createServer } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { type Artifact, fromFiles, toFiles } from '../../src/artifact/artifact.js';
import { loadDirectory, saveDirectory } from '../../src/artifact/directory.js';
import { networkArtifacts, networkFrom } from '../../src/artifact/layersModel.js';
import { manifestName } from '../../src/artifact/manifest.js';

const storeUrl = new URL('../../src/artifact/directory.js', import.meta.url).href;
const artifactUrl = new URL('../../src/artifact/artifact.js', import.meta.url).href;
const windows = process.platform === 'win32';

let scratch: string;
let rooms = 0;

before(async () => {
  await tf.setBackend('cpu');
  scratch = await fs.mkdtemp(path.join(tmpdir(), 'store-'));
});
after(() => fs.rm(scratch, { recursive: true, force: true }));

/** An empty directory of its own for each test. */
async function room(): Promise<string> {
  const directory = path.join(scratch, String(rooms++));
  await fs.mkdir(directory);
  return directory;
}

/** A small model whose tag tells which save it came from; all its files differ from tag to tag. */
function modelOf(tag: string): Promise<Map<string, Uint8Array>> {
  const data = new Uint8Array(1000).fill(tag.length === 0 ? 0 : tag.charCodeAt(tag.length - 1));
  const table = { state: { tag }, arrays: { data: { data, shape: [1000] } } };
  return toFiles({
    kind: 'Tagged',
    options: {},
    state: { tag },
    graph: table,
    networks: {},
    tables: { rows: table },
  });
}

async function tagAt(target: string): Promise<unknown> {
  const { state, graph, tables } = await fromFiles(await loadDirectory(target));
  assert.deepEqual(graph!.state, state);
  assert.deepEqual(tables.rows!.state, state);
  return state.tag;
}

/** Everything below a directory, with the contents of files. */
async function snapshot(directory: string): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const entry of await fs.readdir(directory, { recursive: true, withFileTypes: true })) {
    const full = path.join(entry.parentPath ?? entry.path, entry.name);
    all[path.relative(directory, full)] = entry.isFile() ? await fs.readFile(full, 'hex') : 'directory';
  }
  return all;
}

test('a model comes back from its directory, and a second save replaces it', async () => {
  const home = await room();
  const target = path.join(home, 'deep', 'down', 'model');
  await saveDirectory(target, await modelOf('first'));
  assert.equal(await tagAt(target), 'first');
  assert.deepEqual((await fs.readdir(target)).sort(), ['graph.bin', manifestName, 'rows.bin']);
  await saveDirectory(target, await modelOf('second'));
  assert.equal(await tagAt(target), 'second');
  assert.deepEqual(await fs.readdir(path.dirname(target)), ['model']);
});

test('files of an earlier model do not stay behind', async () => {
  const target = path.join(await room(), 'model');
  const files = await modelOf('wide');
  await saveDirectory(
    target,
    new Map([...files, ['extra/model.json', new Uint8Array(1)], ['more.bin', new Uint8Array(1)]]),
  );
  await saveDirectory(target, files);
  assert.deepEqual((await fs.readdir(target)).sort(), [...files.keys()].sort());
});

test('an empty directory may be taken, with the litter of file managers', async () => {
  const target = await room();
  await saveDirectory(target, await modelOf('a'));
  await fs.writeFile(path.join(target, '.DS_Store'), 'x');
  await saveDirectory(target, await modelOf('b'));
  assert.equal(await tagAt(target), 'b');
});

test('permissions are the usual ones, and those of a directory that is replaced stay', {
  skip: windows,
}, async () => {
  const home = await room();
  const target = path.join(home, 'model');
  await saveDirectory(target, await modelOf('a'));
  await fs.mkdir(path.join(home, 'usual'));
  const mode = async (name: string) => (await fs.stat(path.join(home, name))).mode & 0o777;
  assert.equal(await mode('model'), await mode('usual'));
  await fs.chmod(target, 0o700);
  await saveDirectory(target, await modelOf('b'));
  assert.equal(await mode('model'), 0o700);
});

test('a link to a model stays a link, also to one that is not there yet', { skip: windows }, async () => {
  const home = await room();
  const link = path.join(home, 'latest');
  await fs.symlink('v1', link);
  await saveDirectory(link, await modelOf('a'));
  await saveDirectory(link, await modelOf('b'));
  assert.equal(await fs.readlink(link), 'v1');
  assert.equal(await tagAt(path.join(home, 'v1')), 'b');
  assert.equal(await tagAt(link), 'b');
});

test('a save over anything but a saved model is refused and changes nothing', async (t) => {
  const files = await modelOf('new');
  const cases: [string, (target: string) => Promise<unknown>, RegExp][] = [
    [
      'a file',
      (target) => fs.writeFile(target, 'precious'),
      /expected a directory, or nothing yet, got a file/,
    ],
    [
      'a directory with a file',
      (target) => put(target, 'thesis.txt'),
      /expected files of a saved model only, got 1 other files or folders \(thesis\.txt\)/,
    ],
    [
      'a saved model with notes in it',
      async (target) => {
        await saveDirectory(target, await modelOf('old'));
        await put(target, 'notes.md');
      },
      /other files or folders \(notes\.md\)/,
    ],
    [
      'a saved model with a file deep in it',
      async (target) => {
        await saveDirectory(target, await modelOf('old'));
        await put(path.join(target, 'encoder'), 'mine.bin');
      },
      /other files or folders \(encoder\/mine\.bin\)/,
    ],
    [
      'a directory with an empty directory',
      (target) => fs.mkdir(path.join(target, 'Sub'), { recursive: true }),
      /expected a saved model or an empty directory, got one without parametric-umap\.json/,
    ],
    [
      'an ordinary TensorFlow.js model',
      async (target) => {
        await put(target, 'model.json');
        await put(target, 'weights.bin');
      },
      /other files or folders \(model\.json\)/,
    ],
    [
      'tables without a manifest',
      (target) => put(target, 'graph.bin'),
      /got one without parametric-umap\.json/,
    ],
  ];
  for (const [title, prepare, message] of cases) {
    await t.test(title, async () => {
      const home = await room();
      await prepare(path.join(home, 'target'));
      const earlier = await snapshot(home);
      await assert.rejects(saveDirectory(path.join(home, 'target'), files), {
        name: 'ArtifactError',
        message,
      });
      assert.deepEqual(await snapshot(home), earlier);
    });
  }
});

async function put(directory: string, name: string): Promise<void> {
  await fs.mkdir(directory, { recursive: true });
  await fs.writeFile(path.join(directory, name), 'precious');
}

test('paths and file names that cannot be are refused', async () => {
  const home = await room();
  const files = await modelOf('a');
  const save = (target: string, more: [string, Uint8Array][] = []) =>
    saveDirectory(target, new Map([...files, ...more]));
  await assert.rejects(save(''), /save: expected the path of a directory of a model, got ""/);
  await assert.rejects(save('/'), /save: expected the path of a directory of a model, got "\/"/);
  await fs.writeFile(path.join(home, 'file'), '');
  await assert.rejects(save(path.join(home, 'file', 'model')), /model was not written, nothing changed: E/);
  await assert.rejects(
    save(path.join(home, 'x'.repeat(300))),
    /was not written, nothing changed: ENAMETOOLONG/,
  );
  for (const name of [
    '../evil.bin',
    '/evil.bin',
    'a/../../evil.bin',
    'notes.txt',
    'A.bin',
    'a/b/model.json',
    '',
  ]) {
    await assert.rejects(save(path.join(home, 'model'), [[name, new Uint8Array(1)]]), {
      name: 'ArtifactError',
      message: /expected .*files as toFiles gives them/,
    });
  }
  await assert.rejects(
    saveDirectory(path.join(home, 'model'), new Map()),
    /expected files .* parametric-umap\.json among them, got none of that name/,
  );
  assert.deepEqual(await fs.readdir(home), ['file']);
});

/** Runs `step` before each call that changes the disk, in this process. */
async function watched(step: (name: string) => void, work: () => Promise<unknown>): Promise<void> {
  const patched = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
  const probe = await fs.open(scratch, 'r');
  const handles = Object.getPrototypeOf(probe) as Record<string, (...args: unknown[]) => unknown>;
  await probe.close();
  const restore: (() => void)[] = [];
  const patch = (object: typeof patched, name: string) => {
    const original = object[name]!;
    restore.push(() => {
      object[name] = original;
    });
    object[name] = async function (this: FileHandle, ...args) {
      step(name);
      return original.apply(this, args);
    };
  };
  for (const name of ['mkdir', 'open', 'chmod', 'rename', 'rm', 'lstat', 'readdir']) patch(patched, name);
  for (const name of ['writeFile', 'sync']) patch(handles, name);
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    for (const undo of restore) undo();
    syncBuiltinESMExports();
  }
}

test('whichever step fails, the old model stays whole and no temporary file is left', async () => {
  const old = await modelOf('old');
  const files = await modelOf('new');
  const failed: string[] = [];
  for (let wanted = 1, done = false; !done; wanted++) {
    const home = await room();
    const target = path.join(home, 'model');
    await saveDirectory(target, old);
    let calls = 0;
    let outcome: unknown = 'saved';
    let name = '';
    await watched(
      (step) => {
        if (++calls !== wanted) return;
        name = step;
        throw Object.assign(new Error(`EIO: ${step} failed`), { code: 'EIO' });
      },
      () => saveDirectory(target, files).catch((error: unknown) => (outcome = error)),
    );
    done = calls < wanted;
    if (outcome === 'saved') {
      assert.equal(await tagAt(target), 'new');
      // A step that only tidies up, or flushes a directory.
      assert.ok(done || ['rm', 'open', 'sync', 'readdir'].includes(name), name);
      if (name !== 'rm') assert.deepEqual(await fs.readdir(home), ['model']);
      continue;
    }
    failed.push(name);
    assert.match(String(outcome), /^ArtifactError: save: .* was not written, nothing changed: EIO/);
    assert.equal(await tagAt(target), 'old');
    assert.deepEqual(await fs.readdir(home), ['model']);
    await saveDirectory(target, files);
    assert.equal(await tagAt(target), 'new');
  }
  assert.deepEqual([...new Set(failed)].sort(), [
    'chmod',
    'lstat',
    'mkdir',
    'open',
    'readdir',
    'rename',
    'sync',
    'writeFile',
  ]);
  assert.equal(failed.filter((name) => name === 'rename').length, 2);
});

test('if even restoring the old model fails, the message has its path', async () => {
  const home = await room();
  const target = path.join(home, 'model');
  await saveDirectory(target, await modelOf('old'));
  let renames = 0;
  await watched(
    (step) => {
      if (step === 'rename' && ++renames > 1) throw new Error('EIO: the disk is gone');
    },
    async () => {
      const files = await modelOf('new');
      await assert.rejects(
        saveDirectory(target, files),
        /was not written, the old model is now at .*\.old: EIO/,
      );
    },
  );
  const [aside] = await fs.readdir(home);
  assert.equal(await tagAt(path.join(home, aside!)), 'old');
});

/** Saves over `target` in another process, which kills itself at the given step that changes the disk. */
const killedSave = `
  import fs from 'node:fs/promises';
  import { syncBuiltinESMExports } from 'node:module';
  const [, target, at, storeUrl, artifactUrl] = process.argv;
  const { toFiles } = await import(artifactUrl);
  const { saveDirectory } = await import(storeUrl);
  const probe = await fs.open('.', 'r');
  const handles = Object.getPrototypeOf(probe);
  await probe.close();
  let calls = 0;
  const die = () => { process.kill(process.pid, 'SIGKILL'); for (;;); };
  for (const [object, names] of [[fs, ['mkdir', 'open', 'chmod', 'rename', 'rm']], [handles, ['writeFile', 'sync']]]) {
    for (const name of names) {
      const original = object[name];
      object[name] = async function (...args) {
        if (++calls === Number(at)) {
          if (name === 'writeFile') await original.call(this, args[0].subarray(0, args[0].length / 2));
          die();
        }
        return original.apply(this, args);
      };
    }
  }
  syncBuiltinESMExports();
  const data = new Uint8Array(1000).fill(119);
  const table = { state: { tag: 'new' }, arrays: { data: { data, shape: [1000] } } };
  await saveDirectory(target, await toFiles({ kind: 'Tagged', options: {}, state: { tag: 'new' }, graph: table, networks: {}, tables: { rows: table } }));
`;

test('a process killed at any step of a save leaves the old model or the new one, whole', {
  skip: windows,
}, async () => {
  const old = await modelOf('old');
  const seen: unknown[] = [];
  let swept = 0;
  for (let at = 1; ; at++) {
    const home = await room();
    const target = path.join(home, 'model');
    await saveDirectory(target, old);
    const args = ['--input-type=module', '-e', killedSave, target, String(at), storeUrl, artifactUrl];
    const { signal, status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.ok(signal === 'SIGKILL' || status === 0, stderr);
    const asideOnly = !(await fs.readdir(home)).includes('model');
    const tag = await tagAt(target);
    seen.push(asideOnly ? `${tag} from aside` : tag);
    // A load has put back what lay aside, and the next save removes what the dead process left.
    assert.ok((await fs.readdir(home)).includes('model'));
    if ((await fs.readdir(home)).length > 1) swept++;
    await saveDirectory(target, await modelOf('after'));
    assert.equal(await tagAt(target), 'after');
    assert.deepEqual(await fs.readdir(home), ['model']);
    if (status === 0) break;
  }
  assert.deepEqual([...new Set(seen)], ['old', 'old from aside', 'new']);
  assert.equal(seen.filter((tag) => tag === 'old from aside').length, 1);
  assert.ok(seen.length > 15 && swept > 10, `${seen.length} steps, ${swept} swept`);
});

test('a first save that is killed leaves no model, and the next save removes its files', {
  skip: windows,
}, async () => {
  const home = await room();
  const target = path.join(home, 'model');
  const args = ['--input-type=module', '-e', killedSave, target, '6', storeUrl, artifactUrl];
  assert.equal(spawnSync(process.execPath, args).signal, 'SIGKILL');
  assert.equal((await fs.readdir(home)).length, 1);
  await assert.rejects(loadDirectory(target), /load: expected a saved model at .*model, got nothing/);
  await saveDirectory(target, await modelOf('a'));
  assert.deepEqual(await fs.readdir(home), ['model']);
});

test('what another machine set aside is read where it is, and not moved', { skip: windows }, async () => {
  const home = await room();
  const aside = path.join(home, '.model.00000000-1-abcdef01-0.old');
  await saveDirectory(path.join(home, 'model'), await modelOf('theirs'));
  await fs.rename(path.join(home, 'model'), aside);
  assert.equal(await tagAt(path.join(home, 'model')), 'theirs');
  assert.deepEqual(await fs.readdir(home), [path.basename(aside)]);
  await saveDirectory(path.join(home, 'model'), await modelOf('ours'));
  assert.equal(await tagAt(path.join(home, 'model')), 'ours');
  assert.ok((await fs.readdir(home)).includes(path.basename(aside)));
});

test('of savers at once in one process, one wins whole', async () => {
  const home = await room();
  const target = path.join(home, 'model');
  const tags = Array.from({ length: 12 }, (_, i) => `saver ${i}`);
  await Promise.all(tags.map(async (tag) => saveDirectory(target, await modelOf(tag))));
  assert.ok(tags.includes(String(await tagAt(target))));
  assert.deepEqual(await fs.readdir(home), ['model']);
});

test('processes that save and load the same path at once never see half a model', {
  skip: windows,
}, async () => {
  const home = await room();
  const target = path.join(home, 'model');
  await saveDirectory(target, await modelOf('start'));
  const saver = `
    const [, target, name, storeUrl, artifactUrl] = process.argv;
    const { toFiles } = await import(artifactUrl);
    const { saveDirectory } = await import(storeUrl);
    for (let i = 0; i < 30; i++) {
      const tag = name + i;
      const data = new Uint8Array(1000).fill(i);
      const table = { state: { tag }, arrays: { data: { data, shape: [1000] } } };
      await saveDirectory(target, await toFiles({ kind: 'Tagged', options: {}, state: { tag }, graph: table, networks: {}, tables: { rows: table } }));
    }
  `;
  const savers = ['a', 'b', 'c'].map((name) =>
    spawn(process.execPath, ['--input-type=module', '-e', saver, target, name, storeUrl, artifactUrl], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  const ends = savers.map((child) => once(child, 'exit'));
  let running = true;
  const all = Promise.all(ends).finally(() => {
    running = false;
  });
  const tags = new Set<string>();
  let overtaken = 0;
  while (running) {
    try {
      tags.add(String(await tagAt(target)));
    } catch (error) {
      assert.match(String(error), /was saved anew while it was read; load it again/);
      overtaken++;
    }
  }
  for (const [status] of await all) assert.equal(status, 0);
  assert.match(String(await tagAt(target)), /^[abc]29$/);
  assert.ok(tags.size > 3, `${tags.size} models seen, ${overtaken} times overtaken`);
  assert.deepEqual(await fs.readdir(home), ['model']);
});

test('loading what is not there, or not a directory, is an error that names it', async () => {
  const home = await room();
  await fs.writeFile(path.join(home, 'file'), '');
  await assert.rejects(loadDirectory(path.join(home, 'none')), {
    name: 'ArtifactError',
    message: /expected a saved model at .*none, got nothing/,
  });
  await assert.rejects(loadDirectory(path.join(home, 'no', 'parent')), /expected a saved model at/);
  await assert.rejects(
    loadDirectory(path.join(home, 'file')),
    /file: expected a directory, got a file; give the one that/,
  );
  await assert.rejects(loadDirectory(path.join(home, 'file', 'x')), { name: 'ArtifactError' });
  await assert.rejects(loadDirectory(''), /load: expected the path of a directory of a model, got ""/);
  await assert.rejects(
    fromFiles(await loadDirectory(home)),
    /load: .*parametric-umap\.json: expected a file, got none \(ENOENT/,
  );
});

test('a reader never leaves its directory, nor waits, nor reads more than it was allowed', {
  skip: windows,
}, async (t) => {
  const home = await room();
  const target = path.join(home, 'model');
  await saveDirectory(target, await modelOf('a'));
  await put(home, 'secret.bin');
  await put(path.join(home, 'elsewhere'), 'model.json');
  await put(`${target}-twin`, 'secret.bin');
  await fs.symlink('../secret.bin', path.join(target, 'out.bin'));
  await fs.symlink('../model-twin/secret.bin', path.join(target, 'twin.bin'));
  await fs.symlink('/dev/zero', path.join(target, 'zero.bin'));
  await fs.symlink('../elsewhere', path.join(target, 'encoder'));
  await fs.symlink('nowhere', path.join(target, 'dangling.bin'));
  await fs.symlink('loop.bin', path.join(target, 'loop.bin'));
  await fs.symlink('rows.bin', path.join(target, 'inside.bin'));
  await fs.mkdir(path.join(target, 'folder.bin'));
  execFileSync('mkfifo', [path.join(target, 'pipe.bin')]);
  const read = await loadDirectory(target);
  const cases: [string, RegExp][] = [
    ['../secret.bin', /expected the name of a file of a model, got "\.\.\/secret/],
    ['/etc/passwd', /expected the name of a file/],
    ['encoder/../../secret.bin', /expected the name of a file/],
    ['..\\secret.bin', /expected the name of a file/],
    ['rows.bin\0', /expected the name of a file/],
    ['', /expected the name of a file/],
    ['out.bin', /out\.bin: expected a file of the saved model, got a link to .*secret\.bin/],
    ['twin.bin', /expected a file of the saved model, got a link to/],
    ['zero.bin', /got a link to \/dev\/zero/],
    ['encoder/model.json', /expected a file of the saved model, got a link to/],
    ['dangling.bin', /dangling\.bin: expected a file, got none \(ENOENT/],
    ['loop.bin', /loop\.bin: expected a file, got none \(ELOOP/],
    ['folder.bin', /folder\.bin: expected a regular file, got another kind/],
    ['pipe.bin', /pipe\.bin: expected a regular file/],
    ['absent.bin', /absent\.bin: expected a file, got none/],
  ];
  for (const [name, message] of cases) {
    await t.test(name, () => assert.rejects(read(name, 1e9), { name: 'ArtifactError', message }));
  }
  assert.equal((await read('rows.bin', 1000)).length, 1000);
  assert.equal((await read('inside.bin', 1000)).length, 1000);
  await assert.rejects(read('rows.bin', 999), /rows\.bin: expected at most 999 bytes, got 1000/);
});

test('a file that is larger than in the manifest is not read', async () => {
  const target = path.join(await room(), 'model');
  await saveDirectory(target, await modelOf('a'));
  // A hole of a terabyte: it takes no disk, and would take all memory.
  await fs.truncate(path.join(target, 'rows.bin'), 2 ** 40);
  await assert.rejects(tagAt(target), /rows\.bin: expected at most 1000 bytes, got 1099511627776/);
  await fs.truncate(path.join(target, manifestName), 2 ** 40);
  await assert.rejects(
    tagAt(target),
    /parametric-umap\.json: expected at most 67108864 bytes, got 1099511627776/,
  );
});

test('a model that is saved anew between two reads is not mixed up', async () => {
  const target = path.join(await room(), 'model');
  await saveDirectory(target, await modelOf('a'));
  const read = await loadDirectory(target);
  await read(manifestName, 1e9);
  await saveDirectory(target, await modelOf('b'));
  await assert.rejects(read('rows.bin', 1e9), /was saved anew while it was read; load it again/);
  await fs.rm(target, { recursive: true });
  await assert.rejects(read('rows.bin', 1e9), /was saved anew while it was read/);
});

function network(): tf.Sequential {
  const kernelInitializer = tf.initializers.glorotUniform({ seed: 11 });
  return tf.sequential({
    layers: [
      tf.layers.reshape({ targetShape: [4, 4, 1], inputShape: [16] }),
      tf.layers.conv2d({ filters: 3, kernelSize: 2, activation: 'relu', kernelInitializer }),
      tf.layers.batchNormalization(),
      tf.layers.flatten(),
      tf.layers.dense({ units: 2, kernelInitializer }),
    ],
  });
}

async function hexOf(model: tf.LayersModel): Promise<string> {
  const output = model.predict(tf.linspace(-1, 1, 48).reshape([3, 16])) as tf.Tensor;
  return Buffer.from(((await output.data()) as Float32Array).slice().buffer).toString('hex');
}

async function saveNetworks(target: string): Promise<tf.LayersModel> {
  const encoder = network();
  const networks = { encoder: await networkArtifacts(encoder, 'encoder') };
  const artifact: Artifact = { kind: 'ParametricUMAP', options: {}, state: {}, networks, tables: {} };
  await saveDirectory(target, await toFiles(artifact));
  return encoder;
}

test('another process loads the same network to the last bit', async () => {
  const target = path.join(await room(), 'model');
  const encoder = await saveNetworks(target);
  const loader = `
    const [, target, storeUrl, artifactUrl, networkUrl, tfUrl] = process.argv;
    const tf = await import(tfUrl);
    await tf.setBackend('cpu');
    const { fromFiles } = await import(artifactUrl);
    const { loadDirectory } = await import(storeUrl);
    const { networkFrom } = await import(networkUrl);
    const { networks } = await fromFiles(await loadDirectory(target), { kind: 'ParametricUMAP' });
    const encoder = await networkFrom(networks.encoder, 'encoder');
    const output = encoder.predict(tf.linspace(-1, 1, 48).reshape([3, 16]));
    process.stdout.write(Buffer.from((await output.data()).slice().buffer).toString('hex'));
  `;
  const urls = [
    storeUrl,
    artifactUrl,
    new URL('../../src/artifact/layersModel.js', import.meta.url).href,
    import.meta.resolve('@tensorflow/tfjs'),
  ];
  const args = ['--input-type=module', '-e', loader, target, ...urls];
  const printed = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  assert.equal(printed, await hexOf(encoder));
  const here = await fromFiles(await loadDirectory(target));
  assert.equal(await hexOf(await networkFrom(here.networks.encoder!)), printed);
});

test('tf.loadLayersModel loads the network of a saved model without us', async () => {
  const target = path.join(await room(), 'model');
  const encoder = await saveNetworks(target);
  const server = createServer((request, response) => {
    fs.readFile(path.join(target, request.url!)).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const address = server.address() as { port: number };
    const url = `http://127.0.0.1:${address.port}/encoder/model.json`;
    const loaded = await tf.loadLayersModel(tf.io.http(url, { fetchFunc: fetch }));
    assert.equal(await hexOf(loaded), await hexOf(encoder));
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
