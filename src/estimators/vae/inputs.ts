/** What `fit` of a variational autoencoder reads: rows, held-out rows, their likelihood and statistics. */

import { DataError } from '../../core/errors.js';
import { blockOf, inBlocks, type Work } from '../../core/pauses.js';
import type { Matrix } from '../../core/types.js';
import type { RowsInput } from '../../data/matrix.js';
import { asRowSource, isReadOnce } from '../../data/rowSource.js';
import type { Targets } from '../../data/targets.js';
import { type FitSplit, withHeldOut } from '../../fit/heldOut.js';
import type { RunInputs } from '../../fit/inputs.js';
import { fitDefaults } from '../../fit/options/fitOptions.js';
import type { FitContext, Learned } from '../../fit/records.js';
import { readFitRows } from '../../fit/rows.js';
import type { Likelihood } from '../../networks/variational/decoder.js';
import type { RowStatistics } from '../../networks/variational/standardization.js';
import type { RunnableVAEOptions } from './logdir.js';
import { type OutsideValue, type StreamedRows, statisticsFrom } from './streamed.js';

/** Fewest rows of which some are held out unless the fit is given held-out rows. */
const SPLIT_FROM = 20;

/** Rows that are read of a source which is streamed: for held-out rows, the widths of networks and pseudo-rows. */
const STREAM_SAMPLE = 20_000;

/** What a fit reads. Of a source that is streamed, `rows` are a sample. */
export interface VaeRows extends FitSplit {
  /** The rows to train on; undefined: those in memory. */
  readonly stream: StreamedRows | undefined;
}

/** Reads the rows, and splits the held-out ones off. Throws `DataError` and `OptionError`. */
export async function readVaeRows(
  X: RowsInput,
  y: Targets | null | undefined,
  inputs: RunInputs,
  options: RunnableVAEOptions,
  earlier: Learned | undefined,
  context: FitContext,
): Promise<VaeRows> {
  const { encoder, decoder, seed, dimLatent: nComponents, trainValidSplit } = options;
  const source = asRowSource(X);
  // A source that can be read once is sampled.
  const streamed = source && typeof inputs.sampleRows !== 'number' && !isReadOnce(source);
  const { parametricReconstructionLossFn } = fitDefaults;
  const ofRows = {
    ...{ nComponents, seed, encoder, decoder },
    ...{ parametricReconstruction: true, parametricReconstructionLossFn },
  };
  const { sampleRows: _, ...others } = inputs;
  const ofInputs = streamed
    ? { ...inputs, sampleRows: STREAM_SAMPLE }
    : inputs.sampleRows === null
      ? others
      : inputs;
  const { log, stage } = context;
  // The number of the sample is not told as that of the rows to learn from.
  const listener = streamed ? { log() {}, stage } : context;
  // Read, so that wrong ones are refused, though nothing learns from them.
  const rows = await readFitRows(X, y ?? undefined, ofInputs, undefined, ofRows, earlier, listener);
  const [count] = rows.input.matrix.shape;
  const share = trainValidSplit < 1 && count >= SPLIT_FROM ? 1 - trainValidSplit : undefined;
  const { reconstructionValidation } = fitDefaults;
  const split = await withHeldOut(rows, inputs.validation ?? share, { seed, reconstructionValidation });
  const { numbering, frame } = rows;
  // A source with no more rows than the sample is in memory.
  if (!streamed || !numbering || numbering.rows === count) return { ...split, stream: undefined };
  const held = new Set(split.split?.map((place) => numbering.numbers[place]!));
  const stream = { source, frame, held, rows: numbering.rows - held.size };
  log(`rows: ${stream.rows} are read in each epoch, ${split.held?.shape[0] ?? 0} are held out`);
  return { ...split, stream };
}

/** The first value outside [0, 1]. */
export function* outsideOf({ data, shape }: Matrix): Work<OutsideValue | undefined> {
  let outside = -1;
  yield* inBlocks(data.length, blockOf(1), (from, to) => {
    for (let i = from; outside < 0 && i < to; i++) if (!(data[i]! >= 0 && data[i]! <= 1)) outside = i;
  });
  if (outside < 0) return undefined;
  return { value: data[outside]!, row: Math.floor(outside / shape[1]), column: outside % shape[1] };
}

/** The likelihood that the option asks for. Throws `DataError` for a value outside [0, 1] with `'bernoulli'`. */
export function likelihoodFor(
  asked: RunnableVAEOptions['likelihood'],
  outside: OutsideValue | undefined,
): Likelihood {
  if (asked !== 'auto' && asked !== 'bernoulli') return asked;
  if (asked === 'auto' && outside) return 'gaussian';
  checkUnit('fit', outside);
  return 'bernoulli';
}

/** Throws `DataError` for a value that `'bernoulli'` does not allow. */
export function checkUnit(caller: string, outside: OutsideValue | undefined): void {
  if (!outside) return;
  throw new DataError(
    `${caller}: expected values from 0 to 1 for likelihood 'bernoulli', got ${outside.value} in row ${outside.row}, ` +
      `column ${outside.column}; divide the rows by their largest value, or use likelihood 'gaussian'`,
  );
}

/** Mean and deviation of each column. */
export function* statisticsOf({ data, shape: [rows, columns] }: Matrix): Work<RowStatistics> {
  const mean = new Float64Array(columns);
  const squares = new Float64Array(columns);
  const largest = new Float64Array(columns);
  yield* inBlocks(rows, blockOf(columns), (from, to) => {
    for (let i = from * columns; i < to * columns; i++) {
      const c = i % columns;
      mean[c]! += data[i]! / rows;
      largest[c] = Math.max(largest[c]!, Math.abs(data[i]!));
    }
  });
  yield* inBlocks(rows, blockOf(columns), (from, to) => {
    for (let i = from * columns; i < to * columns; i++) {
      const c = i % columns;
      squares[c]! += (data[i]! - mean[c]!) ** 2;
    }
  });
  return statisticsFrom(mean, squares, largest, rows);
}
