/**
 * Type tests that work across realms. Test runners (Jest's ESM, Vitest's `vmThreads`), `node:vm` and iframes give a
 * program its own copies of the built-in classes, so that `instanceof` is false for ordinary arrays and objects.
 */

/** The class of a built-in object by name: `Float32Array`, `ArrayBuffer`, `Object`. */
export function className(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether a value is an instance of a built-in class or of a subclass, as Node's Buffer is of Uint8Array. */
export function isA(name: string, value: unknown): boolean {
  return className(value) === name;
}

/** Whether a value is an object without a class: its prototype is null or some realm's `Object.prototype`. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  // Only an Object.prototype has no prototype itself and defines this method.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

/** Whether a value was thrown as an error. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || className(value) === 'Error';
}

/** The numbers as a `Float32Array` of this realm; shares memory where they are 32-bit floats already. */
export function asFloat32(data: ArrayLike<number>): Float32Array {
  if (data instanceof Float32Array) return data;
  if (!isA('Float32Array', data)) return Float32Array.from(data);
  const { buffer, byteOffset, length } = data as Float32Array;
  return new Float32Array(buffer, byteOffset, length);
}
