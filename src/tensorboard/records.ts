/** Records of TensorFlow's TFRecord format, in which event files are written. */

import { crc32 } from '../core/bytes.js';

/** CRC-32C (Castagnoli) of RFC 3720, as an unsigned number. */
export const crc32c = crc32(0x82f63b78);

/** The checksum as records hold it: rotated and shifted, since a checksum of data that hold checksums is a weak one. */
function masked(bytes: Uint8Array): number {
  const sum = crc32c(bytes);
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}

/** One record: length, checksum of the length, data, checksum of the data; little-endian. */
export function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(data.length + 12, masked(data), true);
  return bytes;
}
