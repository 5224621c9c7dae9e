/** User-supplied losses, whose return values are checked before they are used. */
import { describe, OptionError } from '../core/errors.js';
import * as tf from '../core/tf.js';

type Loss = (target: tf.Tensor, prediction: tf.Tensor) => tf.Tensor;

/**
 * The same loss with its result checked. Throws `OptionError` for anything but a tensor of 32-bit floats, and for one that
 * was not computed from the prediction, which would have no gradient. `name` is the option that gave the loss.
 */
export function suppliedLoss(name: string, lossFn: Loss): Loss {
  let connected = false;
  return (target, prediction) => {
    const value = checked(name, lossFn(target, prediction));
    const tape = tf.engine().state.activeTape;
    // Without a tape there is no training: held-out losses need no gradient. One check is enough for all steps.
    if (connected || !tape) return value;
    if (!dependsOn(value, prediction, tape)) {
      throw new OptionError(
        `${name}: expected a loss that depends on the prediction by operations of TensorFlow.js, got a constant; ` +
          'compute it from the second argument, without reading its values',
      );
    }
    connected = true;
    return value;
  };
}

function checked(name: string, value: unknown): tf.Tensor {
  if (value instanceof tf.Tensor && !value.isDisposed && value.dtype === 'float32' && value.size > 0) {
    return value;
  }
  throw new OptionError(
    `${name}: expected a tensor computed from (target, prediction), got ${kindOf(value)}; ` +
      'return a scalar, or a value per row, as 32-bit floats',
  );
}

function kindOf(value: unknown): string {
  if (value instanceof tf.Tensor) {
    if (value.isDisposed) return 'a disposed tensor';
    return value.size === 0 ? 'an empty tensor' : `a tensor of dtype ${value.dtype}`;
  }
  if (typeof (value as Partial<Promise<unknown>> | null | undefined)?.then !== 'function') {
    return describe(value);
  }
  // Otherwise its failure would be an unhandled rejection.
  Promise.resolve(value).catch(() => undefined);
  return 'a promise';
}

type Tape = NonNullable<ReturnType<typeof tf.engine>['state']['activeTape']>;

/** Whether the operations on the tape lead from one tensor to the other. */
function dependsOn(value: tf.Tensor, source: tf.Tensor, tape: Tape): boolean {
  const reached = new Set([source.id]);
  for (const { inputs, outputs } of tape) {
    if (Object.values(inputs).some(({ id }) => reached.has(id)))
      for (const { id } of outputs) reached.add(id);
  }
  return reached.has(value.id);
}
