/** Rows through the networks of a fitted estimator. */

import { holdBackend, returnTo } from '../backend/choose.js';
import { NotFittedError } from '../core/errors.js';
import { resolveOptions } from '../core/options.js';
import { type Pauses, pausesFor } from '../core/pauses.js';
import { integer, orNull } from '../core/rules.js';
import * as tf from '../core/tf.js';
import type { Matrix } from '../core/types.js';
import { unframe } from '../data/frame.js';
import { type MatrixInput, type SameForm, toInputForm, toMatrixOfWidth } from '../data/matrix.js';
import type { Fitted } from '../fit/records.js';
import { encode, softmax } from '../networks/encode.js';
import { rowSize } from '../networks/network.js';
import type { TransformOptions } from './estimator.js';

/** The embedding of rows, in the form they came in. `check` throws for rows that the estimator cannot take. */
export async function embedRows<X extends MatrixInput>(
  { encoder, frame, backend }: Fitted,
  X: X,
  options: TransformOptions,
  check: (rows: Matrix) => void,
): Promise<SameForm<X>> {
  const caller = 'transform';
  const batchSize = batchSizeIn(options, caller);
  await returnTo(backend);
  const width = rowSize(encoder.inputShape);
  const { matrix, form } = await toMatrixOfWidth(X, width, caller, { unchecked: true, frame });
  check(matrix);
  const embedding = await encode(encoder, matrix, { batchSize, caller, pauses: pausesOn(backend) });
  return toInputForm(embedding, form, tf.tensor) as SameForm<X>;
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
export async function classProbabilities(
  { encoder, classifier, frame, backend }: Fitted,
  X: MatrixInput,
  options: TransformOptions,
  caller: string,
  check: (rows: Matrix) => void,
): Promise<Matrix> {
  if (!classifier) {
    throw new NotFittedError(
      `${caller}: expected a classifier, got none; fit with classifier: true and labels in y`,
    );
  }
  await returnTo(backend);
  const width = rowSize(encoder.inputShape);
  const { matrix } = await toMatrixOfWidth(X, width, caller, { unchecked: true, frame });
  check(matrix);
  const batchSize = batchSizeIn(options, caller);
  const pauses = pausesOn(backend);
  const embedding = await encode(encoder, matrix, { batchSize, caller, pauses });
  return softmax(await encode(classifier, embedding, { batchSize, pauses }));
}

/** The name of the most likely class of each row. */
export function likeliest<Label>({ data, shape }: Matrix, names: readonly Label[]): Label[] {
  const [rows, classes] = shape;
  return Array.from({ length: rows }, (_, i) => {
    const row = data.subarray(i * classes, (i + 1) * classes);
    return names[row.indexOf(Math.max(...row))]!;
  });
}

function batchSizeIn(options: TransformOptions, caller: string): number | null {
  const rules = { batchSize: orNull(integer(1)) };
  return resolveOptions<Required<TransformOptions>>(caller, options, { batchSize: null }, rules).batchSize;
}

/** Pauses after which the backend is active again, in case another estimator changed it meanwhile. */
function pausesOn(backend: string): Pauses {
  return pausesFor(undefined, () => holdBackend(backend));
}
