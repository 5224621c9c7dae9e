/** Histograms of weights. */

/** How often values fall between limits, as in TensorFlow's `HistogramProto`. */
export interface Histogram {
  readonly min: number;
  readonly max: number;
  /** Number of values. */
  readonly count: number;
  readonly sum: number;
  readonly sumSquares: number;
  /** Upper limit of each bin; each begins where the one before it ends, the first at `min`. */
  readonly limits: readonly number[];
  /** Number of values in each bin. */
  readonly counts: readonly number[];
}

/** Bins of equal width, as many as TensorBoard draws. */
const BINS = 30;

/** The histogram of the finite values among these; undefined where there are none. */
export function histogramOf(values: ArrayLike<number>): Histogram | undefined {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let count = 0;
  let sum = 0;
  let sumSquares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    count++;
    sum += value;
    sumSquares += value * value;
  }
  if (count === 0) return undefined;
  const bins = max > min ? BINS : 1;
  const width = (max - min) / bins;
  const counts = new Array<number>(bins).fill(0);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isFinite(value))
      counts[bins === 1 ? 0 : Math.min(bins - 1, Math.floor((value - min) / width))]!++;
  }
  const limits = counts.map((_, bin) => (bin === bins - 1 ? max : min + (bin + 1) * width));
  return { min, max, count, sum, sumSquares, limits, counts };
}
