/** Starts TensorFlow.js' WebAssembly backend, wherever this library runs, and leaves the process as it was. */

import { runsInNode } from '../../core/platform.js';
import * as tf from '../../core/tf.js';
import { moduleBytes } from '../../core/wasmModule.js';
import { quietly } from '../quiet.js';
import { wasmFile, wasmFileVersion } from './file.js';

/** What we use of `@tensorflow/tfjs-backend-wasm`. */
type Package = Pick<typeof import('@tensorflow/tfjs-backend-wasm'), 'setWasmPaths' | 'version_wasm'>;

/** Where the backend is told that its compiled part lies: with us. */
const address = 'parametric-umap:tfjs-backend-wasm.wasm';
const names = [
  'tfjs-backend-wasm.wasm',
  'tfjs-backend-wasm-simd.wasm',
  'tfjs-backend-wasm-threaded-simd.wasm',
];

/** Makes WebAssembly the active backend. Whether it started, and what it said. */
export async function startWasm(backend: Package): Promise<{ value: boolean; said: string[] }> {
  // The build with threads works in a memory that is not ours to use. It would be taken in an isolated page, where it
  // does not start once its code is minified.
  if (!('wasm' in tf.engine().registry)) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  await bringFile(backend);
  return withFolder(() => withoutListeners(() => quietly(() => tf.setBackend('wasm'))));
}

/**
 * Has the backend load its compiled part from here. By itself it looks for a file beside the program: a bundle has none,
 * and a page must serve one.
 */
async function bringFile({ setWasmPaths, version_wasm }: Package): Promise<void> {
  if (wasmFile === '' || wasmFileVersion !== version_wasm || 'wasm' in tf.engine().registry) return;
  const bytes = await unpack(moduleBytes(wasmFile)).catch(() => undefined);
  if (bytes === undefined) return;
  try {
    setWasmPaths(Object.fromEntries(names.map((name) => [name, address])), true);
  } catch {
    // It has failed to start before, and takes no more advice.
    return;
  }
  const { platform } = tf.env();
  const { fetch } = platform;
  platform.fetch = (path, init) =>
    path === address ? Promise.resolve(new Response(bytes)) : fetch.call(platform, path, init);
}

async function unpack(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(plain).arrayBuffer();
}

const events = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * Runs a task and takes away the listeners that it has left on the process: the backend's throw what they hear, which
 * ends a server that hears such events itself.
 */
async function withoutListeners<T>(task: () => Promise<T>): Promise<T> {
  const program = globalThis.process as NodeJS.EventEmitter | undefined;
  if (typeof program?.listeners !== 'function' || typeof program.removeListener !== 'function') return task();
  const before = events.map((event) => new Set(program.listeners(event)));
  try {
    return await task();
  } finally {
    events.forEach((event, i) => {
      for (const listener of program.listeners(event)) {
        // One that the program adds meanwhile stays: it does not throw.
        if (before[i]!.has(listener) || !/\bthrow\b/.test(String(listener))) continue;
        program.removeListener(event, listener as (...args: unknown[]) => void);
      }
    });
  }
}

/**
 * Runs a task with a `__dirname`. The backend asks for its folder in Node.js, though it needs nothing from there, and
 * in a bundle that is an ES module there is no such name.
 */
async function withFolder<T>(task: () => Promise<T>): Promise<T> {
  if (!runsInNode() || '__dirname' in globalThis) return task();
  Object.defineProperty(globalThis, '__dirname', { value: '', configurable: true });
  try {
    return await task();
  } finally {
    Reflect.deleteProperty(globalThis, '__dirname');
  }
}
