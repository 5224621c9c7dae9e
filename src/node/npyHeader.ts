/** The header of a `.npy` file, and its numbers in the machine's order. Format: NumPy enhancement proposal 1, versions 1 to 3. */

import { DataError } from '../core/errors.js';

/** Numbers of a `.npy` file, in the type that holds them; 16-bit floats in 32 bits, 64-bit integers in 64-bit floats. */
export type NpyNumbers =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** What the header of a file says. */
export interface NpyHeader {
  /** Type of the numbers without their byte order, such as `f4`. */
  readonly type: string;
  readonly bytes: number;
  /** The most significant byte comes first. */
  readonly bigEndian: boolean;
  readonly shape: readonly number[];
  /** Where the numbers begin. */
  readonly start: number;
}

/** Bytes that tell how long the header is. */
export const PREFIX = 12;
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Headers are some hundred bytes; NumPy itself refuses longer ones than 10,000. */
const LONGEST = 2 ** 16;

const wrong = (file: string, expected: string, got: string, advice: string) =>
  new DataError(`${file}: expected ${expected}, got ${got}; ${advice}`);

/** Length of prefix and header together, from the first bytes of a file. Throws `DataError` for another format. */
export function headerLength(bytes: Uint8Array, file: string): number {
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    const start = Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw wrong(
      file,
      'a .npy file, which begins 93 4e 55 4d 50 59',
      start || 'an empty file',
      'write it with np.save',
    );
  }
  const [major, minor] = [bytes[6]!, bytes[7]!];
  if (major < 1 || major > 3)
    throw wrong(file, 'version 1, 2 or 3', `${major}.${minor}`, 'write it with np.save');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (major > 1 && bytes.length < PREFIX)
    throw wrong(file, 'a header', 'the end of the file', 'write it again');
  const length = major === 1 ? 10 + view.getUint16(8, true) : PREFIX + view.getUint32(8, true);
  if (length > LONGEST)
    throw wrong(file, `a header of at most ${LONGEST} bytes`, `${length}`, 'write it with np.save');
  return length;
}

