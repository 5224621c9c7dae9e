/** Optimizers as the training loop drives them: Adam, SGD with momentum, or any user-supplied `tf.Optimizer`. */

import { type AdamState as AdamMemory, adamStep, createAdam } from '../backend/adam.js';
import { OptionError } from '../core/errors.js';
import * as tf from '../core/tf.js';
import type { Optimizer, OptimizerState } from '../core/types.js';

/**
 * Decay of the mean squared gradient. At 0.999, the usual value, early steep gradients slow down a training of some
 * thousand steps: MNIST took a quarter more of them to the same embedding.
 */
const BETA2 = 0.95;

/**
 * Adam (Kingma and Ba, 2015), otherwise with TensorFlow's defaults, over a list of variables that keeps its order. Moments
 * belong to positions in the list; a list of other shapes starts them anew.
 */
export function adam(): Optimizer {
  let memory: AdamMemory | undefined;
  const free = () => {
    if (memory) tf.dispose([memory.first, memory.second]);
    memory = undefined;
  };
  return {
    step(variables, gradients, rates, clipValue) {
      const fits =
        memory?.first.length === variables.length &&
        memory.first.every(({ shape }, i) => tf.util.arraysEqual(shape, variables[i]!.shape));
      if (!fits) free();
      memory ??= createAdam(variables);
      adamStep(memory, variables, gradients, { learningRate: rates, beta2: BETA2, clip: clipValue });
    },
    async state() {
      const { step = 0, first = [], second = [] } = memory ?? {};
      const arrays = await Promise.all(first.flatMap((moment, i) => [moment.data(), second[i]!.data()]));
      return {
        kind: 'adam',
        taken: step,
        shapes: first.map(({ shape }) => [...shape]),
        values: arrays.map((values) => Float32Array.from(values)),
      };
    },
    async restore(state) {
      free();
      if (state?.kind !== 'adam') return;
      const moments = (offset: number) =>
        state.shapes.map((shape, i) =>
          tf.keep(tf.tensor(state.values[2 * i + offset]!, [...shape], 'float32')),
        );
      memory = { step: state.taken, first: moments(0), second: moments(1) };
    },
    dispose: free,
  };
}

/** Options of `sgd`. */
export interface SgdOptions {
  /** Share of the velocity that a step keeps, in [0, 1). Default 0: plain gradient descent. */
  readonly momentum?: number | undefined;
}

/**
 * Stochastic gradient descent with momentum: v = momentum v + g, x -= rate v, where g is the clipped gradient. As in PyTorch,
 * and unlike Polyak's own form, the rate does not act on the velocity, so that a change of the rate acts at once. Velocities
 * belong to positions in the list of variables; a list of other shapes starts them anew.
 */
export function sgd({ momentum = 0 }: SgdOptions = {}): Optimizer {
  let taken = 0;
  let velocities: tf.Tensor[] = [];
  const free = () => {
    tf.dispose(velocities);
    velocities = [];
    taken = 0;
  };
  const fits = (variables: readonly tf.Variable[]) =>
    velocities.length === variables.length &&
    velocities.every(({ shape }, i) => tf.util.arraysEqual(shape, variables[i]!.shape));
  return {
    step(variables, gradients, rates, clipValue) {
      if (!fits(variables) && velocities.length > 0) free();
      taken++;
      tf.tidy(() => {
        const clipped = gradients.map((gradient) => tf.clipByValue(gradient, -clipValue, clipValue));
        const moves = clipped.map((gradient, i) =>
          momentum > 0 && velocities[i] ? tf.add(tf.mul(velocities[i], momentum), gradient) : gradient,
        );
        for (const [i, move] of moves.entries()) {
          variables[i]!.assign(tf.sub(variables[i]!, tf.mul(move, rates[i]!)));
        }
        tf.dispose(velocities);
        velocities = momentum > 0 ? moves.map((move) => tf.keep(move)) : [];
      });
    },
    async state() {
      const values = await Promise.all(velocities.map(async (v) => Float32Array.from(await v.data())));
      return { kind: 'sgd', taken, shapes: velocities.map(({ shape }) => [...shape]), values };
    },
    async restore(state) {
      free();
      if (state?.kind !== 'sgd') return;
      taken = state.taken;
      velocities = state.values.map((values, i) =>
        tf.keep(tf.tensor(values.slice(), [...state.shapes[i]!], 'float32')),
      );
    },
    dispose: free,
  };
}

