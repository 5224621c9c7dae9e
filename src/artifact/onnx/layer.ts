/** What the writers of layers get: one use of a layer in a network. */

import { OptionError } from '../../core/errors.js';
import type { OnnxGraph } from './graph.js';

/** A tensor on the host. */
export interface LayerWeight {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

/** One use of a layer. */
export interface LayerCall {
  readonly graph: OnnxGraph;
  /** The network that the layer is in, as messages name it. */
  readonly network: string;
  /** The layer's name. */
  readonly name: string;
  /** As the layer saves it; defaults are filled in. */
  readonly config: Readonly<Record<string, unknown>>;
  /** By the names that the layer gave them, such as `kernel`. */
  readonly weights: Readonly<Record<string, LayerWeight>>;
  /** Names of the values that it is applied to. */
  readonly inputs: readonly string[];
  /** Shapes of one row of these. */
  readonly inputShapes: readonly (readonly number[])[];
  /** Shape of one row of the output. */
  readonly outputShape: readonly number[];
}

/** Adds the operations of a layer, and returns the name of its output. */
export type LayerWriter = (call: LayerCall) => string;

/** The call's only input. */
export function inputOf({ inputs }: LayerCall): string {
  return inputs[0]!;
}

/** A weight as a constant. */
export function weightConstant({ graph, name, weights }: LayerCall, weight: string): string {
  const { values, shape } = weights[weight]!;
  return graph.constant(values, shape, `${name}/${weight}`);
}

/** A tensor with its axes in another order. */
export function permuted({ values, shape }: LayerWeight, axes: readonly number[]): LayerWeight {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1));
  const to = axes.map((axis) => shape[axis]!);
  const out = new Float32Array(values.length);
  const at = to.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    let from = 0;
    for (let a = 0; a < at.length; a++) from += at[a]! * strides[axes[a]!]!;
    out[i] = values[from]!;
    for (let a = at.length - 1; a >= 0 && ++at[a]! === to[a]; a--) at[a] = 0;
  }
  return { values: out, shape: to };
}

/** The error for a layer, or a part of one, that has no form in ONNX. */
export function unwritable(
  what: string,
  { name, network }: Pick<LayerCall, 'name' | 'network'>,
): OptionError {
  return new OptionError(
    `toONNX: expected layers that have a form in ONNX, got ${what} (${name} of the ${network}); replace it, or ship the model as save writes it`,
  );
}
