/** Compiled kernels as they lie in the source, and the memory that they work in. */

/** The bytes of a module. */
export function moduleBytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

/** Those of the module with fused multiply-add where the engine has relaxed SIMD, else of the other. */
export function quickerModule({
  simd,
  relaxedSimd,
}: Record<'simd' | 'relaxedSimd', string>): Uint8Array<ArrayBuffer> {
  const relaxed = moduleBytes(relaxedSimd);
  return WebAssembly.validate(relaxed) ? relaxed : moduleBytes(simd);
}

/** The memory with at least so many bytes, and whatever it held. Throws `RangeError` when there are no more. */
export function grown(memory: WebAssembly.Memory, bytes: number): WebAssembly.Memory {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  return memory;
}
