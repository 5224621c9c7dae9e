/** Compiled WebAssembly modules, which the source contains as text, and their memory. */

/** The bytes of a module given as base64. */
export function moduleBytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

/** The bytes of the module with fused multiply-add if the engine has relaxed SIMD, else of the other one. */
export function quickerModule({
  simd,
  relaxedSimd,
}: Record<'simd' | 'relaxedSimd', string>): Uint8Array<ArrayBuffer> {
  const relaxed = moduleBytes(relaxedSimd);
  return WebAssembly.validate(relaxed) ? relaxed : moduleBytes(simd);
}

/** Grows a memory to at least `bytes`, keeping its contents. Throws `RangeError` if it cannot grow. */
export function grown(memory: WebAssembly.Memory, bytes: number): WebAssembly.Memory {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  return memory;
}
