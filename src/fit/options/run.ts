/** Options of a run: seed, backend, output. */

import type { OptionRows } from '../../core/options.js';
import { choice, either, flag, integer, text } from '../../core/rules.js';

export interface RunOptions {
  /** Equal seed, data, options, backend and machine give the same embedding to the last bit. A whole number or a text. Default 42. */
  seed: number | string;
  /** TensorFlow.js backend; `'auto'` keeps one that the program made active, else native if installed, else wasm. Default `'auto'`. */
  backend: 'auto' | 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';
  /** Prints what is chosen and shows progress, on stderr. Default false. */
  verbose: boolean;
}

export const runRows: OptionRows<RunOptions> = {
  seed: {
    default: 42,
    rule: either(integer(), text('a name')),
    help: 'a whole number or a text',
  },
  backend: {
    default: 'auto',
    rule: choice('auto', 'tensorflow', 'webgpu', 'wasm', 'cpu'),
    help: 'see Backends',
  },
  verbose: {
    default: false,
    rule: flag,
    help: 'prints what is chosen and shows progress, on stderr',
  },
};

/** What the options of a run are called in other libraries. */
export const runRenamed: Readonly<Record<string, string>> = {
  randomState: "the seed is called 'seed'",
  nJobs: 'threads are chosen by the library',
};
