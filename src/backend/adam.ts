/** The Adam optimizer (Kingma and Ba, 2015), in one pass over each variable on WebAssembly and on the host. */

import type { Tensor, TensorInfo, Variable } from '../core/tf.js';
import * as tf from '../core/tf.js';
import { grown } from '../core/wasmModule.js';
import { nativeOnCpu } from './tensorflow.js';
import type { BoundKernels, StandaloneKernels } from './wasm/module.js';
import { activeKernels, pointer, standaloneKernels } from './wasm/module.js';

/** Options of one step; they may change from step to step, as in a learning rate schedule. */
export interface AdamOptions {
  /** One for all variables, or one for each. */
  readonly learningRate: number | readonly number[];
  /** Decay rate of the mean gradient, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Decay rate of the mean squared gradient, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** Added to the divisor. Default 1e-7, as in TensorFlow; at least 1e-10, so that gradients below 1e-16 do not count. */
  readonly epsilon?: number;
  /** Gradients are clipped element by element to [-clip, clip] first. Default Infinity: no clipping. */
  readonly clip?: number;
}

/** Moments of the gradients: one mean and one mean square per variable, in the order of the variables. */
export interface AdamState {
  /** Steps done. */
  step: number;
  readonly first: Tensor[];
  readonly second: Tensor[];
}

/** Zero moments for these variables. The tensors outlive `tf.tidy`: dispose of both lists when done. */
export function createAdam(variables: readonly Variable[]): AdamState {
  const zeros = () => variables.map(({ shape }) => tf.keep(tf.zeros(shape)));
  return { step: 0, first: zeros(), second: zeros() };
}

/**
 * Updates the variables by one step:
 *   m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g²,   x -= rate (m / (1 - b1^t)) / (√(v / (1 - b2^t)) + ε),
 * with g the clipped gradient. The formula is that of `tf.train.adam`, but in kernels and on the host g and m below
 * `TINY` and v below `TINY_SQUARE` become 0, for the reason given in kernels/training/adam.ts. `gradients` are in the
 * order of `variables`, which is that of `createAdam`; the caller disposes of them. Throws `RangeError` for other
 * numbers or shapes.
 */
export function adamStep(
  state: AdamState,
  variables: readonly Variable[],
  gradients: readonly Tensor[],
  { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, clip = Number.POSITIVE_INFINITY }: AdamOptions,
): void {
  const count = state.first.length;
  if (variables.length !== count || gradients.length !== count) {
    throw new RangeError(
      `adam: expected ${count} variables and gradients, got ${variables.length} and ${gradients.length}; ` +
        'pass those of createAdam, in its order',
    );
  }
  variables.forEach((variable, i) => {
    if (!tf.util.arraysEqual(variable.shape, gradients[i]!.shape)) {
      throw new RangeError(
        `adam: expected a gradient of shape [${variable.shape}] for ${variable.name}, got [${gradients[i]!.shape}]; ` +
          'pass gradients in the order of the variables',
      );
    }
  });
  state.step++;
  const correction1 = 1 - beta1 ** state.step;
  const correction2 = 1 - beta2 ** state.step;
  const update = fastestUpdate();
  for (let i = 0; i < count; i++) {
    const rate = typeof learningRate === 'number' ? learningRate : learningRate[i]!;
    const numbers = [rate, beta1, beta2, epsilon, correction1, correction2, clip] as const;
    update(state, i, variables[i]!, gradients[i]!, numbers);
  }
}

type Numbers = readonly [
  learningRate: number,
  beta1: number,
  beta2: number,
  epsilon: number,
  correction1: number,
  correction2: number,
  clip: number,
];

/** Updates variable `i` and its moments. */
type Update = (state: AdamState, i: number, variable: Variable, gradient: Tensor, numbers: Numbers) => void;

/** The fastest implementation for the active backend. */
function fastestUpdate(): Update {
  const kernels = activeKernels();
  if (kernels) return inBackend(kernels);
  if (!nativeOnCpu()) return tf.getBackend() === 'cpu' ? onHost : byOperations;
  const standalone = standaloneKernels();
  return standalone ? onStandalone(standalone) : onHost;
}

