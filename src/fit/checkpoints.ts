/** The checkpoints of one fit: when one is due, what it holds, and what to go on from. */

import { checkpointBytes, isCheckpoint, readCheckpoint } from '../artifact/checkpoint.js';
import { messageOf } from '../artifact/json.js';
import { fileIn, readStart, readWhole, replaceWhole, sweepWhole } from '../artifact/wholeFile.js';
import { ArtifactError, DataError, OptionError } from '../core/errors.js';
import type { Pauses } from '../core/pauses.js';
import type { CallbacksState } from '../training/callbacks.js';
import type { TrainState } from '../training/state.js';
import { differences, type Identity, identityOf } from './identity.js';
import type { RunInputs } from './inputs.js';
import type { CheckpointOptions } from './options/run.js';

/** The file of a checkpoint in its directory. */
export const checkpointName = 'parametric-umap.checkpoint';

/** Seconds between two checkpoints where the user gives no interval; */
export const SECONDS = 60;
/** or this many times as long as the last one took, where that is longer: under 2 % of the time. */
const LEAST_SHARE = 50;

/** A training as a checkpoint holds it. */
export interface SavedTraining {
  /** Whether the training has ended, so that only its result is left. */
  readonly finished: boolean;
  /** The backend that it ran on. */
  readonly backend: string;
  readonly training: TrainState;
  readonly callbacks: CallbacksState;
  /** Of this fit and earlier ones. */
  readonly history: Readonly<Record<string, readonly number[]>>;
  /** Of a training without the loop; see `Prepared.run`. */
  readonly own?: unknown;
}

/** What makes a fit the one that a checkpoint was made of. */
interface Owner {
  readonly estimator: string;
  readonly fit: number;
  readonly options: Identity;
  readonly inputs: Identity;
}

/** The file as it is read, whose form the version of its format and its hash promise. */
interface CheckpointFile {
  readonly owner: Owner;
  /** Of what the training was given: rows, targets, positions. */
  readonly data: Identity;
  readonly saved: SavedTraining;
}

/** The checkpoints of one fit. */
export interface Checkpoints {
  /** What to go on from; undefined: from the beginning. */
  readonly found: SavedTraining | undefined;
  /** Takes what the training is given. Throws `DataError` where the training to go on with was given something else. */
  identify(data: Readonly<Record<string, unknown>>): Promise<void>;
  /** Whether one is due after the step with this number, from 0. */
  due(step: number): boolean;
  /** Writes one in the place of the last. What fails is told once, and never ends the fit. */
  write(state: () => Promise<SavedTraining>): Promise<void>;
}

/** One fit, for `openCheckpoints`. */
export interface CheckpointContext {
  readonly option: CheckpointOptions | null;
  readonly inputs: RunInputs;
  /** The class of the estimator, its options, and the number of this fit. */
  readonly estimator: string;
  readonly options: object;
  readonly fit: number;
  readonly pauses: Pauses;
  /** Takes a line for `verbose`. */
  log(line: string): void;
  /** Takes a line that is always shown. */
  warn(line: string): void;
}

/** Options that change no bit of what is learned, and those that are compared by what they give. */
const uncompared = ['checkpoint', 'verbose', 'backend', 'callbacks'];

/**
 * Prepares the checkpoints of a fit, and finds the one to go on from. Undefined without the option. Throws `OptionError` for
 * `resume` without it and for a checkpoint of another fit, `ArtifactError` for a file that is none or damaged, and
 * `UnavailableError` in a browser.
 */
export async function openCheckpoints(context: CheckpointContext): Promise<Checkpoints | undefined> {
  const { option, inputs, log } = context;
  if (option === null) {
    if (inputs.resume !== true) return undefined;
    throw new OptionError(
      'fit: resume: expected the option checkpoint, which names the directory to go on from, got none; ' +
        'pass checkpoint: { path } to the constructor or to load',
    );
  }
  const file = await fileIn(option.path, checkpointName);
  await checkFree(file);
  await sweepWhole(file);
  const owner = await ownerOf(context);
  const found = inputs.resume === true ? await goOnFrom(file, owner, log) : undefined;
  return checkpointsOf(context, option, file, owner, found);
}

