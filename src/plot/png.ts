/** PNG pictures without a package, and without Node.js: stored, not compressed, which is enough for small pictures in a page. */
import { crc32, joined } from '../core/bytes.js';
import { base64 } from './base64.js';

/** Checksum of PNG chunks: CRC-32 of ISO 3309. */
const checksum = crc32(0xedb88320);

/** Most bytes of a stored block of deflate. */
const BLOCK = 65_535;

/**
 * A picture as a PNG file: 8 bits per channel, row after row from the top. One channel is gray, three are red, green and blue.
 */
export function png(pixels: Uint8Array, width: number, height: number, channels: 1 | 3): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, channels === 1 ? 0 : 2], 8);
  const line = width * channels;
  // Each line begins with the number of its filter: none.
  const lines = new Uint8Array(height * (line + 1));
  for (let y = 0; y < height; y++) lines.set(pixels.subarray(y * line, (y + 1) * line), y * (line + 1) + 1);
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const chunks = [chunk('IHDR', header), chunk('IDAT', stored(lines)), chunk('IEND', new Uint8Array(0))];
  return joined([signature, ...chunks]);
}

/** The same as the address of a picture, for `href` or `src`. */
export function pngAddress(pixels: Uint8Array, width: number, height: number, channels: 1 | 3): string {
  return `data:image/png;base64,${base64(png(pixels, width, height, channels))}`;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, checksum(bytes.subarray(4, data.length + 8)));
  return bytes;
}

/** Bytes in the zlib format (RFC 1950) as stored blocks of deflate (RFC 1951). */
function stored(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  for (let at = 0; at < bytes.length; at += BLOCK) {
    const block = bytes.subarray(at, at + BLOCK);
    const { length } = block;
    const last = at + BLOCK >= bytes.length ? 1 : 0;
    parts.push(Uint8Array.of(last, length & 255, length >>> 8, ~length & 255, (~length >>> 8) & 255), block);
  }
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  parts.push(Uint8Array.of(b >>> 8, b & 255, a >>> 8, a & 255));
  return joined(parts);
}
