/** Numbers as text in a page. */

/** The bytes of an array as base64. */
export function base64(values: Float32Array | Uint16Array | Uint32Array | Uint8Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = '';
  // Chunks of a multiple of 3 bytes, so that their texts can be joined, and short enough for one call.
  for (let at = 0; at < bytes.length; at += 0x6000) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + 0x6000)));
  }
  return text;
}
