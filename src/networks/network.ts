/** Wraps a `tf.LayersModel` as a network for the training loop. */

import { warnOfOtherCopy } from '../backend/copies.js';
import { OptionError } from '../core/errors.js';
import type { LayersModel, Tensor, Variable } from '../core/tf.js';
import type { Network } from '../core/types.js';

/**
 * Wraps a model. `name` is used in messages. If `owned`, `dispose()` of the network also frees the model; a user-supplied
 * model is not freed. Throws `OptionError` for a model that has several inputs or outputs or axes of unknown size, or is
 * disposed.
 */
export function networkOf(model: LayersModel, name: string, owned: boolean): Network {
  checkAlive(model, name);
  if (!owned) warnOfOtherCopy(model, name);
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    throw new OptionError(
      `${name}: expected a model with 1 input and 1 output, got ${model.inputs.length} and ${model.outputs.length}`,
    );
  }
  const inputShape = rowShape(model.inputs[0]!.shape, `${name} input`);
  const outputShape = rowShape(model.outputs[0]!.shape, `${name} output`);
  let disposed = false;
  return {
    model,
    inputShape,
    outputShape,
    apply: (x, training) => model.apply(x, { training }) as Tensor,
    variables: () => model.trainableWeights.map((weight) => weight.read() as Variable),
    weights: () => model.weights.map((weight) => weight.read() as Variable),
    dispose() {
      // model.dispose() spares layers that another model shares, but no other model uses these weights.
      if (owned && !disposed) for (const weight of model.weights) weight.dispose();
      disposed = true;
    },
  };
}

function rowShape(shape: readonly (number | null)[], name: string): number[] {
  const sizes = shape.slice(1);
  if (sizes.some((size) => size === null)) {
    throw new OptionError(
      `${name}: expected axes of known size, got [${shape.map((s) => s ?? 'null').join(', ')}]`,
    );
  }
  return sizes as number[];
}

/** Throws `OptionError` for a model that was disposed, whose weights are gone. */
export function checkAlive({ weights }: LayersModel, name: string): void {
  // A `LayersVariable` has no flag for it, and throws when it is read.
  const gone = (weights as unknown as readonly Held[]).find(({ val }) => val?.isDisposed);
  if (gone === undefined) return;
  throw new OptionError(
    `${name}: expected a model with its weights, got one that was disposed (${gone.name}); make a new one, ` +
      'and dispose of it after the estimator',
  );
}

/** A weight of a layer, and the variable behind it. */
interface Held {
  readonly name: string;
  readonly val?: Variable;
}

/** Number of values in one row of the given shape. */
export function rowSize(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
