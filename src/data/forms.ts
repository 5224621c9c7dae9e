/** The forms in which tables of numbers are accepted. */

import { isA } from '../core/realms.js';
import type { Tensor } from '../core/tf.js';
import { type AxisNumbers, isAxisNumbers, type Layout } from './strides.js';

/** Any typed array, of numbers or of 64-bit integers. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Nested numbers: `number[][]` is a table, deeper nesting holds image-shaped rows. */
export type NestedNumbers = readonly (number | bigint | NestedNumbers)[];

/** Flat numbers with a shape, row-major unless strides or `fortranOrder` say otherwise. */
export interface FlatInput extends Layout {
  /** All values, row after row unless strides or the order say otherwise. */
  readonly data: TypedArray | readonly (number | bigint)[];
}

/** A tensor of onnxruntime or transformers.js. */
export interface DimsInput {
  /** The values, in a typed array. */
  readonly data: unknown;
  /** Length of each axis; the first one counts rows. */
  readonly dims: AxisNumbers;
}

/**
 * Rows of numbers: `number[][]` (deeper for image-shaped rows), an array of typed arrays, `{ data, shape }`,
 * `{ data, dims }`, or a tensor of TensorFlow.js. The first axis counts rows. 64-bit integers (bigint) are read as
 * numbers, up to 2^53.
 */
export type MatrixInput = NestedNumbers | readonly TypedArray[] | FlatInput | DimsInput | Tensor;

/** The form of an input, so that the result can have the same. */
export type Form = 'arrays' | 'typedRows' | 'flat' | 'tensor';

/** A typed array whose entries are numbers. */
export type NumberArray = Exclude<TypedArray, BigInt64Array | BigUint64Array>;

/** Whether it is a tensor of TensorFlow.js. */
export function isTensor(input: unknown): input is Tensor {
  return typeof input === 'object' && input !== null && 'dataId' in input && 'shape' in input;
}

/** Whether it is a tensor of another library. */
export function isDims(input: unknown): input is DimsInput {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return false;
  return isAxisNumbers((input as Partial<DimsInput>).dims);
}

/** Whether it is a flat array with a shape. */
export function isFlat(input: unknown): input is FlatInput {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return false;
  const { data, shape } = input as Partial<FlatInput>;
  return isAxisNumbers(shape) && (ArrayBuffer.isView(data) || Array.isArray(data));
}

/** Whether it is a typed array of numbers, not of 64-bit integers. */
export function isNumberArray(data: unknown): data is NumberArray {
  return ArrayBuffer.isView(data) && !isA('BigInt64Array', data) && !isA('BigUint64Array', data);
}
