/**
 * What a value is, whichever realm made it. Test runners (Jest's ESM, Vitest's `vmThreads`), `node:vm` and frames give a
 * program classes of its own, and then `instanceof` is false for arrays and objects that are quite ordinary.
 */

/** The class of a built-in object by name: `Float32Array`, `ArrayBuffer`, `Object`. */
export function className(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether a value is a typed array or buffer of the class, or of one made from it, as Node's Buffer is of Uint8Array. */
export function isA(name: string, value: unknown): boolean {
  return className(value) === name;
}

/** Whether a value is an object without a class: its prototype is null or some realm's `Object.prototype`. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  // Only an Object.prototype ends the chain and has this method of its own.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

/** Whether a value was thrown as an error. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || className(value) === 'Error';
}

/** The same numbers as an array of this realm's class, without a copy where they are 32-bit floats already. */
export function asFloat32(data: ArrayLike<number>): Float32Array {
  if (data instanceof Float32Array) return data;
  if (!isA('Float32Array', data)) return Float32Array.from(data);
  const { buffer, byteOffset, length } = data as Float32Array;
  return new Float32Array(buffer, byteOffset, length);
}
