/** WebGPU: the browser's, or in Node that of the `webgpu` package (Dawn) when installed. */

import { UnavailableError } from '../core/errors.js';
import { importPackage } from '../core/platform.js';
import * as tf from '../core/tf.js';
import { quietly } from './quiet.js';

const advice =
  'npm install webgpu @tensorflow/tfjs-backend-webgpu, on a machine with a Vulkan, Metal or Direct3D 12 driver';

/** The part of WebGPU that is needed to start. */
interface Gpu {
  requestAdapter(): Promise<{
    readonly info?: { readonly device?: string; readonly description?: string };
  } | null>;
}

/**
 * Makes WebGPU the active backend and returns the adapter's name. Throws `UnavailableError` when a package or
 * an adapter is missing. Results can be read asynchronously only (`await tensor.data()`): `dataSync` needs a
 * canvas.
 */
export async function useWebgpu(): Promise<string> {
  const withdraw = globalThis.navigator !== undefined && 'gpu' in navigator ? () => {} : await provideGpu();
  try {
    const adapter = await (navigator as unknown as { gpu: Gpu }).gpu.requestAdapter();
    if (adapter === null) throw new UnavailableError(`webgpu: no graphics adapter found; ${advice}`);
    // A page's program imports it itself, for a browser finds no package by its name.
    if (!('webgpu' in tf.engine().registryFactory)) await load('@tensorflow/tfjs-backend-webgpu');
    const { value: started, said } = await quietly(() => tf.setBackend('webgpu'));
    if (!started) {
      throw new UnavailableError(`webgpu: does not start (${said.at(-1) ?? 'no reason given'}); ${advice}`);
    }
    return adapter.info?.description || adapter.info?.device || 'unnamed adapter';
  } catch (error) {
    withdraw();
    throw error;
  }
}

/**
 * Puts Dawn where a browser has its WebGPU: the backend looks for `navigator.gpu` when it is imported, and uses the
 * constants of WebGPU from then on. Returns the way back.
 */
async function provideGpu(): Promise<() => void> {
  const { create, globals } = (await load('webgpu')) as {
    create(flags: string[]): Gpu;
    globals: Record<string, unknown>;
  };
  Object.assign(globalThis, globals);
  const bare = globalThis.navigator === undefined;
  if (bare) Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true, writable: true });
  Object.defineProperty(navigator, 'gpu', { value: create([]), configurable: true });
  return () => {
    Reflect.deleteProperty(navigator, 'gpu');
    if (bare) Reflect.deleteProperty(globalThis, 'navigator');
  };
}

async function load(name: string): Promise<unknown> {
  return (await quietly(() => importPackage(name, 'webgpu', advice))).value;
}
