/** The Adam optimizer (Kingma and Ba, 2015), in one pass over each variable on WebAssembly and on the host. */

import type { Tensor, TensorInfo, Variable } from '../core/tf.js';
import * as tf from '../core/tf.js';
import { grown } from '../core/wasmModule.js';
import { nativeOnCpu } from './tensorflow.js';
import type { Desk, Workshop } from './wasm/module.js';
import { activeWorkshop, ownDesk, pointer } from './wasm/module.js';

/** How far a step goes. May change from step to step, as in a schedule. */
export interface AdamOptions {
  /** One for all variables, or one for each. */
  readonly learningRate: number | readonly number[];
  /** Memory of the mean gradient, in [0, 1); default 0.9. */
  readonly beta1?: number;
  /** Memory of the mean squared gradient, in [0, 1); default 0.999. */
  readonly beta2?: number;
  /** Keeps the divisor away from 0; default 1e-7, as in TensorFlow; at least 1e-10, beside which 1e-16 is nothing. */
  readonly epsilon?: number;
  /** Each element of a gradient is cut to [-clip, clip] first; default Infinity, no cut. */
  readonly clip?: number;
}

/** What Adam remembers: one mean and one mean square for each variable, in the order of the variables. */
export interface AdamState {
  /** Steps done. */
  step: number;
  readonly first: Tensor[];
  readonly second: Tensor[];
}

/**
 * A fresh memory for these variables. Its tensors outlive any `tf.tidy`; `tf.dispose` both lists in the end.
 */
export function createAdam(variables: readonly Variable[]): AdamState {
  const zeros = () => variables.map(({ shape }) => tf.keep(tf.zeros(shape)));
  return { step: 0, first: zeros(), second: zeros() };
}

/**
 * One step: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g², x -= rate (m / (1 - b1^t)) / (√(v / (1 - b2^t)) +
 * ε), with g the clipped gradient. The same formula as `tf.train.adam`; but in kernels and on the host what is next to
 * nothing, below `NOTHING` in g and m and `NO_SQUARE` in v, becomes 0 (kernels/training/adam.ts says why). `gradients`
 * stand in the order of `variables`, which must be that of `createAdam`; they stay the caller's.
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
      `adam: made for ${count} variables, got ${variables.length} and ${gradients.length} gradients`,
    );
  }
  variables.forEach((variable, i) => {
    if (!tf.util.arraysEqual(variable.shape, gradients[i]!.shape)) {
      throw new RangeError(
        `adam: ${variable.name} is [${variable.shape}], its gradient [${gradients[i]!.shape}]`,
      );
    }
  });
  state.step++;
  const correction1 = 1 - beta1 ** state.step;
  const correction2 = 1 - beta2 ** state.step;
  const move = quickest();
  for (let i = 0; i < count; i++) {
    const rate = typeof learningRate === 'number' ? learningRate : learningRate[i]!;
    const numbers = [rate, beta1, beta2, epsilon, correction1, correction2, clip] as const;
    move(state, i, variables[i]!, gradients[i]!, numbers);
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

/** Moves variable `i`, and what is remembered of it. */
type Move = (state: AdamState, i: number, variable: Variable, gradient: Tensor, numbers: Numbers) => void;

/** The quickest way on the active backend. */
function quickest(): Move {
  const shop = activeWorkshop();
  if (shop) return inPlace(shop);
  if (!nativeOnCpu()) return tf.getBackend() === 'cpu' ? onHost : withOps;
  const desk = ownDesk();
  return desk ? onDesk(desk) : onHost;
}

const inPlace =
  (shop: Workshop): Move =>
  ({ first, second }, i, variable, gradient, numbers) => {
    // Clones and reshapes of a tensor share its numbers: a copy must not change because the moment does.
    const own = (tensor: TensorInfo) => shop.backend.refCount(tensor.dataId) === 1;
    for (const moments of [first, second]) {
      if (pointer(shop, moments[i]!) !== 0 && !own(moments[i]!)) replace(moments, i, tf.add(moments[i]!, 0));
    }
    // Never over the variable's own numbers: XNNPACK keeps packed copies of the filters and biases of convolutions
    // for as long as their tensors live, and would go on with the old ones.
    const out = shop.backend.makeOutput(variable.shape, 'float32');
    shop.run.adam(
      ...[variable.size, pointer(shop, variable), pointer(shop, out), pointer(shop, gradient)],
      ...[pointer(shop, first[i]!), pointer(shop, second[i]!), ...numbers],
    );
    assign(variable, tf.engine().makeTensorFromTensorInfo(out));
  };

/** By the kernel in a memory of our own, where some fifteen small operations of native TensorFlow take longer. */
const onDesk =
  ({ memory, run }: Desk): Move =>
  ({ first, second }, i, variable, gradient, numbers) => {
    const { size, shape } = variable;
    const { buffer } = grown(memory, 20 * size);
    const [x, out, g, m, v] = [0, 1, 2, 3, 4].map((place) => 4 * place * size) as [number, ...number[]];
    const floats = (at: number) => new Float32Array(buffer, at, size);
    floats(x).set(variable.dataSync<'float32'>());
    floats(g!).set(gradient.dataSync<'float32'>());
    floats(m!).set(first[i]!.dataSync<'float32'>());
    floats(v!).set(second[i]!.dataSync<'float32'>());
    run.adam(size, x, out!, g!, m!, v!, ...numbers);
    // New arrays: what a tensor gives to read may be its own numbers, shared with its copies.
    replace(first, i, tf.tensor(floats(m!).slice(), shape));
    replace(second, i, tf.tensor(floats(v!).slice(), shape));
    assign(variable, tf.tensor(floats(out!).slice(), shape));
  };

/** Numbers smaller than these count as 0; as in kernels/training/adam.ts. */
const NOTHING = 1e-16;
const NO_SQUARE = 1e-35;

/** The same where there is no kernel. */
const onHost: Move = (
  { first, second },
  i,
  variable,
  gradient,
  [learningRate, beta1, beta2, epsilon, correction1, correction2, clip],
) => {
  // New arrays: what a tensor gives to read may be its own numbers, shared with its copies.
  const [x, m, v] = [variable, first[i]!, second[i]!].map((tensor) => tensor.dataSync<'float32'>().slice());
  const g = gradient.dataSync<'float32'>();
  for (let j = 0; j < g.length; j++) {
    const slope = cleared(Math.min(Math.max(g[j]!, -clip), clip), NOTHING);
    m![j] = cleared(beta1 * m![j]! + (1 - beta1) * slope, NOTHING);
    v![j] = cleared(beta2 * v![j]! + (1 - beta2) * slope * slope, NO_SQUARE);
    x![j]! -= (learningRate * m![j]!) / correction1 / (Math.sqrt(v![j]! / correction2) + epsilon);
  }
  replace(first, i, tf.tensor(m!, variable.shape));
  replace(second, i, tf.tensor(v!, variable.shape));
  assign(variable, tf.tensor(x!, variable.shape));
};

function cleared(number: number, least: number): number {
  return Math.abs(number) < least ? 0 : number;
}

/** By operations, where numbers are to stay where they are, on a GPU. */
const withOps: Move = (
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
