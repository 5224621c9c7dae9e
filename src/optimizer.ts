/** Optimisers as the training loop drives them: Adam, or any `tf.Optimizer` of the caller's. */
import * as tf from '@tensorflow/tfjs';
import type { AdamState, Optimizer } from './types.js';

export interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/**
 * Adam (Kingma and Ba, 2015) over a list of variables that keeps its order. Moments belong to positions in the
 * list; a list of other shapes starts them anew.
 */
export function adam({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 }: AdamOptions = {}): Optimizer {
  let moments: { first: tf.Variable; second: tf.Variable }[] = [];
  let taken = 0;
  const free = () => {
    for (const { first, second } of moments) tf.dispose([first, second]);
    moments = [];
    taken = 0;
  };
  const begin = (shapes: readonly (readonly number[])[]) => {
    free();
    moments = shapes.map((shape) => ({
      first: tf.variable(tf.zeros([...shape]), false),
      second: tf.variable(tf.zeros([...shape]), false),
    }));
  };
  return {
    step(variables, gradients, learningRate) {
      const same =
        moments.length === variables.length &&
        moments.every(({ first }, i) => sameShape(first, variables[i]!));
      if (!same) begin(variables.map((variable) => variable.shape));
      taken++;
      // theta -= rate * m^ / (sqrt(v^) + eps), with both bias corrections folded into two scalars.
      const correction = Math.sqrt(1 - beta2 ** taken);
      const rate = (learningRate * correction) / (1 - beta1 ** taken);
      tf.tidy(() => {
        for (let i = 0; i < variables.length; i++) {
          const gradient = gradients[i]!;
          const { first, second } = moments[i]!;
          first.assign(tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1)));
          second.assign(tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
          const scale = tf.add(tf.sqrt(second), epsilon * correction);
          variables[i]!.assign(tf.sub(variables[i]!, tf.mul(tf.div(first, scale), rate)));
        }
      });
    },
    async state() {
      const arrays = await Promise.all(moments.flatMap(({ first, second }) => [first.data(), second.data()]));
      const shapes = moments.map(({ first }) => [...first.shape]);
      return { taken, shapes, values: arrays.map((values) => Float32Array.from(values)) };
    },
    restore(state: AdamState | undefined) {
      free();
      if (state === undefined) return;
      tf.tidy(() => {
        begin(state.shapes);
        taken = state.taken;
        moments.forEach(({ first, second }, i) => {
          first.assign(tf.tensor(state.values[2 * i]!, first.shape));
          second.assign(tf.tensor(state.values[2 * i + 1]!, second.shape));
        });
      });
    },
    dispose: free,
  };
}

/**
 * The caller's own optimiser, which keeps its learning rate. Its moments cannot be taken out and put back, so
 * `restore` makes it forget them: a new optimiser of the same configuration goes on in its place.
 */
export function callersOptimizer(given: tf.Optimizer): Optimizer {
  let current = given;
  return {
    step(variables, gradients) {
      // TensorFlow.js keeps moments by position, so every variable takes part in every step.
      current.applyGradients(
        variables.map((variable, i) => ({ name: variable.name, tensor: gradients[i]! })),
      );
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

function sameShape(a: tf.Tensor, b: tf.Tensor): boolean {
  return a.shape.length === b.shape.length && a.shape.every((size, axis) => size === b.shape[axis]);
}
