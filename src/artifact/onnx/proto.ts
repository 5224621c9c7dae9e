/** ONNX models as bytes: the few messages of `onnx.proto` that networks need, written by `pbf`. */

import Pbf from 'pbf';

/** The value of an attribute: one number of either kind, several integers, or a text. */
export type Attribute =
  | { readonly float: number }
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly text: string };

/** One operation. */
export interface OnnxNode {
  readonly op: string;
  /** Names of values; empty for an optional one that is left out. */
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A constant. Its type follows from that of the array. */
export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array | BigInt64Array;
}

/** An input or output of the graph. */
export interface OnnxValue {
  readonly name: string;
  readonly type: 'float' | 'double';
  /** Sizes of axes; a text names one whose size is not fixed. */
  readonly shape: readonly (number | string)[];
}

/** A model. */
export interface OnnxModel {
  readonly name: string;
  readonly producer: { readonly name: string; readonly version: string };
  readonly nodes: readonly OnnxNode[];
  readonly tensors: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Texts that go along with the model. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Version of the operators: that of ONNX 1.12 of 2022, which every runtime of today knows. */
export const OPERATORS = 17;
/** Version of the format that came with it. */
const FORMAT = 8;

/** Numbers of the types of values in `TensorProto.DataType`. */
export const dataType = { float: 1, int64: 7, double: 11 } as const;

/** The model in the format of `.onnx` files. */
export function onnxBytes(model: OnnxModel): Uint8Array {
  const pbf = new Pbf();
  pbf.writeVarintField(1, FORMAT);
  pbf.writeStringField(2, model.producer.name);
  pbf.writeStringField(3, model.producer.version);
  pbf.writeMessage(7, writeGraph, model);
  pbf.writeMessage(8, (operators, out) => out!.writeVarintField(2, operators), OPERATORS);
  for (const pair of Object.entries(model.metadata)) pbf.writeMessage(14, writeText, pair);
  return pbf.finish();
}

// Parameters of the type that `writeMessage` gives: the writer comes second.
type Out = Pbf | undefined;

function writeText([key, value]: readonly [string, string], out: Out): void {
  out!.writeStringField(1, key);
  out!.writeStringField(2, value);
}

function writeGraph({ name, nodes, tensors, inputs, outputs }: OnnxModel, out: Out): void {
  for (const node of nodes) out!.writeMessage(1, writeNode, node);
  out!.writeStringField(2, name);
  for (const tensor of tensors) out!.writeMessage(5, writeTensor, tensor);
  for (const value of inputs) out!.writeMessage(11, writeValue, value);
  for (const value of outputs) out!.writeMessage(12, writeValue, value);
}

function writeNode({ op, inputs, output, attributes }: OnnxNode, out: Out): void {
  for (const input of inputs) out!.writeStringField(1, input);
  out!.writeStringField(2, output);
  out!.writeStringField(3, output);
  out!.writeStringField(4, op);
  for (const attribute of Object.entries(attributes)) out!.writeMessage(5, writeAttribute, attribute);
}

/** Numbers of the kinds in `AttributeProto.AttributeType`. */
const attributeType = { float: 1, int: 2, text: 3, ints: 7 } as const;

function writeAttribute([name, value]: readonly [string, Attribute], out: Out): void {
  out!.writeStringField(1, name);
  if ('float' in value) out!.writeFloatField(2, value.float);
  else if ('int' in value) out!.writeVarintField(3, value.int);
  else if ('text' in value) out!.writeStringField(4, value.text);
  else for (const each of value.ints) out!.writeVarintField(8, each);
  const [kind] = Object.keys(value) as [keyof typeof attributeType];
  out!.writeVarintField(20, attributeType[kind]);
}

function writeTensor({ name, shape, values }: OnnxTensor, out: Out): void {
  for (const size of shape) out!.writeVarintField(1, size);
  const type = values instanceof Float32Array ? 'float' : values instanceof Float64Array ? 'double' : 'int64';
  out!.writeVarintField(2, dataType[type]);
  out!.writeStringField(8, name);
  // Little-endian, as typed arrays are on every machine that runs JavaScript today.
  out!.writeBytesField(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

function writeValue({ name, type, shape }: OnnxValue, out: Out): void {
  out!.writeStringField(1, name);
  out!.writeMessage(2, (tensor, of) => of!.writeMessage(1, writeTensorType, tensor), { type, shape });
}

function writeTensorType({ type, shape }: Pick<OnnxValue, 'type' | 'shape'>, out: Out): void {
  out!.writeVarintField(1, dataType[type]);
  out!.writeMessage(2, writeShape, shape);
}

function writeShape(shape: OnnxValue['shape'], out: Out): void {
  for (const size of shape) {
    out!.writeMessage(
      1,
      (axis, of) => {
        if (typeof axis === 'number') of!.writeVarintField(1, axis);
        else of!.writeStringField(2, axis);
      },
      size,
    );
  }
}
