/** Which TensorFlow.js backend does the work. */

import { OptionError, UnavailableError } from '../core/errors.js';
import { runsInNode } from '../core/platform.js';
import * as tf from '../core/tf.js';
import { shortenTileGradient } from './corrections.js';
import { keepCpuQuiet, useCpu } from './cpu.js';
import { prepareTensorflow, useTensorflow } from './tensorflow.js';
import { enableTraining, useWasm } from './wasm/backend.js';
import { useWebgpu } from './webgpu.js';

keepCpuQuiet();

/** A backend by name, or `auto`: see `useBackend`. */
export type BackendName = 'auto' | 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';

/** What is in use now, and why, in one line. */
export interface BackendChoice {
  /**
   * As TensorFlow.js calls it: `tensorflow`, `webgpu`, `wasm`, `cpu`, or another one that the caller has set.
   */
  readonly name: string;
  readonly reason: string;
}

const starters: Readonly<Record<Exclude<BackendName, 'auto'>, () => Promise<string>>> = {
  tensorflow: async () => `native TensorFlow from ${await useTensorflow()}`,
  webgpu: async () => `WebGPU on ${await useWebgpu()}`,
  wasm: async () => {
    await useWasm();
    return 'WebAssembly with training kernels';
  },
  cpu: async () => {
    await useCpu();
    return 'plain JavaScript';
  },
};

/** Chooses in turn: two fits that start together must not switch backends under each other. */
let turn: Promise<unknown> = Promise.resolve();

/** What is active because it was asked for here, or was left after a failure here: no choice of the program's. */
let ours: string | undefined;

/** What the program had made active through TensorFlow.js when that was noticed last; undefined for nothing. */
let programs: string | undefined;

/**
 * Makes a backend the active one of TensorFlow.js, and says which and why.
 *
 * `auto` (the default) keeps a backend that the program has made active through TensorFlow.js, also when an estimator
 * has used another one by name meanwhile; else takes native TensorFlow
 * if a tfjs-node package is installed and loads, else WebAssembly with our training kernels, in a browser too; else plain
 * JavaScript, with a warning on the console. TensorFlow.js falls back to `cpu` by
 * itself at the first operation and keeps no note of who chose, so an active `cpu` counts as the caller's
 * choice only when a better backend stood ready (`tf.setBackend('cpu')` after importing another one); to have
 * plain JavaScript for sure, say `cpu` here.
 *
 * The environment variable `PARAMETRIC_UMAP_BACKEND` says what `auto` means in this process: a name from the
 * list, taken as if it had been given here, whatever is active.
 *
 * Throws `UnavailableError` when a backend given by name cannot be had; it says why and what to install. The
 * backend that was active then stays active. Throws `OptionError` for an unknown name.
 */
export function useBackend(wanted: BackendName = 'auto'): Promise<BackendChoice> {
  const choice = turn.then(() => noticing(() => choose(wanted)));
  turn = choice.catch(() => undefined);
  return choice;
}

/**
 * Makes the backend that an estimator was fitted on active again, if another estimator's is: so its places do not depend
 * on who was fitted last. What the program has made active since stays.
 */
export function returnTo(name: string): Promise<void> {
  const change = turn.then(() =>
    noticing(async () => {
      const { backendName, registryFactory } = tf.engine();
      if (backendName !== name && backendName === ours && name in registryFactory) await tf.setBackend(name);
    }),
  );
  turn = change.catch(() => undefined);
  return change;
}

/**
 * The same at once, for a training whose turn it is again; `name` has been active before, so that nothing has to start.
 */
export function holdBackend(name: string): void {
  const { backendName, registry } = tf.engine();
  if (backendName === name || backendName !== ours || !(name in registry)) return;
  ours = name;
  // What it promises is done when it returns, since the backend is there.
  void tf.setBackend(name);
}

/** Tells changes of the active backend that are the program's from those that are made here. */
async function noticing<T>(change: () => Promise<T>): Promise<T> {
  const before = tf.engine().backendName;
  if (before !== ours) programs = callersChoice();
  try {
    return await change();
  } finally {
    const after = tf.engine().backendName;
    if (after !== before) ours = after;
  }
}

async function choose(wanted: BackendName): Promise<BackendChoice> {
  shortenTileGradient();
  if (wanted !== 'auto') return start(check(wanted, 'backend'), 'as asked');
  const ordered = globalThis.process?.env?.PARAMETRIC_UMAP_BACKEND ?? '';
  if (ordered !== '' && ordered !== 'auto') {
    return start(check(ordered, 'PARAMETRIC_UMAP_BACKEND'), 'as PARAMETRIC_UMAP_BACKEND says');
  }
  if (programs !== undefined) {
    if (tf.engine().backendName !== programs) await tf.setBackend(programs);
    return keep(programs);
  }
  return best();
}

function check(name: string, where: string): Exclude<BackendName, 'auto'> {
  if (Object.hasOwn(starters, name)) return name as Exclude<BackendName, 'auto'>;
  throw new OptionError(
    `${where}: must be one of auto, ${Object.keys(starters).join(', ')} (got ${String(name)})`,
  );
}

async function start(name: Exclude<BackendName, 'auto'>, why: string): Promise<BackendChoice> {
  const previous = tf.engine().backendName;
  try {
    const what = await starters[name]();
    return { name, reason: `${name}: ${what}, ${why}` };
  } catch (error) {
    // A backend that failed to start stays half active.
    if (tf.engine().backendName !== previous) {
      if (previous === undefined) await useCpu();
      else await tf.setBackend(previous);
    }
    throw error;
  }
}

async function best(): Promise<BackendChoice> {
  const rejected: string[] = [];
  // In a browser not WebGL, which may be made of software: our kernels are in WebAssembly. Those who want it set it.
  const candidates = runsInNode() ? (['tensorflow', 'wasm'] as const) : (['wasm'] as const);
  for (const name of candidates) {
    try {
      return await start(name, rejected.length === 0 ? 'the fastest here' : rejected.join('; '));
    } catch (error) {
      rejected.push(error instanceof UnavailableError ? brief(error) : `${name}: ${String(error)}`);
    }
  }
  warnOfCpu(rejected);
  return start('cpu', rejected.join('; '));
}

let warned = false;

/** Once a process: what takes fifty times as long must not come unsaid. */
function warnOfCpu(rejected: readonly string[]): void {
  if (warned) return;
  warned = true;
  console.warn(
    `parametric-umap: expected WebAssembly, got plain JavaScript, some fifty times slower (${rejected.join('; ')}); ` +
      "do mend that, or give backend: 'cpu' to have it without this warning",
  );
}

/** Why something was passed over, without the advice that follows for those who asked for it. */
function brief(error: UnavailableError): string {
  return error.message.replace(/; npm install.*$/s, '');
}

async function keep(name: string): Promise<BackendChoice> {
  await tf.ready();
  if (name === 'cpu') await useCpu();
  if (name === 'tensorflow') await prepareTensorflow();
  if (name !== 'wasm') return { name, reason: `${name}: already active` };
  try {
    await enableTraining();
    return { name, reason: 'wasm: already active; training kernels added' };
  } catch (error) {
    return { name, reason: `wasm: already active; without training kernels (${(error as Error).message})` };
  }
}

function callersChoice(): string | undefined {
  const { backendName, registryFactory } = tf.engine();
  if (backendName === undefined || backendName === null) return undefined;
  if (backendName !== 'cpu') return backendName;
  const cpu = registryFactory.cpu?.priority ?? 0;
  return Object.values(registryFactory).some(({ priority }) => priority > cpu) ? backendName : undefined;
}
