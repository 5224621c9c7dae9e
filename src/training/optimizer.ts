/** Optimisers as the training loop drives them: Adam, or any `tf.Optimizer` of the caller's. */

import { type AdamState as AdamMemory, adamStep, createAdam } from '../backend/adam.js';
import { OptionError } from '../core/errors.js';
import * as tf from '../core/tf.js';
import type { Optimizer } from '../core/types.js';

/**
 * Memory of the mean squared gradient. At 0.999, the usual value, early steep gradients hold back the steps of a
 * training that lasts some thousand: MNIST took a quarter more of them to the same map.
 */
const BETA2 = 0.95;

/**
 * Adam (Kingma and Ba, 2015), else with TensorFlow's defaults, over a list of variables that keeps its order. Moments
 * belong to positions in the list; a list of other shapes starts them anew.
 */
export function adam(): Optimizer {
  let memory: AdamMemory | undefined;
  const free = () => {
    if (memory) tf.dispose([memory.first, memory.second]);
    memory = undefined;
  };
  return {
    step(variables, gradients, learningRate, clipValue) {
      const fits =
        memory?.first.length === variables.length &&
        memory.first.every(({ shape }, i) => tf.util.arraysEqual(shape, variables[i]!.shape));
      if (!fits) free();
      memory ??= createAdam(variables);
      adamStep(memory, variables, gradients, { learningRate, beta2: BETA2, clip: clipValue });
    },
    async state() {
      const { step = 0, first = [], second = [] } = memory ?? {};
      const arrays = await Promise.all(first.flatMap((moment, i) => [moment.data(), second[i]!.data()]));
      return {
        taken: step,
        shapes: first.map(({ shape }) => [...shape]),
        values: arrays.map((values) => Float32Array.from(values)),
      };
    },
    restore(state) {
      free();
      if (state === undefined) return;
      const moments = (offset: number) =>
        state.shapes.map((shape, i) =>
          tf.keep(tf.tensor(state.values[2 * i + offset]!, [...shape], 'float32')),
        );
      memory = { step: state.taken, first: moments(0), second: moments(1) };
    },
    dispose: free,
  };
}

/**
 * The caller's own optimiser, which keeps its learning rate. Throws `OptionError` for one that was disposed. Its moments cannot be taken out and put back, so
 * `restore` makes it forget them: a new optimiser of the same configuration goes on in its place.
 */
export function callersOptimizer(given: tf.Optimizer): Optimizer {
  if (Object.values(given).some((part) => (part as tf.Tensor | null | undefined)?.isDisposed === true)) {
    throw new OptionError(
      'optimizer: an optimizer in use expected, got one that was disposed; make a new one',
    );
  }
  let current = given;
  return {
    step(variables, gradients, _, clipValue) {
      tf.tidy(() => {
        // TensorFlow.js keeps moments by position, so every variable takes part in every step.
        const clipped = gradients.map((gradient) => tf.clipByValue(gradient, -clipValue, clipValue));
        current.applyGradients(variables.map(({ name }, i) => ({ name, tensor: clipped[i]! })));
      });
    },
    state: async () => undefined,
    restore() {
      const { fromConfig } = current.constructor as unknown as Renewable;
      const renewed = fromConfig(current.constructor, current.getConfig());
      if (current !== given) current.dispose();
      current = renewed;
    },
    dispose() {
      if (current !== given) current.dispose();
    },
  };
}

/** What the class of a `tf.Optimizer` can do. */
interface Renewable {
  fromConfig(this: void, type: unknown, config: tf.serialization.ConfigDict): tf.Optimizer;
}
