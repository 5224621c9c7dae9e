/** Chooses the TensorFlow.js backend. */

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

/** The active backend, and why, in one line. */
export interface BackendChoice {
  /** Its name in TensorFlow.js: `tensorflow`, `webgpu`, `wasm`, `cpu`, or another one that the program has set. */
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

/** Changes of the backend take turns: fits that start at the same time must not interfere with each other. */
let turn: Promise<unknown> = Promise.resolve();

/** The backend that was last made active by this module, on request or after a failure; not the program's choice. */
let chosenHere: string | undefined;

/** The backend that the program was last seen to have made active through TensorFlow.js; undefined for none. */
let chosenByProgram: string | undefined;

/**
 * Makes a backend the active one of TensorFlow.js, and returns its name and the reason for the choice.
 *
 * `auto` (the default) keeps a backend that the program has made active through TensorFlow.js, even if an estimator
 * has requested another one by name meanwhile. Otherwise it takes native TensorFlow if a tfjs-node package is
 * installed and loads; else WebAssembly with training kernels, in browsers too; else plain JavaScript, with a warning
 * on the console. TensorFlow.js activates `cpu` by itself at the first operation and does not record who chose it. So
 * an active `cpu` counts as the program's choice only if a faster backend was registered (`tf.setBackend('cpu')`
 * after importing another one). Pass `cpu` here to be sure of plain JavaScript.
 *
 * The environment variable `PARAMETRIC_UMAP_BACKEND` replaces `auto` in this process by a name from the list,
 * whichever backend is active.
 *
 * Throws `UnavailableError` if a backend requested by name is not available, with the reason and what to install; the
 * active backend then stays active. Throws `OptionError` for an unknown name.
 */
export function useBackend(requested: BackendName = 'auto'): Promise<BackendChoice> {
  const choice = turn.then(() => trackingChanges(() => choose(requested)));
  turn = choice.catch(() => undefined);
  return choice;
}

/**
 * Makes the backend active again that an estimator was fitted on, if the active one is another estimator's: embeddings
 * must not depend on which estimator was fitted last. A backend that the program has chosen since stays active.
 */
export function returnTo(name: string): Promise<void> {
  const change = turn.then(() =>
    trackingChanges(async () => {
      const { backendName, registryFactory } = tf.engine();
      if (backendName !== name && backendName === chosenHere && name in registryFactory)
        await tf.setBackend(name);
    }),
  );
  turn = change.catch(() => undefined);
  return change;
}

/**
 * As `returnTo`, but synchronous, for training that goes on after a pause. The backend `name` must have been active
 * before, so that it need not start.
 */
export function holdBackend(name: string): void {
  const { backendName, registry } = tf.engine();
  if (backendName === name || backendName !== chosenHere || !(name in registry)) return;
  chosenHere = name;
  // Takes effect at once, because the backend has started.
  void tf.setBackend(name);
}

/** Runs a change of the backend, and records who has chosen the active one: the program, or this module. */
async function trackingChanges<T>(change: () => Promise<T>): Promise<T> {
  const before = tf.engine().backendName;
  if (before !== chosenHere) chosenByProgram = choiceOfProgram();
  try {
    return await change();
  } finally {
    const after = tf.engine().backendName;
    if (after !== before) chosenHere = after;
  }
}

async function choose(requested: BackendName): Promise<BackendChoice> {
  shortenTileGradient();
  if (requested !== 'auto') return start(check(requested, 'backend'), 'as requested');
  const preset = globalThis.process?.env?.PARAMETRIC_UMAP_BACKEND ?? '';
  if (preset !== '' && preset !== 'auto') {
    return start(check(preset, 'PARAMETRIC_UMAP_BACKEND'), 'as set in PARAMETRIC_UMAP_BACKEND');
  }
  if (chosenByProgram !== undefined) {
    if (tf.engine().backendName !== chosenByProgram) await tf.setBackend(chosenByProgram);
    return keep(chosenByProgram);
  }
  return best();
}

function check(name: string, where: string): Exclude<BackendName, 'auto'> {
  if (Object.hasOwn(starters, name)) return name as Exclude<BackendName, 'auto'>;
  throw new OptionError(
    `${where}: expected one of auto, ${Object.keys(starters).join(', ')}, got ${String(name)}; use auto to let the library choose`,
  );
}

async function start(name: Exclude<BackendName, 'auto'>, why: string): Promise<BackendChoice> {
  const previous = tf.engine().backendName;
  try {
    const what = await starters[name]();
    return { name, reason: `${name}: ${what}, ${why}` };
  } catch (error) {
    // TensorFlow.js leaves a backend that failed to start half active.
    if (tf.engine().backendName !== previous) {
      if (previous === undefined) await useCpu();
      else await tf.setBackend(previous);
    }
    throw error;
  }
}

async function best(): Promise<BackendChoice> {
  const rejected: string[] = [];
  // Not WebGL in browsers: it may be emulated in software, and our kernels are WebAssembly. A program can still set it.
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

/** Once per process: users must know why training takes fifty times as long. */
function warnOfCpu(rejected: readonly string[]): void {
  if (warned) return;
  warned = true;
  console.warn(
    `parametric-umap: expected WebAssembly, got plain JavaScript, some fifty times slower (${rejected.join('; ')}); ` +
      "fix the cause, or set backend: 'cpu' to use it without this warning",
  );
}

/** Why a backend was skipped, without the advice for those who requested it. */
function brief(error: UnavailableError): string {
  return error.message.replace(/: expected .*?, got none: /, ': ').replace(/; npm install.*$/s, '');
}

/** Keeps the backend that the program has chosen, with our kernels. */
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

/** The active backend if the program has chosen it, as far as can be told. */
function choiceOfProgram(): string | undefined {
  const { backendName, registryFactory } = tf.engine();
  if (backendName === undefined || backendName === null) return undefined;
  if (backendName !== 'cpu') return backendName;
  const cpu = registryFactory.cpu?.priority ?? 0;
  return Object.values(registryFactory).some(({ priority }) => priority > cpu) ? backendName : undefined;
}
