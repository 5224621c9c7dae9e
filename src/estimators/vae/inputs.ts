/** What `fit` of a variational autoencoder reads: rows, held-out rows, their likelihood and statistics. */

import { DataError, OptionError } from '../../core/errors.js';
import { blockOf, inBlocks, type Work } from '../../core/pauses.js';
import type { Matrix } from '../../core/types.js';
import type { RowsInput } from '../../data/matrix.js';
import type { Targets } from '../../data/targets.js';
import { type FitSplit, withHeldOut } from '../../fit/heldOut.js';
import type { RunInputs } from '../../fit/inputs.js';
import { fitDefaults } from '../../fit/options/fitOptions.js';
import type { FitContext, Learned } from '../../fit/records.js';
import { readFitRows } from '../../fit/rows.js';
import type { Likelihood } from '../../networks/variational/decoder.js';
import type { RowStatistics } from '../../networks/variational/standardization.js';
import type { RunnableVAEOptions } from './logdir.js';

/** Fewest rows of which some are held out unless the fit is given held-out rows. */
const SPLIT_FROM = 20;

/** Reads the rows, and splits the held-out ones off. Throws `DataError` and `OptionError`. */
export async function readVaeRows(
  X: RowsInput,
  y: Targets | null | undefined,
  inputs: RunInputs,
  options: RunnableVAEOptions,
  earlier: Learned | undefined,
  context: FitContext,
): Promise<FitSplit> {
  const { encoder, decoder, seed, dimLatent: nComponents, trainValidSplit } = options;
  if (inputs.sampleRows === null) {
    throw new OptionError(
      'fit: sampleRows: expected a number of rows, since a decoder learns whole rows and not principal components, got null; ' +
        'leave it out, or give a number',
    );
  }
  const { parametricReconstructionLossFn } = fitDefaults;
  const ofRows = {
    ...{ nComponents, seed, encoder, decoder },
    ...{ parametricReconstruction: true, parametricReconstructionLossFn },
  };
  // Read, so that wrong ones are refused, though nothing learns from them.
  const rows = await readFitRows(X, y ?? undefined, inputs, undefined, ofRows, earlier, context);
  const [count] = rows.input.matrix.shape;
  const share = trainValidSplit < 1 && count >= SPLIT_FROM ? 1 - trainValidSplit : undefined;
  const { reconstructionValidation } = fitDefaults;
  return withHeldOut(rows, inputs.validation ?? share, { seed, reconstructionValidation });
}

/** The likelihood that the option asks for. Throws `DataError` for rows outside [0, 1] with `'bernoulli'`. */
export function* likelihoodOf(asked: RunnableVAEOptions['likelihood'], rows: Matrix): Work<Likelihood> {
  if (asked !== 'auto' && asked !== 'bernoulli') return asked;
  const { data, shape } = rows;
  let outside = -1;
  yield* inBlocks(data.length, blockOf(1), (from, to) => {
    for (let i = from; outside < 0 && i < to; i++) if (!(data[i]! >= 0 && data[i]! <= 1)) outside = i;
  });
  if (outside < 0) return 'bernoulli';
  if (asked === 'auto') return 'gaussian';
  const row = Math.floor(outside / shape[1]);
  throw new DataError(
    `fit: expected values from 0 to 1 for likelihood 'bernoulli', got ${data[outside]} in row ${row}, ` +
      `column ${outside % shape[1]}; divide the rows by their largest value, or use likelihood 'gaussian'`,
  );
}

/**
 * Mean and deviation of each column. A column whose deviation is below 1e-7 of its largest value counts as constant: what is
 * left of it is rounding.
 */
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
      squares[c]! += (data[i]! - mean[c]!) ** 2 / rows;
    }
  });
  const deviation = Float32Array.from(squares, (square, c) => {
    const value = Math.sqrt(square);
    return value > 1e-7 * largest[c]! ? value : 0;
  });
  return { mean: Float32Array.from(mean), deviation };
}
