/** A callback that writes what TensorBoard shows: curves, histograms of weights, and the embedding. */
import { describe, OptionError } from '../core/errors.js';
import { resolveOptions } from '../core/options.js';
import { createRandom, shuffle } from '../core/random.js';
import { isA } from '../core/realms.js';
import { integer, object, orNull } from '../core/rules.js';
import type { Progress } from '../core/types.js';
import type { Training, TrainingCallback } from '../training/callbacks.js';
import { type Summary, summaryEvent, versionEvent } from './events.js';
import { type LogFiles, logFiles } from './files.js';
import { histogramOf } from './histogram.js';
import {
  checkColumns,
  type LabelColumns,
  labelColumns,
  metadataTsv,
  positionsTsv,
  projectorEntry,
  type RowLabels,
} from './projector.js';
import { record } from './records.js';

/** Options of `tensorboard`. */
export interface TensorBoardOptions {
  /** Reports from one set of histograms of the weights to the next, at least 1; null: none. Default 5. */
  readonly histogramEvery?: number | null | undefined;
  /**
   * Most fitted rows whose embedding is written at the end for the projector, at least 2; a sample where there are more,
   * drawn once; null: none. Default 10,000.
   */
  readonly embeddingRows?: number | null | undefined;
  /**
   * Labels of the embedded rows in the projector: a list with one number or text per fitted row, or several lists by name.
   * Default null: row numbers only.
   */
  readonly labels?: RowLabels | LabelColumns | null | undefined;
}

const defaults: Readonly<Required<TensorBoardOptions>> = Object.freeze({
  histogramEvery: 5,
  embeddingRows: 10_000,
  labels: null,
});

const rules = {
  histogramEvery: orNull(integer(1)),
  embeddingRows: orNull(integer(2)),
  labels: orNull(object('a list, or lists by name')),
};

/** In place of the name of a host, which file names of TensorBoard have after the time. */
const HOST = 'parametric-umap';

/**
 * A callback that logs a training for TensorBoard: `tensorboard --logdir DIRECTORY` shows it while it runs. Works with every
 * estimator.
 *
 * At each report it writes scalars: `loss/…` each loss by its name in the history, `held_out/…` those of held-out rows,
 * `learning_rate` and those of groups that have their own, `numbers/…` learned numbers. At every `histogramEvery`-th report and
 * at the end: `encoder/…`, `decoder/…` histograms of the weights. At the end: the embedding of the fitted rows, as
 * `embedding-….tsv`, `metadata-….tsv` and an entry in `projector_config.pbtxt`. The step of all is gradient steps done; a later
 * fit goes on from those of earlier ones with the same callback, in a file of its own.
 *
 * `directory` is a path or a `file:` URL, made where it is not there; give each run its own below a common one to compare runs.
 * Files that are there stay as they are, but for entries added to `projector_config.pbtxt`. Where writing fails, one line on
 * the console says so, and the training goes on without the log. Logging changes no bit of what is learned.
 *
 * Throws `OptionError` for a wrong argument; the fit throws it for labels that are not as many as the fitted rows, and
 * `UnavailableError` where there is no Node.js.
 *
 * ```js
 * const board = tensorboard('runs/first', { labels });
 * await new ParametricUMAP({ callbacks: [board] }).fit(rows);
 * ```
 */
export function tensorboard(directory: string | URL, options: TensorBoardOptions = {}): TrainingCallback {
  const caller = 'tensorboard';
  const location = locationOf(caller, directory);
  const chosen = resolveOptions<Required<TensorBoardOptions>>(caller, options, defaults, rules);
  const columns = labelColumns(caller, chosen.labels);
  let training: Training | undefined;
  let log: Log | undefined;
  /** Steps of earlier fits, and of this one. */
  let stepsBefore = 0;
  let steps = 0;
  /** Reports of this fit, and how many there were at the last histograms. */
  let reports = 0;
  let drawn = 0;
  const histograms = async () => {
    drawn = reports;
    await log!.write(stepsBefore + steps, histogramsOf(await training!.weights()));
  };
  return {
    setParams(params: Record<string, unknown>) {
      training = params.training as Training;
    },
    async onTrainBegin() {
      if (chosen.embeddingRows !== null) checkColumns(caller, columns, training!.rows);
      stepsBefore += steps;
      steps = 0;
      reports = 0;
      drawn = 0;
      log = await openLog(await logFiles(location), location);
    },
    async onEpochEnd() {
      reports++;
      steps = training!.step;
      await log!.write(stepsBefore + steps, scalarsOf(training!.progress!));
      const { histogramEvery } = chosen;
      if (histogramEvery !== null && reports % histogramEvery === 0 && log!.works()) await histograms();
    },
    async onTrainEnd() {
      if (reports === 0 || !log!.works()) return;
      if (chosen.histogramEvery !== null && drawn < reports) await histograms();
      if (chosen.embeddingRows !== null) await writeEmbedding(training!, columns, chosen.embeddingRows, log!);
    },
  };
}

