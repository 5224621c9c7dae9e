/** Seeded random streams, the only source of random numbers in the library. */
import seedrandom from 'seedrandom';
import type { Random, RandomState } from './types.js';

/**
 * A random stream for a seed. Streams of the same seed and names are equal on every platform: the generator is xoshiro128**
 * (Blackman and Vigna, 2018), its state filled by seedrandom's `alea` from the seed and the path of names.
 */
export function createRandom(seed: number | string): Random {
  return stream(String(seed));
}

function stream(path: string): Random {
  const state = xoshiro128(path);
  const uint32 = () => draw(state) >>> 0;
  const next = () => ((draw(state) >>> 0) * 0x200000 + (draw(state) >>> 11)) / 0x20000000000000;
  let spare = Number.NaN;
  const issued = new Set<number>();
  return {
    next,
    uint32,
    // The high half of a 32 x 32 bit product; its bias, below 2^-32 * below, is far under sampling noise.
    integer: (below) => Math.floor(((draw(state) >>> 0) / 0x100000000) * below),
    integers: (list, below) => drawIntegers(state, list, below),
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
    state: () => ({ words: [...state], normal: Number.isNaN(spare) ? null : spare }),
    restore({ words, normal }) {
      state.set(words);
      spare = normal ?? Number.NaN;
    },
  };
}

/** The long-lived streams of a training by name, so that their states can be saved and restored together. */
export interface Streams {
  /** Same as `Random.fork`; the stream is registered under its name. */
  fork(name: string): Random;
  /** State of each stream by name, as plain data. */
  state(): Record<string, RandomState>;
  /** Sets each stream back to its state. */
  restore(states: Readonly<Record<string, RandomState>>): void;
}

/** A registry of the forks of a stream. */
export function streamsOf(random: Random): Streams {
  const streams = new Map<string, Random>();
  return {
    fork(name) {
      const forked = random.fork(name);
      streams.set(name, forked);
      return forked;
    },
    state: () => Object.fromEntries([...streams].map(([name, stream]) => [name, stream.state()])),
    restore(states) {
      for (const [name, state] of Object.entries(states)) streams.get(name)?.restore(state);
    },
  };
}

/**
 * Fills the list with integers in [0, below) and advances the state, which is four words. With several `lanes`, the state is that
 * of as many generators, word `w` of generator `lane` at `w * lanes + lane`, and this one fills every `lanes`th entry from entry
 * `lane` on.
 */
export function drawIntegers(state: Int32Array, list: Int32Array, below: number, lane = 0, lanes = 1): void {
  // The same generator as `draw`, with the state in local variables, which is faster for a list.
  let a = state[lane]!;
  let b = state[lanes + lane]!;
  let c = state[2 * lanes + lane]!;
  let d = state[3 * lanes + lane]!;
  for (let i = lane; i < list.length; i += lanes) {
    const product = Math.imul(b, 5);
    const bits = Math.imul((product << 7) | (product >>> 25), 9);
    list[i] = ((bits >>> 0) / 0x100000000) * below;
    c ^= a;
    d ^= b;
    const shifted = b << 9;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
  }
  state[lane] = a;
  state[lanes + lane] = b;
  state[2 * lanes + lane] = c;
  state[3 * lanes + lane] = d;
}

/** The initial state of a stream. */
function xoshiro128(path: string): Int32Array {
  const seeds = seedrandom.alea(path);
  return Int32Array.of(seeds.int32(), seeds.int32(), seeds.int32(), seeds.int32() | 1);
}

/**
 * The next 32 bits. One function for all streams, so that engines inline it, and a signed number, which needs no heap
 * allocation: a draw is ten times as fast where there are many streams.
 */
function draw(state: Int32Array): number {
  const b = state[1]!;
  const product = Math.imul(b, 5);
  const c = state[2]! ^ state[0]!;
  const d = state[3]! ^ b;
  state[1] = b ^ c;
  state[0] = state[0]! ^ d;
  state[2] = c ^ (b << 9);
  state[3] = (d << 11) | (d >>> 21);
  return Math.imul((product << 7) | (product >>> 25), 9);
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