/** Reads the header from its bytes, prefix included. Throws `DataError` for types and orders that are not supported. */
export function parseHeader(bytes: Uint8Array, file: string): NpyHeader {
  const start = headerLength(bytes, file);
  if (bytes.length < start)
    throw wrong(file, `a header of ${start} bytes`, `${bytes.length}`, 'write it again');
  const text = new TextDecoder('utf-8').decode(bytes.subarray(bytes[6] === 1 ? 10 : PREFIX, start));
  const shown = text.trim().slice(0, 120);
  const [, descr] = /['"]descr['"]\s*:\s*(?:['"]([^'"]*)['"]|\[)/.exec(text) ?? [];
  const [, order] = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text) ?? [];
  const [, axes] = /['"]shape['"]\s*:\s*\(([\d\s,L]*)\)/.exec(text) ?? [];
  if (order === undefined || axes === undefined) {
    throw wrong(file, 'a header with descr, fortran_order and shape', shown, 'write it with np.save');
  }
  const [, mark, type = ''] = /^([<>|=]?)([a-zA-Z]\d*)$/.exec(descr ?? '') ?? [];
  const read = readers[type];
  if (mark === undefined || read === undefined) {
    const known = Object.keys(readers).join(', ');
    throw wrong(
      file,
      `numbers of type ${known}`,
      `dtype ${descr ?? 'of several fields'}`,
      'save x.astype(np.float32)',
    );
  }
  const shape = axes.split(',').flatMap((axis) => (axis.trim() === '' ? [] : [Number.parseInt(axis, 10)]));
  if (shape.length === 0)
    throw wrong(file, 'rows (1 axis or more)', 'a single number of shape ()', 'save an array');
  if (order === 'True' && shape.length > 1) {
    throw wrong(file, 'rows one after the other (C order)', 'Fortran order', 'save np.ascontiguousarray(x)');
  }
  return { type, bytes: Number(type.slice(1)), bigEndian: mark === '>', shape, start };
}

/** Numbers from bytes in the order that the file has. */
type Read = (view: DataView, count: number, little: boolean, at: Position) => NpyNumbers;
/** Where number `i` lies, for messages. */
type Position = (i: number) => string;

const typed =
  <T extends NpyNumbers>(
    Numbers: new (buffer: ArrayBuffer, start: number, count: number) => T,
    Owned: new (count: number) => T,
    get: (view: DataView, at: number, little: boolean) => number,
    bytes: number,
  ): Read =>
  (view, count, little) => {
    const { buffer, byteOffset } = view;
    if (little === littleEndian && byteOffset % bytes === 0) {
      return new Numbers(buffer as ArrayBuffer, byteOffset, count);
    }
    const numbers = new Owned(count);
    for (let i = 0; i < count; i++) numbers[i] = get(view, i * bytes, little);
    return numbers;
  };

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** 64-bit integers as floats. Throws `DataError` beyond 2^53. */
const integers64 =
  (signed: boolean): Read =>
  (view, count, little, where) => {
    const numbers = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const high = 8 * i + (little ? 4 : 0);
      const low = view.getUint32(8 * i + (little ? 0 : 4), little);
      numbers[i] = (signed ? view.getInt32(high, little) : view.getUint32(high, little)) * 2 ** 32 + low;
      if (Number.isSafeInteger(numbers[i])) continue;
      throw new DataError(
        `${where(i)}: expected integers up to 2^53, got ${numbers[i]}; subtract a common base first`,
      );
    }
    return numbers;
  };

/** Values of all 16-bit floats, made when the first are read. */
let halves: Float32Array | undefined;
const halfTable = () =>
  Float32Array.from({ length: 2 ** 16 }, (_, bits) => {
    const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
    if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
  });

const float16: Read = (view, count, little) => {
  halves ??= halfTable();
  const numbers = new Float32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = halves[view.getUint16(2 * i, little)]!;
  return numbers;
};

const bytes: Read = typed(Uint8Array, Uint8Array, (view, at) => view.getUint8(at), 1);
const readers: Readonly<Record<string, Read>> = {
  f2: float16,
  f4: typed(Float32Array, Float32Array, (view, at, little) => view.getFloat32(at, little), 4),
  f8: typed(Float64Array, Float64Array, (view, at, little) => view.getFloat64(at, little), 8),
  i1: typed(Int8Array, Int8Array, (view, at) => view.getInt8(at), 1),
  i2: typed(Int16Array, Int16Array, (view, at, little) => view.getInt16(at, little), 2),
  i4: typed(Int32Array, Int32Array, (view, at, little) => view.getInt32(at, little), 4),
  i8: integers64(true),
  u1: bytes,
  u2: typed(Uint16Array, Uint16Array, (view, at, little) => view.getUint16(at, little), 2),
  u4: typed(Uint32Array, Uint32Array, (view, at, little) => view.getUint32(at, little), 4),
  u8: integers64(false),
  b1: bytes,
};

/** The numbers in some bytes of a file. `where` names the place of one of them. Throws `DataError` for integers beyond 2^53. */
export function readNumbers(data: Uint8Array, header: NpyHeader, where: Position): NpyNumbers {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return readers[header.type]!(view, data.byteLength / header.bytes, !header.bigEndian, where);
}

/** A header of version 1 of `length` bytes, for numbers in this machine's order. */
export function writeHeader(type: string, shape: readonly number[], length: number): Uint8Array {
  const order = type.endsWith('1') ? '|' : littleEndian ? '<' : '>';
  const axes = `${shape.join(', ')}${shape.length === 1 ? ',' : ''}`;
  const text = `{'descr': '${order}${type}', 'fortran_order': False, 'shape': (${axes}), }`;
  const header = new Uint8Array(length).fill(0x20);
  header.set([...MAGIC, 1, 0, (length - 10) & 255, (length - 10) >> 8]);
  header.set(new TextEncoder().encode(text), 10);
  header[length - 1] = 0x0a;
  return header;
}
