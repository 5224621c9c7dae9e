/** The contrastive losses in one pass on the host, in 64-bit floats. Formulas: contrastive.ts. */
import type { ContrastiveForm, ContrastivePairs } from '../backend/contrastiveLoss.js';
import { readNegatives } from './contrastiveNegatives.js';

/** A cost, and its derivatives with respect to log kappa (neg, nce) and the log of the temperature (cosine). */
export interface HostCost {
  readonly value: number;
  readonly byLogKappa: number;
  readonly byLogTemperature: number;
}

/** Longer rows than the square root of this count as not finite, as in the kernel. */
const LONGEST = 1e30;

/**
 * The weighted cost of all pairs with their negatives. Writes its gradient with respect to `points` (row-major, `columns` wide)
 * into `gradient`.
 */
export function contrastiveOnHost(
  points: ArrayLike<number>,
  columns: number,
  pairs: ContrastivePairs,
  form: ContrastiveForm,
  gradient: Float32Array | Float64Array,
): HostCost {
  const { cosine, factor } = form;
  const units = unitRows(points, columns, cosine);
  if (units === undefined) return { value: Number.NaN, byLogKappa: 0, byLogTemperature: 0 };
  const { places, scales } = units;
  const sums = new Float64Array(points.length);
  const negatives = readNegatives(pairs);
  const values = new Float64Array(negatives.rows.length);
  const loss = form.mode.startsWith('infonce') ? contrasted : logistic;
  let value = 0;
  let byLogKappa = 0;
  for (let p = 0; p < pairs.count; p++) {
    const [head, tail, weight] = [pairs.heads[p]! * columns, pairs.tails[p]! * columns, pairs.weights[p]!];
    const n = negatives.next(p);
    for (let k = 0; k < n; k++)
      values[k] = compared(places, columns, head, negatives.rows[k]! * columns, cosine);
    const found = loss(form, compared(places, columns, head, tail, cosine), values, n);
    const scale = loss === contrasted ? factor * weight : weight;
    value += scale * found.cost;
    byLogKappa += scale * found.byLogKappa;
    addGradient(places, columns, head, tail, scale * found.derivative, cosine, sums);
    for (let k = 0; k < n; k++) {
      addGradient(places, columns, head, negatives.rows[k]! * columns, scale * values[k]!, cosine, sums);
    }
  }
  const along = throughScaling(sums, places, scales, columns, cosine, gradient);
  return { value, byLogKappa, byLogTemperature: -along / 2 };
}

/** Rows scaled to length 1 for cosines, with the scales: 0 for rows of zeros. Undefined for rows that are not finite. */
function unitRows(points: ArrayLike<number>, columns: number, cosine: boolean) {
  const places = Float64Array.from(points);
  const scales = new Float64Array(points.length / columns).fill(1);
  for (let row = 0; row < scales.length; row++) {
    let squares = 0;
    for (let c = row * columns; c < (row + 1) * columns; c++) squares += places[c]! ** 2;
    if (!(squares < LONGEST)) return undefined;
    if (!cosine) continue;
    scales[row] = squares > 0 ? 1 / Math.sqrt(squares) : 0;
    for (let c = row * columns; c < (row + 1) * columns; c++) places[c]! *= scales[row]!;
  }
  return { places, scales };
}

/** The scalar product of two rows if `cosine`, else their squared distance. */
function compared(places: Float64Array, columns: number, a: number, b: number, cosine: boolean): number {
  let sum = 0;
  for (let c = 0; c < columns; c++) {
    const [x, y] = [places[a + c]!, places[b + c]!];
    sum += cosine ? x * y : (x - y) ** 2;
  }
  return sum;
}

/** Adds the gradient of a pair from the derivative with respect to what `compared` returns. */
function addGradient(
  places: Float64Array,
  columns: number,
  a: number,
  b: number,
  derivative: number,
  cosine: boolean,
  sums: Float64Array,
): void {
  for (let c = 0; c < columns; c++) {
    const [x, y] = [places[a + c]!, places[b + c]!];
    sums[a + c]! += derivative * (cosine ? y : 2 * (x - y));
    sums[b + c]! += derivative * (cosine ? x : 2 * (y - x));
  }
}

