/** Starts TensorFlow.js' WebAssembly backend on any platform, and undoes its changes to the process. */

import { runsInNode } from '../../core/platform.js';
import * as tf from '../../core/tf.js';
import { moduleBytes } from '../../core/wasmModule.js';
import { quietly } from '../quiet.js';
import { wasmFile, wasmFileVersion } from './file.js';

/** The part that is used here of `@tensorflow/tfjs-backend-wasm`. */
type Package = Pick<typeof import('@tensorflow/tfjs-backend-wasm'), 'setWasmPaths' | 'version_wasm'>;

/** The address under which the backend fetches its compiled part from this module. */
const address = 'parametric-umap:tfjs-backend-wasm.wasm';
const names = [
  'tfjs-backend-wasm.wasm',
  'tfjs-backend-wasm-simd.wasm',
  'tfjs-backend-wasm-threaded-simd.wasm',
];

/** Makes WebAssembly the active backend. Returns whether it started, and its log messages. */
export async function startWasm(backend: Package): Promise<{ value: boolean; messages: string[] }> {
  // Our kernels cannot use the shared memory of the build with threads, which is chosen in cross-origin isolated pages
  // and does not start there once its code is minified.
  if (!('wasm' in tf.engine().registry)) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  await provideFile(backend);
  return withFolder(() => withoutListeners(() => quietly(() => tf.setBackend('wasm'))));
}

/**
 * Makes the backend load its compiled part from this module. By default it looks for a file next to the program, which a
 * bundle does not have and a page would have to serve.
 */
async function provideFile({ setWasmPaths, version_wasm }: Package): Promise<void> {
  if (wasmFile === '' || wasmFileVersion !== version_wasm || 'wasm' in tf.engine().registry) return;
  const bytes = await unpack(moduleBytes(wasmFile)).catch(() => undefined);
  if (bytes === undefined) return;
  try {
    setWasmPaths(Object.fromEntries(names.map((name) => [name, address])), true);
  } catch {
    // It cannot be set once the backend has tried to start.
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
 * Runs a task and then removes the error listeners that it has added to the process: those of the backend rethrow, which
 * would end a server that handles such errors itself.
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
        // Listeners that the program has added meanwhile stay: they do not throw.
        if (before[i]!.has(listener) || !/\bthrow\b/.test(String(listener))) continue;
        program.removeListener(event, listener as (...args: unknown[]) => void);
      }
    });
  }
}

/**
 * Runs a task with a global `__dirname`, which the backend reads in Node.js without needing its value, and which a bundle
 * of ES modules does not have.
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
