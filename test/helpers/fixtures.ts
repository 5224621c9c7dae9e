/** Golden values of the originals (`test/fixtures`), and the 300 real digits among them. */
import { read } from './files.js';

/** A fixture by its name without `.json`. */
export const fixture = (name: string) => JSON.parse(read(`test/fixtures/${name}.json`));

interface GoldenCase {
  readonly k: number;
  readonly knnIndices: number[][];
  readonly knnDistances: number[][];
  readonly rows: number[];
  readonly cols: number[];
  readonly weights: number[];
}

/** Rows of 64 gray values from 0 to 16, their labels, and what umap-learn makes of them. */
export const digits: { X: number[][]; y: number[]; cases: GoldenCase[] } = fixture('fuzzy_digits300');

/** Supervised graphs of the same rows. */
export const supervised: {
  labels: number[];
  target: number[];
  cases: (Omit<GoldenCase, 'k' | 'knnIndices' | 'knnDistances'> & {
    readonly kind: 'categorical' | 'continuous';
    readonly targetWeight: number;
  })[];
} = fixture('supervised_digits300');

/** Gray values in [0, 1]. */
export const greys = digits.X.map((row) => row.map((value) => value / 16));

/** The same rows as images of 8 x 8 x 1. */
export const images = greys.map((row) =>
  Array.from({ length: 8 }, (_, r) => row.slice(8 * r, 8 * r + 8).map((value) => [value])),
);
