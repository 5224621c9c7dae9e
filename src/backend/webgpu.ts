/** WebGPU: of the browser, or in Node.js of the package `webgpu` (Dawn) if installed. */

import { UnavailableError } from '../core/errors.js';
import { importPackage } from '../core/platform.js';
import * as tf from '../core/tf.js';
import { quietly } from './quiet.js';

const advice =
  'npm install webgpu @tensorflow/tfjs-backend-webgpu, on a machine with a Vulkan, Metal or Direct3D 12 driver';

/** The part of WebGPU that is used here. */
interface Gpu {
  requestAdapter(): Promise<{
    readonly info?: { readonly device?: string; readonly description?: string };
  } | null>;
}

/**
 * Makes WebGPU the active backend and returns the name of the adapter. Throws `UnavailableError` if a package or an
 * adapter is missing. Tensors can be read asynchronously only (`await tensor.data()`): `dataSync` needs a canvas.
 */
export async function useWebgpu(): Promise<string> {
  const withdraw = globalThis.navigator !== undefined && 'gpu' in navigator ? () => {} : await provideGpu();
  try {
    const adapter = await (navigator as unknown as { gpu: Gpu }).gpu.requestAdapter();
    if (adapter === null)
      throw new UnavailableError(`webgpu: expected a graphics adapter, got none; ${advice}`);
    // In a page the program imports it, because browsers do not resolve package names.
    if (!('webgpu' in tf.engine().registryFactory)) await load('@tensorflow/tfjs-backend-webgpu');
    const { value: started, messages } = await quietly(() => tf.setBackend('webgpu'));
    if (!started) {
      throw new UnavailableError(
        `webgpu: expected TensorFlow.js' WebGPU backend to start, got ${messages.at(-1) ?? 'no reason'}; ${advice}`,
      );
    }
    return adapter.info?.description || adapter.info?.device || 'unnamed adapter';
  } catch (error) {
    withdraw();
    throw error;
  }
}

/**
 * Provides `navigator.gpu` and the constants of WebGPU from Dawn, which the backend expects from its import on. Returns a
 * function that removes `navigator.gpu` again.
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
