/** Plain JavaScript: always available, and some ten times slower than WebAssembly. */
import * as tf from '../core/tf.js';
import { correctCpu } from './corrections.js';

/**
 * Suppresses the advertisement that the cpu backend prints in Node.js when it first gets a tensor. That happens as
 * soon as a program builds an encoder, before a fit has chosen a backend; so this runs when the library is loaded.
 */
export function keepCpuQuiet(): void {
  const entry = tf.engine().registryFactory.cpu;
  if (entry === undefined) return;
  const { factory } = entry;
  entry.factory = () => {
    const backend = factory();
    if ('firstUse' in backend) backend.firstUse = false;
    return backend;
  };
}

/** Makes plain JavaScript the active backend. */
export async function useCpu(): Promise<void> {
  await tf.setBackend('cpu');
  const backend = tf.backend() as tf.KernelBackend & { firstUse?: boolean };
  backend.firstUse = false;
  correctCpu();
}
