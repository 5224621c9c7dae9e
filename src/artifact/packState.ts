/** Plain data with typed arrays anywhere in it <-> a table: the arrays apart, and a reference in the place of each. */

import { ArtifactError } from '../core/errors.js';
import { isPlain } from '../core/realms.js';
import type { ArrayTypes, Dtype, NumericArray, Table } from './arrays.js';
import { invalid } from './json.js';

/** Key of a reference: `{ $array: 'name' }`. */
const referenceKey = '$array';
/** Deepest nesting, so that a cycle is an error. */
const maxDepth = 50;

/** Replaces typed arrays by references. Throws `ArtifactError` for cycles, and for data that use the key of references. */
export function packState(value: object): Table {
  const arrays: Record<string, NumericArray> = {};
  let count = 0;
  const pack = (part: unknown, depth: number): unknown => {
    if (typeof part !== 'object' || part === null) return part;
    if (depth > maxDepth) throw invalid('state', `at most ${maxDepth} levels`, 'more', 'remove the cycle');
    if (ArrayBuffer.isView(part) && !(part instanceof DataView)) {
      const name = `a${count++}`;
      const data = part as ArrayTypes[Dtype];
      arrays[name] = { data, shape: [data.length] };
      return { [referenceKey]: name };
    }
    if (Array.isArray(part)) return part.map((item) => pack(item, depth + 1));
    if (!isPlain(part)) return part;
    if (referenceKey in part) throw invalid('state', 'a permitted key', referenceKey, 'rename it');
    return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, pack(item, depth + 1)]));
  };
  return { state: pack(value, 0) as object, arrays };
}

/** The inverse of `packState`. Throws `ArtifactError` for a reference to an array that is not there. */
export function unpackState({ state, arrays }: Table): unknown {
  const unpack = (part: unknown): unknown => {
    if (typeof part !== 'object' || part === null) return part;
    if (Array.isArray(part)) return part.map(unpack);
    if (referenceKey in part) {
      const name = String(part[referenceKey]);
      if (!Object.hasOwn(arrays, name)) {
        throw new ArtifactError(
          `checkpoint: expected the array ${name}, got none; the file was damaged or edited, fit without resume`,
        );
      }
      return arrays[name]!.data;
    }
    return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, unpack(item)]));
  };
  return unpack(state);
}