/** By the kernel, in the memory of the backend. */
const inBackend =
  (kernels: BoundKernels): Update =>
  ({ first, second }, i, variable, gradient, numbers) => {
    // Clones and reshapes of a tensor share its data: they must not change with the moment.
    const unshared = (tensor: TensorInfo) => kernels.backend.refCount(tensor.dataId) === 1;
    for (const moments of [first, second]) {
      if (pointer(kernels, moments[i]!) !== 0 && !unshared(moments[i]!))
        replace(moments, i, tf.add(moments[i]!, 0));
    }
    // A new tensor for the variable: XNNPACK keeps packed copies of the filters and biases of convolutions for as long as
    // their tensors live, and would not see values that change in place.
    const out = kernels.backend.makeOutput(variable.shape, 'float32');
    kernels.run.adam(
      ...[variable.size, pointer(kernels, variable), pointer(kernels, out), pointer(kernels, gradient)],
      ...[pointer(kernels, first[i]!), pointer(kernels, second[i]!), ...numbers],
    );
    assign(variable, tf.engine().makeTensorFromTensorInfo(out));
  };

/** By the kernel in separate memory: faster than some fifteen small operations of native TensorFlow. */
const onStandalone =
  ({ memory, run }: StandaloneKernels): Update =>
  ({ first, second }, i, variable, gradient, numbers) => {
    const { size, shape } = variable;
    const { buffer } = grown(memory, 20 * size);
    const [x, out, g, m, v] = [0, 1, 2, 3, 4].map((slot) => 4 * slot * size) as [number, ...number[]];
    const floats = (at: number) => new Float32Array(buffer, at, size);
    floats(x).set(variable.dataSync<'float32'>());
    floats(g!).set(gradient.dataSync<'float32'>());
    floats(m!).set(first[i]!.dataSync<'float32'>());
    floats(v!).set(second[i]!.dataSync<'float32'>());
    run.adam(size, x, out!, g!, m!, v!, ...numbers);
    // New arrays: `dataSync` may return the data that the tensor shares with its clones.
    replace(first, i, tf.tensor(floats(m!).slice(), shape));
    replace(second, i, tf.tensor(floats(v!).slice(), shape));
    assign(variable, tf.tensor(floats(out!).slice(), shape));
  };

/** Smaller values count as 0, as in kernels/training/adam.ts. */
const TINY = 1e-16;
const TINY_SQUARE = 1e-35;

/** In JavaScript, on the cpu backend and where there is no kernel. */
const onHost: Update = (
  { first, second },
  i,
  variable,
  gradient,
  [learningRate, beta1, beta2, epsilon, correction1, correction2, clip],
) => {
  // New arrays: `dataSync` may return the data that the tensor shares with its clones.
  const [x, m, v] = [variable, first[i]!, second[i]!].map((tensor) => tensor.dataSync<'float32'>().slice());
  const g = gradient.dataSync<'float32'>();
  for (let j = 0; j < g.length; j++) {
    const clipped = flushed(Math.min(Math.max(g[j]!, -clip), clip), TINY);
    m![j] = flushed(beta1 * m![j]! + (1 - beta1) * clipped, TINY);
    v![j] = flushed(beta2 * v![j]! + (1 - beta2) * clipped * clipped, TINY_SQUARE);
    x![j]! -= (learningRate * m![j]!) / correction1 / (Math.sqrt(v![j]! / correction2) + epsilon);
  }
  replace(first, i, tf.tensor(m!, variable.shape));
  replace(second, i, tf.tensor(v!, variable.shape));
  assign(variable, tf.tensor(x!, variable.shape));
};

/** 0 for values smaller than `least`. */
function flushed(value: number, least: number): number {
  return Math.abs(value) < least ? 0 : value;
}

/** By operations, so that tensors stay on the GPU. */
const byOperations: Update = (
  { first, second },
  i,
  variable,
  gradient,
  [learningRate, beta1, beta2, epsilon, correction1, correction2, clip],
) => {
  tf.tidy(() => {
    const g = clip === Number.POSITIVE_INFINITY ? gradient : tf.clipByValue(gradient, -clip, clip);
    const m = tf.add(tf.mul(first[i]!, beta1), tf.mul(g, 1 - beta1));
    const v = tf.add(tf.mul(second[i]!, beta2), tf.mul(tf.square(g), 1 - beta2));
    const scale = tf.add(tf.sqrt(tf.div(v, correction2)), epsilon);
    variable.assign(tf.sub(variable, tf.mul(tf.div(tf.div(m, correction1), scale), learningRate)));
    replace(first, i, m);
    replace(second, i, v);
  });
};

function replace(tensors: Tensor[], i: number, next: Tensor): void {
  tensors[i]!.dispose();
  tensors[i] = tf.keep(next);
}

function assign(variable: Variable, next: Tensor): void {
  variable.assign(next);
  next.dispose();
}