/** Throws `ArtifactError` where the file of the checkpoint would replace one of another program. */
async function checkFree(file: string): Promise<void> {
  // Whatever else is wrong with the path is told by reading or writing.
  const start = await readStart(file, 64).catch(() => undefined);
  if (start === undefined || isCheckpoint(start)) return;
  throw new ArtifactError(
    `checkpoint: ${file}: expected a checkpoint or nothing, got another file; give a directory of its own`,
  );
}

async function ownerOf({ estimator, fit, options, inputs, pauses }: CheckpointContext): Promise<Owner> {
  const compared = Object.entries(options).filter(([name]) => !uncompared.includes(name));
  const { signal: _, resume: __, ...others } = inputs;
  return {
    ...{ estimator, fit },
    options: await identityOf(Object.fromEntries(compared), pauses),
    inputs: await identityOf({ ...others }, pauses),
  };
}

/** The checkpoint in a file, if it is one to go on from. */
async function goOnFrom(
  file: string,
  owner: Owner,
  log: (line: string) => void,
): Promise<CheckpointFile | undefined> {
  const bytes = await readWhole(file);
  if (bytes === undefined) {
    log(`resume: no checkpoint at ${file}, the fit begins from the start`);
    return undefined;
  }
  const found = (await readCheckpoint(bytes, file)) as CheckpointFile;
  const { estimator, fit, options, inputs } = found.owner;
  // It is part of the estimator, which was saved after it; this fit has not come to a checkpoint of its own.
  if (found.saved.finished && fit < owner.fit && estimator === owner.estimator) {
    log(
      `resume: the checkpoint at ${file} is of fit ${fit}, which is done; fit ${owner.fit} begins from the start`,
    );
    return undefined;
  }
  const others = [
    ...differences({ estimator, fit }, { estimator: owner.estimator, fit: owner.fit }, ''),
    ...differences(options, owner.options, 'option '),
    ...differences(inputs, owner.inputs, 'input '),
  ];
  if (others.length > 0) throw new OptionError(ofAnother(file, others));
  const { finished, training } = found.saved;
  log(
    `resume: ${finished ? 'the fit is done' : `the fit goes on after step ${training.step}`}, from ${file}`,
  );
  return found;
}

function ofAnother(file: string, others: readonly string[]): string {
  return (
    `fit: resume: expected the fit that the checkpoint at ${file} is of, got another ${others.join(', ')}; ` +
    'give the same, or fit with resume: false to begin anew'
  );
}

function checkpointsOf(
  { pauses, warn, log }: CheckpointContext,
  { everySeconds, everySteps }: CheckpointOptions,
  file: string,
  owner: Owner,
  found: CheckpointFile | undefined,
): Checkpoints {
  let data: Identity = {};
  let told = false;
  let last = performance.now();
  let pause = 1000 * (everySeconds ?? SECONDS);
  return {
    found: found?.saved,
    async identify(given) {
      data = await identityOf(given, pauses);
      const others = found ? differences(found.data, data, '') : [];
      if (others.length > 0) throw new DataError(ofAnother(file, others));
    },
    due: (step) =>
      everySteps === undefined ? performance.now() - last >= pause : (step + 1) % everySteps === 0,
    async write(state) {
      const from = performance.now();
      try {
        const saved = await state();
        const content: CheckpointFile = { owner, data, saved };
        await replaceWhole(file, await checkpointBytes(content));
        if (told) log(`checkpoint: written to ${file} again`);
        told = false;
      } catch (error) {
        if (!told) {
          warn(
            `checkpoint: ${file} was not written: ${messageOf(error)}; the training goes on, an earlier checkpoint stays`,
          );
        }
        told = true;
      }
      last = performance.now();
      if (everySeconds === undefined) pause = Math.max(1000 * SECONDS, LEAST_SHARE * (last - from));
    },
  };
}
