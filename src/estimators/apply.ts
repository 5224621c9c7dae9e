/** Rows through the networks of a fitted estimator. */

import { holdBackend, returnTo } from '../backend/choose.js';
import { NotFittedError } from '../core/errors.js';
import { resolveOptions } from '../core/options.js';
import { type Pauses, pausesFor } from '../core/pauses.js';
import { integer, orNull } from '../core/rules.js';
import * as tf from '../core/tf.js';
import type { Matrix, Network } from '../core/types.js';
import { unframe } from '../data/frame.js';
import {
  checkFinite,
  type Form,
  type Matrix64,
  type MatrixInput,
  type RowsInput,
  type SameForm,
  toInputForm,
  toMatrixOfWidth,
} from '../data/matrix.js';
import { asRowSource, type RowSource } from '../data/rowSource.js';
import { openRows } from '../data/rows.js';
import { placeRows } from '../fit/place.js';
import type { Fitted } from '../fit/records.js';
import { encode, softmax } from '../networks/encode.js';
import { rowSize } from '../networks/network.js';
import { readPoints } from '../networks/pointTable.js';
import { appliedToSource, rowsIfAll, sourceOf } from './applyToSource.js';
import type { TransformOptions } from './estimator.js';

/**
 * The embedding of rows, in the form they came in; of a source, a source. `check` throws for rows that the estimator cannot
 * take.
 */
export async function embedRows<X extends RowsInput>(
  fitted: Fitted,
  X: X,
  options: TransformOptions,
  check: (rows: Matrix) => void,
): Promise<SameForm<X>> {
  const source = asRowSource(X);
  if (source) return embeddedSource(fitted, source, options, check) as SameForm<X>;
  const { embedding, form } = await embedded(fitted, X as MatrixInput, options, 'transform', check);
  return toInputForm(embedding, form, tf.tensor) as SameForm<X>;
}

function embeddedSource(
  fitted: Fitted,
  source: RowSource,
  options: TransformOptions,
  check: (rows: Matrix) => void,
): RowSource<Matrix> {
  const { encoder, rowShape, frame } = fitted;
  const caller = 'transform';
  const batchSize = batchSizeIn(options, caller);
  return appliedToSource(source, {
    ...{ caller, frame, columns: rowSize(rowShape), rowShape: encoder.outputShape },
    async apply(rows) {
      check(rows);
      await returnTo(fitted.backend);
      return throughEncoder(fitted, rows, batchSize);
    },
  });
}

/**
 * The embedding of the rows of the fit, in the form they came in: without a network, their own points. Of a source that the fit
 * took a sample of (`sampleRows`), all rows are embedded.
 */
export async function embedFitted<X extends RowsInput>(
  fitted: Fitted,
  X: X,
  check: (rows: Matrix) => void,
  sampleRows?: number | null,
): Promise<SameForm<X>> {
  const source = asRowSource(X);
  const all = source && rowsIfAll(source, sampleRows);
  if (!fitted.placement || (source && all === undefined)) return embedRows(fitted, X, {}, check);
  await returnTo(fitted.backend);
  // Rows and form are all that counts: the fit has read the values.
  const opened = source ? undefined : await openRows(X as MatrixInput, 'fitTransform');
  const rows = all ?? opened!.shape[0]!;
  const { data, shape } = await readPoints(fitted.encoder);
  // Landmarks of earlier fits come behind the rows.
  const points = { data: data.slice(0, rows * shape[1]), shape: [rows, shape[1]] as const };
  return (opened ? toInputForm(points, opened.form, tf.tensor) : sourceOf(points)) as SameForm<X>;
}

/** Rows in memory through the encoder, or beside their neighbors among the fitted rows. */
async function embedded(
  fitted: Fitted,
  X: MatrixInput,
  options: TransformOptions,
  caller: string,
  check: (rows: Matrix) => void,
): Promise<{ embedding: Matrix; form: Form }> {
  const { placement, rowShape, frame, backend } = fitted;
  const batchSize = batchSizeIn(options, caller);
  await returnTo(backend);
  const { matrix, form } = await toMatrixOfWidth(X, rowSize(rowShape), caller, { unchecked: true, frame });
  check(matrix);
  if (placement) checkFinite(matrix, caller);
  return { embedding: await throughEncoder(fitted, matrix, batchSize, caller), form };
}

