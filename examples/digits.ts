/** The data of the examples: handwritten digits, 8 x 8 pixels each (see data/README.md). */
import type { Matrix } from 'parametric-umap';
import { readCsv } from 'parametric-umap/node';

export interface Digits {
  /** One image per row: 64 pixels from 0 to 1. */
  readonly train: Matrix;
  readonly trainLabels: Int32Array;
  /** Every fifth picture, held out: no map has seen it. */
  readonly test: Matrix;
  readonly testLabels: Int32Array;
}

/** Reads the first `rows` of the 1,797 pictures. */
export async function loadDigits(rows = 1797): Promise<Digits> {
  const { data, labels } = await readCsv(new URL('../../examples/data/digits.csv', import.meta.url), {
    label: 'label',
  });
  const ink = {
    data: data.data.subarray(0, rows * 64).map((value) => value / 16),
    shape: [rows, 64] as const,
  };
  const classes = Int32Array.from((labels as number[]).slice(0, rows));
  const [train, trainLabels] = pick(ink, classes, (row) => row % 5 !== 4);
  const [test, testLabels] = pick(ink, classes, (row) => row % 5 === 4);
  return { train, trainLabels, test, testLabels };
}

/** Where a map of two dimensions has the first picture of a digit. */
export function placeOf({ data }: Matrix, labels: Int32Array, digit: number): Float32Array {
  const row = labels.indexOf(digit);
  return data.subarray(2 * row, 2 * row + 2);
}

/** The rows that `wanted` says yes to, with their labels. */
export function pick(
  { data, shape: [rows, columns] }: Matrix,
  labels: Int32Array,
  wanted: (row: number, label: number) => boolean,
): [Matrix, Int32Array] {
  const chosen = Array.from({ length: rows }, (_, row) => row).filter((row) => wanted(row, labels[row]!));
  const picked = new Float32Array(chosen.length * columns);
  chosen.forEach((row, i) => {
    picked.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  return [{ data: picked, shape: [chosen.length, columns] }, Int32Array.from(chosen, (row) => labels[row]!)];
}
