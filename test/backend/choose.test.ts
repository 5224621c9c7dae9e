import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const installed = (name: string) => existsSync(`${root}node_modules/${name}/package.json`);
const native = installed('@tensorflow/tfjs-node') || installed('@tensorflow/tfjs-node-gpu');
/** For what `auto` and `tensorflow` come to where nothing optional is installed. */
const usual = { skip: native ? 'native TensorFlow is installed here' : false };

/**
 * Runs the body of an async function, with `tf` and `useBackend` in scope, in a process of its own. Gives what it returned, and
 * fails if anything was printed.
 */
function inProcess<T>(body: string, environment: Record<string, string> = {}): T {
  const script = `
    import { writeFileSync } from 'node:fs';
    import * as tf from '@tensorflow/tfjs';
    import { useBackend } from './build/src/backend/choose.js';
    const result = await (async () => { ${body} })();
    writeFileSync(3, JSON.stringify(result));`;
  const { PARAMETRIC_UMAP_BACKEND: _, ...inherited } = process.env;
  const { status, output } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: root,
    env: { ...inherited, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  const printed = `${output[1]}${output[2]}`;
  assert.equal(status, 0, printed);
  assert.equal(printed, '', 'nothing is printed');
  return JSON.parse(output[3]!) as T;
}

interface Seen {
  name: string;
  reason: string;
  active: string;
}

test('importing creates no backend', () => {
  const [name, registered] = inProcess<[string | null, string[]]>(
    'return [tf.getBackend() ?? null, Object.keys(tf.engine().registry)]',
  );
  assert.equal(name, null);
  assert.deepEqual(registered, []);
});

test('auto takes WebAssembly, says why the native one was passed over, and trains', usual, () => {
  const { name, reason, active, loss } = inProcess<Seen & { loss: number }>(`
    const choice = await useBackend('auto');
    const w = tf.variable(tf.ones([2, 2]));
    const { value } = tf.variableGrads(() => tf.square(tf.matMul(tf.ones([3, 2]), w)).mean());
    return { ...choice, active: tf.getBackend(), loss: (await value.data())[0] };`);
  assert.equal(name, 'wasm');
  assert.equal(active, 'wasm');
  assert.equal(loss, 4);
  assert.match(reason, /^wasm: .*tfjs-node-gpu is not installed.*tfjs-node is not installed$/);
  assert.ok(!reason.includes('\n'));
});

test('auto replaces the cpu backend that TensorFlow.js fell back to', usual, () => {
  // TensorFlow.js advertises when its fallback is first used; that is its own doing, before we are asked.
  const { name } = inProcess<Seen>(`
    const warn = console.warn;
    console.warn = () => {};
    tf.ones([2]).dispose();
    console.warn = warn;
    return useBackend('auto');`);
  assert.equal(name, 'wasm');
});

test('auto keeps what the caller made active: cpu beside a better one, and WebAssembly, then with training kernels', () => {
  const cpu = inProcess<Seen>(`
    await import('@tensorflow/tfjs-backend-wasm');
    await tf.setBackend('cpu');
    return useBackend('auto');`);
  assert.equal(cpu.name, 'cpu');
  assert.match(cpu.reason, /already active/);
  const wasm = inProcess<Seen & { kernel: boolean }>(`
    await import('@tensorflow/tfjs-backend-wasm');
    await tf.setBackend('wasm');
    return { ...(await useBackend('auto')), kernel: tf.getKernel('UnsortedSegmentSum', 'wasm') !== undefined };`);
  assert.equal(wasm.name, 'wasm');
  assert.match(wasm.reason, /already active; training kernels added/);
  assert.ok(wasm.kernel);
});

test('auto keeps a backend of another kind', () => {
  const { name, active } = inProcess<Seen>(`
    await useBackend('cpu');
    tf.registerBackend('mine', () => tf.findBackend('cpu'));
    await tf.setBackend('mine');
    return { ...(await useBackend('auto')), active: tf.getBackend() };`);
  assert.deepEqual([name, active], ['mine', 'mine']);
});

test('the environment variable says what auto means, and nothing else', () => {
  const environment = { PARAMETRIC_UMAP_BACKEND: 'cpu' };
  const both = inProcess<Seen[]>("return [await useBackend('auto'), await useBackend('wasm')]", environment);
  assert.deepEqual(
    both.map(({ name }) => name),
    ['cpu', 'wasm'],
  );
  assert.match(both[0]!.reason, /PARAMETRIC_UMAP_BACKEND/);
  const message = inProcess<string>("return useBackend('auto').catch((error) => error.message)", {
    PARAMETRIC_UMAP_BACKEND: 'cuda',
  });
  assert.match(message, /^PARAMETRIC_UMAP_BACKEND: must be one of auto, tensorflow, .*\(got cuda\)$/);
});

test(
  'a named backend that is missing is an error that says what to install, and the active one stays',
  usual,
  () => {
    const seen = inProcess<{ error: string; message: string; active: string }[]>(`
    await useBackend('wasm');
    const results = [];
    for (const name of ['tensorflow', 'webgpu']) {
      const error = await useBackend(name).catch((error) => error);
      results.push({ error: error.name, message: error.message, active: tf.getBackend() });
    }
    return results;`);
    for (const { error, active } of seen) assert.deepEqual([error, active], ['UnavailableError', 'wasm']);
    assert.match(seen[0]!.message, /tfjs-node is not installed; npm install @tensorflow\/tfjs-node/);
    if (!installed('webgpu')) assert.match(seen[1]!.message, /webgpu is not installed; npm install webgpu/);
  },
);

test(
  'a WebAssembly binary that cannot be found is an error with the reason, and auto goes on without',
  usual,
  () => {
    const seen = inProcess<{ message: string; choice: Seen; sum: number }>(`
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    setWasmPaths('./nowhere/');
    const message = await useBackend('wasm').catch((error) => error.message);
    const choice = await useBackend('auto');
    return { message, choice, sum: (await tf.sum(tf.ones([3])).data())[0] };`);
    assert.match(seen.message, /^wasm: .*does not start/);
    assert.equal(seen.choice.name, 'cpu');
    assert.equal(seen.sum, 3);
  },
);

test('calls at the same time take turns', () => {
  const names = inProcess<string[]>(`
    const calls = ['wasm', 'cpu', 'wasm', 'nothing', 'cpu'].map((name) => useBackend(name).catch((error) => error));
    return [...(await Promise.all(calls)).map(({ name }) => name), tf.getBackend()];`);
  assert.deepEqual(names, ['wasm', 'cpu', 'wasm', 'OptionError', 'cpu', 'cpu']);
});

test('the console is left as it was, and others may go on warning', () => {
  const same = inProcess<[boolean, string[]]>(`
    const lines = [];
    const mine = (line) => lines.push(line);
    console.warn = mine;
    const started = useBackend('wasm');
    console.warn('something of the caller');
    await started;
    return [console.warn === mine, lines];`);
  assert.deepEqual(same, [true, ['something of the caller']]);
});
