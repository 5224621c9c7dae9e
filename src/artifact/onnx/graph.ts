/** A graph of ONNX operations under construction. */

import type { Attribute, OnnxNode, OnnxTensor } from './proto.js';

/** Attributes as they are given: an integer, integers, a text, or a float that says it is one. */
type Given = number | readonly number[] | string | { readonly float: number };

/** Collects operations and constants, and gives each value a name of its own. */
export class OnnxGraph {
  readonly #nodes: OnnxNode[] = [];
  readonly #tensors: OnnxTensor[] = [];
  readonly #names = new Set<string>();
  /** Of a transposed value: what it was made from, and how. */
  readonly #transposed = new Map<string, { readonly from: string; readonly axes: readonly number[] }>();

  /** A name that no other value has. */
  name(wish: string): string {
    let name = wish;
    for (let i = 1; this.#names.has(name); i++) name = `${wish}_${i}`;
    this.#names.add(name);
    return name;
  }

  /** A constant of 32-bit or 64-bit floats. */
  constant(values: Float32Array | Float64Array, shape: readonly number[], wish = 'constant'): string {
    const name = this.name(wish);
    this.#tensors.push({ name, shape, values });
    return name;
  }

  /** A single number as a constant. */
  scalar(value: number): string {
    return this.constant(Float32Array.of(value), []);
  }

  /** Integers as a constant, such as a shape or a list of axes. */
  integers(values: readonly number[]): string {
    const name = this.name('integers');
    this.#tensors.push({ name, shape: [values.length], values: BigInt64Array.from(values, BigInt) });
    return name;
  }

  /** Adds an operation, and returns the name of its value. */
  add(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Given>> = {},
    wish = op.toLowerCase(),
  ): string {
    const output = this.name(wish);
    const written = Object.entries(attributes).map(([key, value]) => [key, attributeOf(value)]);
    this.#nodes.push({ op, inputs, output, attributes: Object.fromEntries(written) });
    return output;
  }

  /** The value with its axes in another order. Undoes an earlier change of order in place of adding a second one. */
  transposed(x: string, axes: readonly number[]): string {
    const earlier = this.#transposed.get(x);
    if (earlier && axes.every((axis, i) => earlier.axes[axis] === i)) return earlier.from;
    const output = this.add('Transpose', [x], { perm: axes });
    this.#transposed.set(output, { from: x, axes });
    return output;
  }

  /** An operation on each number by itself. It goes in front of a change of the order of axes. */
  eachNumber(x: string, operate: (x: string) => string): string {
    const earlier = this.#transposed.get(x);
    return earlier ? this.transposed(operate(earlier.from), earlier.axes) : operate(x);
  }

  /** The value in another shape; -1 stands for the rows. */
  reshaped(x: string, shape: readonly number[]): string {
    return this.add('Reshape', [x, this.integers(shape)]);
  }

  /** The operations and constants that the given values need. */
  needed(outputs: readonly string[]): { nodes: OnnxNode[]; tensors: OnnxTensor[] } {
    const wanted = new Set(outputs);
    const nodes: OnnxNode[] = [];
    for (const node of this.#nodes.toReversed()) {
      if (!wanted.has(node.output)) continue;
      for (const input of node.inputs) wanted.add(input);
      nodes.unshift(node);
    }
    return { nodes, tensors: this.#tensors.filter(({ name }) => wanted.has(name)) };
  }
}

function attributeOf(value: Given): Attribute {
  if (typeof value === 'number') return { int: value };
  if (typeof value === 'string') return { text: value };
  return 'float' in value ? value : { ints: value };
}