/**
 * Decoupled weight decay (Loshchilov and Hutter, 2019): each step first multiplies variables of two or more axes, such as the
 * kernels of layers, by 1 - rate decay. Biases and learned numbers do not decay.
 */
export function withWeightDecay(optimizer: Optimizer, decay: number): Optimizer {
  return {
    ...optimizer,
    step(variables, gradients, rates, clipValue) {
      tf.tidy(() => {
        for (const [i, variable] of variables.entries()) {
          if (variable.rank >= 2) variable.assign(tf.mul(variable, 1 - rates[i]! * decay));
        }
      });
      optimizer.step(variables, gradients, rates, clipValue);
    },
  };
}

/**
 * A user-supplied optimizer, which keeps its own learning rate. Throws `OptionError` for one that was disposed. An optimizer
 * cannot be emptied. So where it has to forget, as for variables of other shapes, a new one of the same configuration takes its
 * place; the one that was given is never disposed of here.
 */
export function suppliedOptimizer(given: tf.Optimizer): Optimizer {
  if (Object.values(given).some((part) => (part as tf.Tensor | null | undefined)?.isDisposed === true)) {
    throw new OptionError(
      'optimizer: expected an optimizer in use, got one that was disposed; make a new one',
    );
  }
  let current = given;
  // Shapes of the variables that the optimizer remembers; undefined for none, or where that is not known.
  let shapes: readonly number[][] | undefined;
  const shapesAt = new WeakMap<OptimizerState, typeof shapes>();
  const renew = () => {
    const { fromConfig } = current.constructor as unknown as Renewable;
    const renewed = fromConfig(current.constructor, current.getConfig());
    if (current !== given) current.dispose();
    current = renewed;
  };
  return {
    step(variables, gradients, _, clipValue) {
      const fits =
        shapes === undefined ||
        (shapes.length === variables.length &&
          shapes.every((shape, i) => tf.util.arraysEqual(shape, variables[i]!.shape)));
      if (!fits) renew();
      shapes = variables.map(({ shape }) => [...shape]);
      tf.tidy(() => {
        // TensorFlow.js keeps moments by position, so every variable takes part in every step.
        const clipped = gradients.map((gradient) => tf.clipByValue(gradient, -clipValue, clipValue));
        current.applyGradients(variables.map(({ name }, i) => ({ name, tensor: clipped[i]! })));
      });
    },
    async state() {
      const state = await stateOf(current);
      if (state) shapesAt.set(state, shapes);
      return state;
    },
    async restore(state) {
      renew();
      shapes = state && shapesAt.get(state);
      if (state?.kind !== 'tf') return;
      const own = ownVariables(current);
      const tensors = state.values.map((values, i) =>
        tf.tensor(values.slice(), [...state.shapes[i]!], 'float32'),
      );
      try {
        const weights = tensors.slice(0, tensors.length - own.length);
        await current.setWeights(weights.map((tensor, i) => ({ name: `weight${i}`, tensor })));
        for (const [i, variable] of own.entries()) variable.assign(tensors[weights.length + i]!);
      } finally {
        tf.dispose(tensors);
      }
    },
    dispose() {
      if (current !== given) current.dispose();
    },
  };
}

/** What a `tf.Optimizer` remembers; undefined for a class without `getWeights`. */
async function stateOf(optimizer: tf.Optimizer): Promise<OptimizerState | undefined> {
  let weights: Awaited<ReturnType<tf.Optimizer['getWeights']>>;
  try {
    weights = await optimizer.getWeights();
  } catch {
    return undefined;
  }
  const tensors = [...weights.map(({ tensor }) => tensor), ...ownVariables(optimizer)];
  const values = await Promise.all(tensors.map(async (tensor) => Float32Array.from(await tensor.data())));
  const shapes = tensors.map(({ shape }) => [...shape]);
  // The first is a scalar made for the occasion, the number of steps; the others are the optimizer's own.
  weights[0]?.tensor.dispose();
  return { kind: 'tf', taken: optimizer.iterations ?? 0, shapes, values };
}

/**
 * Variables that an optimizer has for itself, such as the running powers of Adam's decays. `getWeights` leaves them out, and
 * `setWeights` computes them anew, with another rounding.
 */
function ownVariables(optimizer: tf.Optimizer): tf.Variable[] {
  return Object.values(optimizer).filter((value): value is tf.Variable => value instanceof tf.Variable);
}

/** What the class of a `tf.Optimizer` can do. */
interface Renewable {
  fromConfig(this: void, type: unknown, config: tf.serialization.ConfigDict): tf.Optimizer;
}
