/**
 * Native TensorFlow: `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node`, if the user has installed one.
 */

import { UnavailableError } from '../core/errors.js';
import { importFault, importNode, importPackage, runsInNode } from '../core/platform.js';
import * as tf from '../core/tf.js';
import { quietly } from './quiet.js';
import { useShorterOperations } from './tensorflowKernels.js';
import { compileKernels } from './wasm/module.js';

const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** How to get it; part of the error and of the documentation. */
const advice =
  'npm install @tensorflow/tfjs-node with its install script allowed, or run scripts/native.mjs of this package (npm run native)';

/**
 * Makes native TensorFlow the active backend and returns the name of the package that gave it. Throws
 * `UnavailableError` with the reason for each package: not installed, or installed without its native part.
 */
export async function useTensorflow(): Promise<string> {
  if (!runsInNode()) {
    throw new UnavailableError('tensorflow: native TensorFlow needs Node.js; use webgpu, wasm or auto');
  }
  const reasons: string[] = [];
  for (const name of packages) {
    try {
      await load(name);
      if (await tf.setBackend('tensorflow')) {
        await prepareTensorflow();
        return name;
      }
      reasons.push(`${name} registers no working backend`);
    } catch (error) {
      reasons.push(importFault(name, error instanceof UnavailableError ? error.cause : error));
    }
  }
  throw new UnavailableError(`tensorflow: ${reasons.join('; ')}; ${advice}`);
}

/** Whether the active backend is native TensorFlow without a GPU: then reading a tensor is a copy at most. */
export function nativeOnCpu(): boolean {
  const { isUsingGpuDevice } = tf.backend() as tf.KernelBackend & { readonly isUsingGpuDevice?: boolean };
  return isUsingGpuDevice === false;
}

/** Makes native TensorFlow, active already, work and train as this library wants it. */
export async function prepareTensorflow(): Promise<void> {
  await restoreUtil();
  useShorterOperations();
  // For the UMAP loss; where SIMD is missing, it is computed in JavaScript.
  await compileKernels().catch(() => undefined);
}

/**
 * Held while the library loads, which reads them then. It reports processor features on stderr unless told to
 * keep to errors; and oneDNN, which announces itself, may round differently and measured no faster for
 * networks of this size.
 */
const quiet: Readonly<Record<string, string>> = { TF_CPP_MIN_LOG_LEVEL: '2', TF_ENABLE_ONEDNN_OPTS: '0' };

async function load(name: string): Promise<void> {
  const added = Object.keys(quiet).filter((variable) => process.env[variable] === undefined);
  for (const variable of added) process.env[variable] = quiet[variable];
  try {
    await quietly(() => importPackage(name, 'tensorflow', advice));
  } finally {
    for (const variable of added) delete process.env[variable];
  }
}

/**
 * tfjs-node 4.22 calls two functions of `node:util` whenever an op has a tensor or list attribute. Node 22
 * warns about them and Node 23 removed them, so plain ones take their place; for good, because they are
 * called at run time.
 */
async function restoreUtil(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) < 22) return;
  const util = await importNode<typeof import('node:util') & { default?: object }>('util');
  if (util === undefined) return;
  const isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  // An import gives it as `default`.
  Object.assign(util.default ?? util, { isNullOrUndefined, isArray: Array.isArray });
}
