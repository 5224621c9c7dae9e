/** Reader of IDX files, the format of MNIST. */
import { DataError } from '../core/errors.js';
import { requireNode } from '../core/platform.js';

/** Numbers of an IDX file in the type that the file names. */
export interface Idx {
  /** All values, row after row. */
  readonly data: Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
  /** Length of each axis, such as `[60000, 28, 28]`. */
  readonly shape: readonly number[];
}

/**
 * Reads bytes of an IDX file, the format of MNIST, gzipped or not. Big-endian numbers come out in the machine's
 * order. Throws `DataError` when the magic number, the type or the size is wrong.
 * Format: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
 */
export async function readIdx(bytes: Uint8Array): Promise<Idx> {
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? await gunzipped(bytes) : bytes;
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  if (plain.length < 4 || plain[0] !== 0 || plain[1] !== 0) {
    const start = Array.from(plain.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new DataError(
      `readIdx: expected a file that begins 00 00, got ${plain.length} bytes: ${start || 'none'}`,
    );
  }
  const code = plain[2]!;
  const axes = plain[3]!;
  const type = TYPES.get(code);
  if (type === undefined) {
    const known = [...TYPES.keys()].map(hex).join(', ');
    throw new DataError(`readIdx: number type: expected one of ${known}, got ${hex(code)}`);
  }
  const start = 4 + 4 * axes;
  if (axes === 0 || plain.length < start) {
    throw new DataError(
      `readIdx: expected a header of ${start} bytes for ${axes} axes, got a file of ${plain.length}`,
    );
  }
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, length) => product * length, 1);
  if (plain.length - start !== size * type.bytes) {
    throw new DataError(
      `readIdx: expected ${size * type.bytes} bytes of data for shape [${shape.join(', ')}], got ${plain.length - start}`,
    );
  }
  return { data: type.read(view, start, size), shape };
}

async function gunzipped(bytes: Uint8Array): Promise<Uint8Array> {
  const { gunzipSync } = await requireNode<typeof import('node:zlib')>(
    'zlib',
    'readIdx',
    'unpack the file first',
  );
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new DataError(
      `readIdx: expected sound gzip data, got damaged ones (${(cause as Error).message}); download the file again`,
      { cause },
    );
  }
}

function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, '0')}`;
}

type Read = (view: DataView, start: number, size: number) => Idx['data'];

const TYPES: ReadonlyMap<number, { readonly bytes: number; readonly read: Read }> = new Map([
  [
    0x08,
    { bytes: 1, read: (v, at, n) => new Uint8Array(v.buffer as ArrayBuffer, v.byteOffset + at, n).slice() },
  ],
  [0x09, { bytes: 1, read: (v, at, n) => Int8Array.from({ length: n }, (_, i) => v.getInt8(at + i)) }],
  [0x0b, { bytes: 2, read: (v, at, n) => Int16Array.from({ length: n }, (_, i) => v.getInt16(at + 2 * i)) }],
  [0x0c, { bytes: 4, read: (v, at, n) => Int32Array.from({ length: n }, (_, i) => v.getInt32(at + 4 * i)) }],
  [
    0x0d,
    { bytes: 4, read: (v, at, n) => Float32Array.from({ length: n }, (_, i) => v.getFloat32(at + 4 * i)) },
  ],
  [
    0x0e,
    { bytes: 8, read: (v, at, n) => Float64Array.from({ length: n }, (_, i) => v.getFloat64(at + 8 * i)) },
  ],
] satisfies [number, { bytes: number; read: Read }][]);
