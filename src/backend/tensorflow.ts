/** Native TensorFlow: `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node`, if the user has installed one. */
import * as tf from '@tensorflow/tfjs';
import { UnavailableError } from '../errors.js';
import { quietly } from './quiet.js';

const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** How to get it; part of the error and of the documentation. */
const advice =
  'npm install @tensorflow/tfjs-node with its install script allowed, or run `npm run native` in a copy of this package';

/**
 * Makes native TensorFlow the active backend and returns the name of the package that gave it. Throws
 * `UnavailableError` with the reason for each package: not installed, or installed without its native part.
 */
export async function useTensorflow(): Promise<string> {
  await restoreUtil();
  const reasons: string[] = [];
  for (const name of packages) {
    try {
      await load(name);
      if (await tf.setBackend('tensorflow')) return name;
      reasons.push(`${name} registers no working backend`);
    } catch (error) {
      reasons.push(explain(name, error));
    }
  }
  throw new UnavailableError(`tensorflow: ${reasons.join('; ')}; ${advice}`);
}

async function load(name: string): Promise<void> {
  // TensorFlow's C++ side reports processor features on stderr while it loads, unless told to keep to errors.
  const level = process.env.TF_CPP_MIN_LOG_LEVEL;
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  try {
    await quietly(() => import(/* webpackIgnore: true */ /* @vite-ignore */ name));
  } finally {
    if (level === undefined) delete process.env.TF_CPP_MIN_LOG_LEVEL;
  }
}

/**
 * tfjs-node 4.22 calls two functions of `node:util` that Node 23 removed, whenever an op has a tensor or list attribute.
 * They are put back, for good, because the package calls them at run time.
 */
async function restoreUtil(): Promise<void> {
  const { default: util } = await import('node:util');
  const old = util as { isNullOrUndefined?: unknown; isArray?: unknown };
  old.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  old.isArray ??= Array.isArray;
}

function explain(name: string, error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  const text = String(message ?? error);
  if (code === 'ERR_MODULE_NOT_FOUND' && text.includes(name)) return `${name} is not installed`;
  const first = text.split('\n')[0]!.slice(0, 200);
  if (/addon|binding|\.node\b|napi/.test(text)) {
    return `${name} is installed but its native part is missing, as when install scripts were blocked (${first})`;
  }
  return `${name} does not load (${first})`;
}