/** Writes the gradient of the rows from that of the unit rows. Returns the sum of its parts along the unit rows. */
function throughScaling(
  sums: Float64Array,
  places: Float64Array,
  scales: Float64Array,
  columns: number,
  cosine: boolean,
  gradient: Float32Array | Float64Array,
): number {
  let total = 0;
  for (let row = 0; row < scales.length; row++) {
    let along = 0;
    for (let c = row * columns; cosine && c < (row + 1) * columns; c++) along += sums[c]! * places[c]!;
    for (let c = row * columns; c < (row + 1) * columns; c++) {
      gradient[c] = scales[row]! * (sums[c]! - along * places[c]!);
    }
    total += along;
  }
  return total;
}

/** Cost of a pair and its `n` negatives; `values` of the negatives are replaced by derivatives with respect to them. */
interface PairCost {
  readonly cost: number;
  readonly derivative: number;
  readonly byLogKappa: number;
}

/** log(1 + u) of the pair and log(1 + 1 / u) of each negative, u = kappa / similarity; for umap u = d^2. */
function logistic(form: ContrastiveForm, own: number, values: Float64Array, n: number): PairCost {
  const { mode, cosine, temperature, tangent } = form;
  const kappa = mode === 'nce' ? form.kappa * n : mode === 'umap' ? 1 : form.kappa;
  const offset = mode === 'umap' ? 0 : 1;
  // Inverse odds of a negative, and the derivative of their logarithm with respect to the value.
  const inverse = (x: number) => (cosine ? Math.exp(x / temperature) / kappa : 1 / (kappa * (offset + x)));
  const rate = (x: number) => (cosine ? 1 / temperature : -1 / (offset + x));
  const u = kappa === 0 ? 0 : cosine ? kappa * Math.exp(-own / temperature) : kappa * (offset + own);
  let cost = Math.log1p(u);
  let byLogKappa = u / (1 + u);
  // (u / (1 + u)) d log u, with d log u = d / (offset + d^2): finite at 0 for umap.
  const derivative = cosine ? -byLogKappa / temperature : kappa / (1 + u);
  for (let k = 0; k < n; k++) {
    const value = values[k]!;
    const x = mode === 'umap' ? Math.max(value, tangent) : value;
    const e = inverse(x);
    const share = e === Number.POSITIVE_INFINITY ? 1 : e / (1 + e);
    const byValue = share * rate(x);
    cost += Math.log1p(e) + byValue * (value - x);
    byLogKappa -= share;
    values[k] = byValue;
  }
  return { cost, derivative, byLogKappa };
}

/** -log q of the pair + log(sum of q) / kappa, over the negatives, and for infonce over the pair too. */
function contrasted(form: ContrastiveForm, own: number, values: Float64Array, n: number): PairCost {
  const { mode, cosine, temperature, kappa } = form;
  const log = (x: number) => (cosine ? x / temperature : -Math.log1p(x));
  const rate = (x: number) => (cosine ? 1 / temperature : -1 / (1 + x));
  const withOwn = mode === 'infonce';
  if (n === 0 && !withOwn) return { cost: -log(own), derivative: -rate(own), byLogKappa: 0 };
  let most = withOwn ? log(own) : Number.NEGATIVE_INFINITY;
  for (let k = 0; k < n; k++) most = Math.max(most, log(values[k]!));
  let total = withOwn ? Math.exp(log(own) - most) : 0;
  for (let k = 0; k < n; k++) total += Math.exp(log(values[k]!) - most);
  const part = (x: number) => (Math.exp(log(x) - most) / (total * kappa)) * rate(x);
  const cost = -log(own) + (most + Math.log(total)) / kappa;
  const derivative = (withOwn ? part(own) : 0) - rate(own);
  for (let k = 0; k < n; k++) values[k] = part(values[k]!);
  return { cost, derivative, byLogKappa: 0 };
}
