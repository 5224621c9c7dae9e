/** Options of a run: seed, backend, output. */

import type { OptionRows } from '../../core/options.js';
import { isA } from '../../core/realms.js';
import { choice, either, flag, integer, orNull, positive, type Rule, text } from '../../core/rules.js';

/** Where and how often the state of a training is saved. */
export interface CheckpointOptions {
  /** A directory, as a path or a `file:` URL, which is made where it is missing. It may hold other files. */
  readonly path: string | URL;
  /** Seconds between two checkpoints, above 0. Default: 60, and more where writing takes over 2 % of the time. */
  readonly everySeconds?: number | undefined;
  /** Gradient steps between two checkpoints, at least 1, in place of `everySeconds`. Default: by time. */
  readonly everySteps?: number | undefined;
}

export interface RunOptions {
  /** Equal seed, data, options, backend and machine give the same embedding to the last bit. A whole number or a text. Default 42. */
  seed: number | string;
  /** TensorFlow.js backend; `'auto'` keeps one that the program made active, else native if installed, else wasm. Default `'auto'`. */
  backend: 'auto' | 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';
  /** Prints what is chosen and shows progress, on stderr. Default false. */
  verbose: boolean;
  /**
   * Saves the state of the training in a directory while it runs, and at its end, so that `fit` with `resume: true` can go on from
   * it in another process, and end with the same bits. Needs a file system. Default null: not.
   */
  checkpoint: CheckpointOptions | null;
}

const intervals: Readonly<Record<string, Rule>> = { everySeconds: positive, everySteps: integer(1) };

/** A directory. */
export const placeRule: Rule = {
  kind: 'text',
  text: 'a path that is not empty, or a file: URL',
  accepts: (value) => (typeof value === 'string' ? value !== '' : isA('URL', value)),
  bad: ['', 3, true, null, {}, ['folder']],
};

/** A place and at most one interval. */
const checkpointRule: Rule = {
  kind: 'object',
  text: '{ path, everySeconds } or { path, everySteps }, with a path that is not empty and at most one interval above 0',
  accepts(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const { path, ...others } = value as Partial<Record<string, unknown>>;
    const given = Object.entries(others).filter(([, interval]) => interval !== undefined);
    return (
      placeRule.accepts(path) &&
      given.length <= 1 &&
      given.every(([name, interval]) => intervals[name]?.accepts(interval))
    );
  },
  bad: [
    ...[null, 0, true, 'folder', [], {}, { path: '' }, { path: 3 }, { path: 'folder', every: 10 }],
    ...[
      { path: 'folder', everySeconds: 0 },
      { path: 'folder', everySteps: 1.5 },
    ],
    { path: 'folder', everySeconds: 1, everySteps: 1 },
  ],
};

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
  checkpoint: {
    default: null,
    rule: orNull(checkpointRule),
    help: '`{ path, everySeconds }` or `{ path, everySteps }`: saves the training in a directory, for `resume`; null: not',
  },
};

/** What the options of a run are called in other libraries. */
export const runRenamed: Readonly<Record<string, string>> = {
  randomState: "the seed is called 'seed'",
  nJobs: 'threads are chosen by the library',
};
