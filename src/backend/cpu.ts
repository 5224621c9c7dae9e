/** Plain JavaScript: always there, and some ten times slower than WebAssembly. */
import * as tf from '@tensorflow/tfjs';
import { correctGradients } from './corrections.js';

/**
 * Makes plain JavaScript the active backend, without the advertisement it prints when it is first written to
 * in Node.
 */
export async function useCpu(): Promise<void> {
  await tf.setBackend('cpu');
  const backend = tf.backend() as tf.KernelBackend & { firstUse?: boolean };
  backend.firstUse = false;
  correctGradients('cpu');
}
