/** Rows through the networks of a fitted estimator. */

import { holdBackend, returnTo } from '../backend/choose.js';
import { NotFittedError } from '../core/errors.js';
import { resolveOptions } from '../core/options.js';
import { type Pauses, pausesFor } from '../core/pauses.js';
import { integer, orNull } from '../core/rules.js';
import * as tf from '../core/tf.js';
import type { Matrix } from '../core/types.js';
import { unframe } from '../data/frame.js';
import {
  checkFinite,
  type Form,
  type MatrixInput,
  type SameForm,
  toInputForm,
  toMatrixOfWidth,
} from '../data/matrix.js';
import { openRows } from '../data/rows.js';
import { placeRows } from '../fit/place.js';
import type { Fitted } from '../fit/records.js';
import { encode, softmax } from '../networks/encode.js';
import { rowSize } from '../networks/network.js';
import { readPoints } from '../networks/pointTable.js';
import type { TransformOptions } from './estimator.js';

/** The embedding of rows, in the form they came in. `check` throws for rows that the estimator cannot take. */
export async function embedRows<X extends MatrixInput>(
  fitted: Fitted,
  X: X,
  options: TransformOptions,
  check: (rows: Matrix) => void,
): Promise<SameForm<X>> {
  const { embedding, form } = await embedded(fitted, X, options, 'transform', check);
  return toInputForm(embedding, form, tf.tensor) as SameForm<X>;
}

/** The embedding of the rows of the fit, in the form they came in: without a network, their own points. */
export async function embedFitted<X extends MatrixInput>(
  fitted: Fitted,
  X: X,
  check: (rows: Matrix) => void,
): Promise<SameForm<X>> {
  if (!fitted.placement) return embedRows(fitted, X, {}, check);
  await returnTo(fitted.backend);
  // Rows and form are all that counts: the fit has read the values.
  const { shape: given, form } = await openRows(X, 'fitTransform');
  const rows = given[0]!;
  const { data, shape } = await readPoints(fitted.encoder);
  // Landmarks of earlier fits come behind the rows.
  const points = { data: data.slice(0, rows * shape[1]), shape: [rows, shape[1]] as const };
  return toInputForm(points, form, tf.tensor) as SameForm<X>;
}

/** Rows through the encoder, or beside their neighbors among the fitted rows. */
async function embedded(
  { encoder, placement, rowShape, frame, backend }: Fitted,
  X: MatrixInput,
  options: TransformOptions,
  caller: string,
  check: (rows: Matrix) => void,
): Promise<{ embedding: Matrix; form: Form }> {
  const batchSize = batchSizeIn(options, caller);
  await returnTo(backend);
  const { matrix, form } = await toMatrixOfWidth(X, rowSize(rowShape), caller, { unchecked: true, frame });
  check(matrix);
  const pauses = pausesOn(backend);
  if (!placement) return { embedding: await encode(encoder, matrix, { batchSize, caller, pauses }), form };
  checkFinite(matrix, caller);
  return { embedding: await placeRows(placement, encoder, matrix, { pauses }), form };
}

/** The decoder's rows for positions in the embedding, in data space and in the shape of the fitted rows. */
export async function reconstructRows<Z extends MatrixInput>(
  { encoder, decoder, reconstruction, rowShape, frame, backend }: Fitted,
  Z: Z,
  options: TransformOptions,
): Promise<SameForm<Z>> {
  const caller = 'inverseTransform';
  if (!decoder) {
    throw new NotFittedError(
      `${caller}: expected a decoder, got none; fit with parametricReconstruction: true`,
    );
  }
  await returnTo(backend);
  const { matrix, form } = await toMatrixOfWidth(Z, rowSize(encoder.outputShape), caller);
  const batchSize = batchSizeIn(options, caller);
  const rows = await encode(decoder, matrix, { batchSize, pauses: pausesOn(backend) });
  if (reconstruction?.kind === 'logits') {
    for (let i = 0; i < rows.data.length; i++) rows.data[i] = 1 / (1 + Math.exp(-rows.data[i]!));
  }
  return toInputForm(frame ? unframe(rows, frame) : rows, form, tf.tensor, rowShape) as SameForm<Z>;
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
