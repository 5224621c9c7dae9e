/** Seeded random streams. Nothing in the library draws numbers from anywhere else. */
import seedrandom from 'seedrandom';
import type { Random } from './types.js';

/**
 * A stream for a seed. Streams of one seed and name are equal everywhere: state is xoshiro128** (Blackman and
 * Vigna, 2018), filled by seedrandom's `alea` from the seed and the path of names.
 */
export function createRandom(seed: number | string): Random {
  return stream(String(seed));
}

function stream(path: string): Random {
  const uint32 = xoshiro128(path);
  const next = () => (uint32() * 0x200000 + (uint32() >>> 11)) / 0x20000000000000;
  let spare = Number.NaN;
  const issued = new Set<number>();
  return {
    next,
    uint32,
    // The high half of a 32 x 32 bit product; its bias, below 2^-32 * below, is far under sampling noise.
    integer: (below) => Math.floor((uint32() / 0x100000000) * below),
    normal() {
      if (!Number.isNaN(spare)) {
        const value = spare;
        spare = Number.NaN;
        return value;
      }
      // Box-Muller: r = sqrt(-2 ln u), u in (0, 1].
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      const angle = 2 * Math.PI * next();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    fork: (name) => stream(`${path}/${name}`),
    tfSeed() {
      // TensorFlow.js takes 0 for "unseeded", and equal seeds make equal tensors.
      let seed = 0;
      while (seed === 0 || issued.has(seed)) seed = uint32() >>> 1;
      issued.add(seed);
      return seed;
    },
  };
}

function xoshiro128(path: string): () => number {
  const seeds = seedrandom.alea(path);
  let a = seeds.int32();
  let b = seeds.int32();
  let c = seeds.int32();
  let d = seeds.int32() | 1;
  return () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
}

/** Shuffles in place (Fisher and Yates). */
export function shuffle<T extends Int32Array | Uint32Array | number[]>(values: T, random: Random): T {
  for (let i = values.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    const swapped = values[i]!;
    values[i] = values[j]!;
    values[j] = swapped;
  }
  return values;
}