/** Rows in their frame through the encoder, or beside their neighbors. With `caller`, an encoder checks that they are finite. */
async function throughEncoder(
  { encoder, placement, backend }: Fitted,
  rows: Matrix,
  batchSize: number | null,
  caller?: string,
): Promise<Matrix> {
  const pauses = pausesOn(backend);
  if (placement) return placeRows(placement, encoder, rows, { pauses });
  return encode(encoder, rows, { batchSize, pauses, ...(caller !== undefined && { caller }) });
}

/** The decoder's rows for positions in the embedding, in data space and in the shape of the fitted rows; of a source, a source. */
export async function reconstructRows<Z extends RowsInput>(
  fitted: Fitted,
  Z: Z,
  options: TransformOptions,
): Promise<SameForm<Z>> {
  const { encoder, decoder, rowShape, backend } = fitted;
  const caller = 'inverseTransform';
  if (!decoder) {
    throw new NotFittedError(
      `${caller}: expected a decoder, got none; fit with parametricReconstruction: true`,
    );
  }
  const batchSize = batchSizeIn(options, caller);
  const columns = rowSize(encoder.outputShape);
  const source = asRowSource(Z);
  if (source) {
    const work = {
      ...{ caller, columns, rowShape: [rowSize(rowShape)] },
      async apply(positions: Matrix) {
        await returnTo(backend);
        const rows = await decoded(fitted, decoder, positions, batchSize);
        return { data: Float32Array.from(rows.data), shape: rows.shape };
      },
    };
    return appliedToSource(source, work) as SameForm<Z>;
  }
  await returnTo(backend);
  const { matrix, form } = await toMatrixOfWidth(Z as MatrixInput, columns, caller);
  const rows = await decoded(fitted, decoder, matrix, batchSize);
  return toInputForm(rows, form, tf.tensor, rowShape) as SameForm<Z>;
}

/** Rows in data space. */
async function decoded(
  { reconstruction, frame, backend }: Fitted,
  decoder: Network,
  positions: Matrix,
  batchSize: number | null,
): Promise<Matrix | Matrix64> {
  const rows = await encode(decoder, positions, { batchSize, pauses: pausesOn(backend) });
  if (reconstruction?.kind === 'logits') {
    for (let i = 0; i < rows.data.length; i++) rows.data[i] = 1 / (1 + Math.exp(-rows.data[i]!));
  }
  return frame ? unframe(rows, frame) : rows;
}

/** The probability of each class for each row. */
async function classProbabilities(
  fitted: Fitted,
  X: MatrixInput,
  options: TransformOptions,
  caller: string,
  check: (rows: Matrix) => void,
): Promise<Matrix> {
  const { classifier, backend } = fitted;
  if (!classifier) {
    throw new NotFittedError(
      `${caller}: expected a classifier, got none; fit with classifier: true and labels in y`,
    );
  }
  const batchSize = batchSizeIn(options, caller);
  const { embedding } = await embedded(fitted, X, options, caller, check);
  return softmax(await encode(classifier, embedding, { batchSize, pauses: pausesOn(backend) }));
}

/** The most likely class of each row, by name. */
export async function predictLabels(
  fitted: Fitted,
  X: MatrixInput,
  options: TransformOptions,
  check: (rows: Matrix) => void,
): Promise<(number | string)[]> {
  const { data, shape } = await classProbabilities(fitted, X, options, 'predict', check);
  const [rows, classes] = shape;
  return Array.from({ length: rows }, (_, i) => {
    const row = data.subarray(i * classes, (i + 1) * classes);
    return fitted.classNames[row.indexOf(Math.max(...row))]!;
  });
}

/** The probability of each class for each row, columns in the order of `classNames`. */
export async function predictProbabilities(
  fitted: Fitted,
  X: MatrixInput,
  options: TransformOptions,
  check: (rows: Matrix) => void,
): Promise<number[][]> {
  const probabilities = await classProbabilities(fitted, X, options, 'predictProba', check);
  return toInputForm(probabilities, 'arrays', tf.tensor) as number[][];
}

function batchSizeIn(options: TransformOptions, caller: string): number | null {
  const rules = { batchSize: orNull(integer(1)) };
  return resolveOptions<Required<TransformOptions>>(caller, options, { batchSize: null }, rules).batchSize;
}

/** Pauses after which the backend is active again, in case another estimator changed it meanwhile. */
function pausesOn(backend: string): Pauses {
  return pausesFor(undefined, () => holdBackend(backend));
}