function locationOf(caller: string, directory: unknown): string {
  const location = isA('URL', directory) ? (directory as URL).href : directory;
  const other = typeof location === 'string' && /^[a-z][a-z0-9+.-]+:\/\//i.test(location);
  if (typeof location === 'string' && location !== '' && (!other || location.startsWith('file:')))
    return location;
  throw new OptionError(
    `${caller}: directory: expected a path or a file: URL, got ${describe(location)}; name a directory for the log`,
  );
}

/** The files of one fit. After an error of the file system nothing is written any more. */
interface Log {
  works(): boolean;
  write(step: number, summaries: readonly Summary[]): Promise<void>;
  /** Does something with the files, `id` being a part of names for this fit. */
  use(task: (files: LogFiles, id: string) => Promise<void>): Promise<void>;
}

async function openLog(files: LogFiles, location: string): Promise<Log> {
  const seconds = () => Date.now() / 1000;
  const started = Math.floor(seconds());
  let id = '';
  let works = true;
  const use: Log['use'] = async (task) => {
    if (!works) return;
    try {
      await task(files, id);
    } catch (error) {
      works = false;
      const reason = error instanceof Error ? error.message : String(error);
      console.warn(
        `tensorboard: expected to write to ${location}, got an error: ${reason}; the training goes on, and nothing more is logged of it`,
      );
    }
  };
  await use(async () => {
    // TensorBoard reads the files of a directory in the order of their names.
    const name = (number: number) => `${started}.${HOST}.${number}`;
    const file = await files.create(
      (number) => `events.out.tfevents.${name(number)}`,
      record(versionEvent(seconds())),
    );
    id = file.slice('events.out.tfevents.'.length);
  });
  return {
    works: () => works,
    use,
    write: (step, summaries) =>
      use(() => files.append(`events.out.tfevents.${id}`, record(summaryEvent(seconds(), step, summaries)))),
  };
}

/** What a report holds, under names that TensorBoard groups by their first part. */
function scalarsOf({ losses, learningRate, learningRates = {}, numbers = {} }: Progress): Summary[] {
  const named = (group: string, values: Readonly<Record<string, number>>) =>
    Object.entries(values).map(([name, scalar]) => ({ tag: `${group}/${name}`, scalar }));
  const isHeldOut = ([name]: readonly [string, number]) => /^val[A-Z]/.test(name);
  const all = Object.entries(losses);
  return [
    ...named('loss', Object.fromEntries(all.filter((entry) => !isHeldOut(entry)))),
    ...named('held_out', Object.fromEntries(all.filter(isHeldOut))),
    { tag: 'learning_rate', scalar: learningRate },
    ...named('learning_rate', learningRates),
    ...named('numbers', numbers),
  ];
}

function histogramsOf(weights: Awaited<ReturnType<Training['weights']>>): Summary[] {
  return weights.flatMap(({ name, values }) => {
    const histogram = histogramOf(values);
    return histogram ? [{ tag: name, histogram }] : [];
  });
}

/** Writes the embedding of the fitted rows, or of a sample. */
async function writeEmbedding(
  training: Training,
  columns: LabelColumns,
  most: number,
  log: Log,
): Promise<void> {
  const all = Int32Array.from({ length: training.rows }, (_, row) => row);
  // A stream of its own, so that the training draws what it draws without a log.
  const rows = all.length <= most ? all : shuffle(all, createRandom('tensorboard')).slice(0, most).sort();
  const positions = await training.embed(rows);
  await log.use(async (files, id) => {
    const named = (what: string) => (number: number) =>
      `${what}-${id}${number === 0 ? '' : `.${number}`}.tsv`;
    const tensor = await files.create(named('embedding'), positionsTsv(positions));
    const metadata = await files.create(named('metadata'), metadataTsv(rows, columns));
    await files.add('projector_config.pbtxt', projectorEntry(`embedding ${id}`, tensor, metadata));
  });
}
