import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { root } from '../helpers/files.js';

const installed = (name: string) => existsSync(`${root}node_modules/${name}/package.json`);
const native = installed('@tensorflow/tfjs-node') || installed('@tensorflow/tfjs-node-gpu');

/**
 * Statement for `inProcess`: these module texts stand in for the two native packages; without one, it is not
 * installed.
 */
function standIn(gpu?: string, cpu?: string): string {
  const missing = (name: string) =>
    `throw Object.assign(new Error("Cannot find package '${name}'"), { code: 'ERR_MODULE_NOT_FOUND' })`;
  const texts = {
    '@tensorflow/tfjs-node-gpu': gpu ?? missing('@tensorflow/tfjs-node-gpu'),
    '@tensorflow/tfjs-node': cpu ?? missing('@tensorflow/tfjs-node'),
  };
  const hooks = `export function resolve(specifier, context, next) {
    const text = (${JSON.stringify(texts)})[specifier];
    if (text === undefined) return next(specifier, context);
    return { url: 'data:text/javascript,' + encodeURIComponent(text), shortCircuit: true };
  }`;
  const address = `data:text/javascript,${encodeURIComponent(hooks)}`;
  return `(await import('node:module')).register(${JSON.stringify(address)});`;
}

/**
 * Runs the body of an async function, with `tf` and `useBackend` in scope, in a process of its own. Gives
 * what it returned, and fails if anything was printed.
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

test('auto takes WebAssembly, gives the reason for skipping native TensorFlow, and trains', () => {
  const { name, reason, active, loss } = inProcess<Seen & { loss: number }>(`
    ${standIn()}
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

test('auto replaces the cpu backend that TensorFlow.js fell back to', () => {
  // TensorFlow.js logs an advertisement when its fallback is first used, before `useBackend` runs.
  const { name } = inProcess<Seen>(`
    ${standIn()}
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

test('native TensorFlow that the program made active is prepared too', () => {
  const { name, kernel } = inProcess<Seen & { kernel: boolean }>(`
    await useBackend('cpu');
    tf.registerBackend('tensorflow', () => tf.findBackend('cpu'));
    await tf.setBackend('tensorflow');
    return { ...(await useBackend('auto')), kernel: tf.getKernel('ReluGrad', 'tensorflow') !== undefined };`);
  assert.equal(name, 'tensorflow');
  assert.ok(kernel);
});

test('auto keeps a backend of another kind', () => {
  const { name, active } = inProcess<Seen>(`
    await useBackend('cpu');
    tf.registerBackend('mine', () => tf.findBackend('cpu'));
    await tf.setBackend('mine');
    return { ...(await useBackend('auto')), active: tf.getBackend() };`);
  assert.deepEqual([name, active], ['mine', 'mine']);
});

test('the environment variable replaces auto, and nothing else', () => {
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
  assert.match(message, /^PARAMETRIC_UMAP_BACKEND: expected one of auto, tensorflow, .*, got cuda; /);
});

test('a missing backend requested by name is an error with what to install, and the active one stays', () => {
  const seen = inProcess<{ error: string; message: string; active: string }[]>(`
    ${standIn()}
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
});

test('blocked WebAssembly is an error with the reason, and auto goes on without it after a warning', () => {
  const seen = inProcess<{ message: string; choice: Seen; sum: number; warnings: string[] }>(`
    ${standIn()}
    WebAssembly.compile = () => Promise.reject(new WebAssembly.CompileError('blocked by a policy'));
    const warnings = [];
    console.warn = (line) => warnings.push(line);
    const message = await useBackend('wasm').catch((error) => error.message);
    await useBackend('auto');
    const choice = await useBackend('auto');
    return { message, choice, sum: (await tf.sum(tf.ones([3])).data())[0], warnings };`);
  assert.match(
    seen.message,
    /^wasm: expected compiled kernels, got blocked by a policy; use .*'wasm-unsafe-eval'.* backend: 'cpu'$/,
  );
  assert.equal(seen.choice.name, 'cpu');
  assert.equal(seen.sum, 3);
  assert.equal(seen.warnings.length, 1);
  assert.match(
    seen.warnings[0]!,
    /^parametric-umap: expected WebAssembly, got plain JavaScript, .*blocked by a policy/,
  );
});

test('WebAssembly starts where the file of its compiled part is missing', () => {
  const { name } = inProcess<Seen>(`
    ${standIn()}
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    setWasmPaths('./nowhere/');
    return useBackend('auto');`);
  assert.equal(name, 'wasm');
});

test('plain JavaScript requested by name gives no warning', () => {
  assert.equal(inProcess<Seen>("return useBackend('cpu')").name, 'cpu');
});

test('WebAssembly leaves no listener on the process, and removes no others', () => {
  const { before, after, other } = inProcess<Record<'before' | 'after' | 'other', number[]>>(`
    const events = ['uncaughtException', 'unhandledRejection', 'exit'];
    const mine = () => {};
    const counts = () => events.map((event) => process.listenerCount(event));
    process.on('unhandledRejection', mine);
    const before = counts();
    const started = useBackend('wasm');
    process.on('uncaughtException', mine);
    await started;
    return { before, after: counts(), other: process.listeners('uncaughtException').includes(mine) };`);
  assert.deepEqual(after, [before[0]! + 1, ...before.slice(1)]);
  assert.ok(other);
});

test('an isolated page gets the build of WebAssembly without threads', () => {
  // TensorFlow.js asks this flag; in such a page it would be true.
  const flag = inProcess<boolean>(`
    tf.env().registerFlag('WASM_HAS_MULTITHREAD_SUPPORT', () => true);
    await useBackend('wasm');
    return tf.env().getBool('WASM_HAS_MULTITHREAD_SUPPORT');`);
  assert.equal(flag, false);
});

test('where there is no Node.js, auto takes WebAssembly, not what TensorFlow.js prefers', () => {
  const { name, reason } = inProcess<Seen>(`
    tf.registerBackend('webgl', () => { throw new Error('software'); }, 2);
    const { process } = globalThis;
    globalThis.process = {};
    const choice = await useBackend('auto');
    globalThis.process = process;
    return choice;`);
  assert.equal(name, 'wasm');
  assert.match(reason, /the fastest here/);
});

test('calls at the same time take turns', () => {
  const names = inProcess<string[]>(`
    const calls = ['wasm', 'cpu', 'wasm', 'nothing', 'cpu'].map((name) => useBackend(name).catch((error) => error));
    return [...(await Promise.all(calls)).map(({ name }) => name), tf.getBackend()];`);
  assert.deepEqual(names, ['wasm', 'cpu', 'wasm', 'OptionError', 'cpu', 'cpu']);
});

test('the console is restored, and other warnings are still logged', () => {
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

test('native TensorFlow comes first, gets what it needs from node:util, and leaves the environment unchanged', () => {
  const text = `
    const tf = globalThis.tensorflow;
    console.warn('Platform node has already been set. Overwriting the platform with node.');
    globalThis.level = process.env.TF_CPP_MIN_LOG_LEVEL;
    tf.registerBackend('tensorflow', () => tf.findBackend('cpu'));`;
  const seen = inProcess<Seen & { level: string; left: boolean; util: string[] }>(`
    ${standIn(undefined, text)}
    globalThis.tensorflow = tf;
    const choice = await useBackend('auto');
    const util = (await import('node:util')).default;
    return {
      ...choice,
      active: tf.getBackend(),
      level: globalThis.level,
      left: 'TF_CPP_MIN_LOG_LEVEL' in process.env,
      util: [util.isNullOrUndefined(null), util.isNullOrUndefined(0), util.isArray([])].map(String),
    };`);
  assert.deepEqual([seen.name, seen.active], ['tensorflow', 'tensorflow']);
  assert.match(seen.reason, /^tensorflow: native TensorFlow from @tensorflow\/tfjs-node, /);
  assert.deepEqual([seen.level, seen.left], ['2', false]);
  assert.deepEqual(seen.util, ['true', 'false', 'true']);
});

test('a tfjs-node without its native part is skipped by auto, and explained if requested', () => {
  const text = `throw new Error(
    "The Node.js native addon module (tfjs_binding.node) can not be found at path: /x/tfjs_binding.node. \\n" +
    "Please run command 'npm rebuild @tensorflow/tfjs-node --build-addon-from-source'")`;
  const { choice, message } = inProcess<{ choice: Seen; message: string }>(`
    ${standIn(undefined, text)}
    const choice = await useBackend('auto');
    return { choice, message: await useBackend('tensorflow').catch((error) => error.message) };`);
  assert.equal(choice.name, 'wasm');
  for (const said of [choice.reason, message]) {
    assert.match(
      said,
      /tfjs-node-gpu is not installed; @tensorflow\/tfjs-node is installed but its native part is missing/,
    );
    assert.ok(!said.includes('\n'));
  }
  assert.match(message, /npm run native/);
});

const skip = native ? false : 'no tfjs-node package is installed here';
test('the installed native TensorFlow computes without printing', { skip }, () => {
  const { active, sum } = inProcess<{ active: string; sum: number }>(`
    await useBackend('tensorflow');
    const sum = (await tf.concat([tf.ones([2, 2]), tf.ones([1, 2])]).matMul(tf.ones([2, 1])).sum().data())[0];
    return { active: tf.getBackend(), sum };`);
  assert.deepEqual([active, sum], ['tensorflow', 6]);
});

test('auto is not what another estimator requested by name, but what the program chose', () => {
  const names = inProcess<string[]>(`
    ${standIn()}
    const names = [];
    const use = async (wanted) => names.push((await useBackend(wanted)).name);
    // The program has not chosen: a name counts only for the estimator that requested it.
    await use('cpu');
    await use('auto');
    await use('cpu');
    await use('cpu');
    await use('auto');
    // The program chooses: that stays, whoever asks for another by name in between.
    await tf.setBackend('cpu');
    await use('auto');
    await use('wasm');
    await use('auto');
    await tf.setBackend('wasm');
    await use('auto');
    await use('cpu');
    await use('auto');
    return names;`);
  assert.deepEqual(names, ['cpu', 'wasm', 'cpu', 'cpu', 'wasm', 'cpu', 'wasm', 'cpu', 'wasm', 'cpu', 'wasm']);
});

test('a backend requested by name that cannot start changes nothing for auto', () => {
  const names = inProcess<string[]>(`
    ${standIn()}
    const missing = await useBackend('tensorflow').catch((error) => error);
    const first = await useBackend('auto');
    return [missing.name, first.name];`);
  assert.deepEqual(names, ['UnavailableError', 'wasm']);
});

test('a choice is returned to after another estimator, but not over the program', () => {
  const names = inProcess<string[]>(`
    ${standIn()}
    const { holdBackend, returnTo } = await import('./build/src/backend/choose.js');
    const names = [];
    await useBackend('cpu');
    await useBackend('wasm');
    await returnTo('cpu');
    names.push(tf.getBackend());
    holdBackend('wasm');
    names.push(tf.getBackend());
    names.push((await tf.ones([2, 2]).matMul(tf.ones([2, 2])).sum().data())[0]);
    await tf.setBackend('cpu');
    holdBackend('wasm');
    await returnTo('wasm');
    names.push(tf.getBackend(), (await useBackend('auto')).name);
    return names.map(String);`);
  assert.deepEqual(names, ['cpu', 'wasm', '8', 'cpu', 'cpu']);
});
