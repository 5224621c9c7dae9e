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

/** How to install it; part of the error and of the documentation. */
const advice =
  'npm install @tensorflow/tfjs-node with its install script allowed, or run scripts/native.mjs of this package (npm run native)';

/**
 * Makes native TensorFlow the active backend and returns the name of the package that provides it. Throws
 * `UnavailableError` with the reason for each package: not installed, or installed without its native part.
 */
export async function useTensorflow(): Promise<string> {
  if (!runsInNode()) {
    throw new UnavailableError(
      'tensorflow: expected Node.js, got another platform; use backend webgpu, wasm or auto',
    );
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
  throw new UnavailableError(
    `tensorflow: expected native TensorFlow, got none: ${reasons.join('; ')}; ${advice}`,
  );
}

/** Whether the active backend is native TensorFlow without a GPU, where reading a tensor takes at most a copy. */
export function nativeOnCpu(): boolean {
  const { isUsingGpuDevice } = tf.backend() as tf.KernelBackend & { readonly isUsingGpuDevice?: boolean };
  return isUsingGpuDevice === false;
}

/** Registers kernels and repairs for native TensorFlow, which must be the active backend. */
export async function prepareTensorflow(): Promise<void> {
  await restoreUtil();
  useShorterOperations();
  // For the UMAP loss, which is computed in JavaScript without SIMD.
  await compileKernels().catch(() => undefined);
}

/**
 * Environment variables that are set while TensorFlow loads, which is when it reads them. The first restricts its log
 * to errors. The second turns off oneDNN, which logs as well, may round differently, and is no faster for networks of
 * this size.
 */
const environment: Readonly<Record<string, string>> = {
  TF_CPP_MIN_LOG_LEVEL: '2',
  TF_ENABLE_ONEDNN_OPTS: '0',
};

async function load(name: string): Promise<void> {
  const added = Object.keys(environment).filter((variable) => process.env[variable] === undefined);
  for (const variable of added) process.env[variable] = environment[variable];
  try {
    await quietly(() => importPackage(name, 'tensorflow', advice));
  } finally {
    for (const variable of added) delete process.env[variable];
  }
}

/**
 * Replaces two functions of `node:util` that tfjs-node 4.22 calls for any operation with a tensor or list attribute.
 * Node.js 22 deprecates them and Node.js 23 has removed them. They stay replaced, because they are called at run
 * time.
 */
async function restoreUtil(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) < 22) return;
  const util = await importNode<typeof import('node:util') & { default?: object }>('util');
  if (util === undefined) return;
  const isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  // An imported module has them under `default`.
  Object.assign(util.default ?? util, { isNullOrUndefined, isArray: Array.isArray });
}
