/** Plain JavaScript: always there, and some ten times slower than WebAssembly. */
import * as tf from '../core/tf.js';
import { correctCpu } from './corrections.js';

/**
 * Plain JavaScript prints an advertisement when it is first written to in Node, which happens as soon as a caller builds
 * an encoder, before any fit has chosen a backend. So it is kept quiet from the moment the library is loaded.
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
