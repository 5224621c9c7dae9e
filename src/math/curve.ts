/** The similarity curve of the embedding: fits its parameters a and b to `minDist` and `spread`. */
import { OptionError } from '../core/errors.js';

/** Similarity of two embedded points at distance d: 1 / (1 + a d^(2b)). */
export interface Curve {
  readonly a: number;
  readonly b: number;
}

const samples = 300;

/**
 * Fits `a` and `b` of the similarity curve by least squares to the target 1 below `minDist` and exp(-(d - minDist) /
 * spread) beyond, at 300 points of [0, 3 spread] (McInnes, Healy and Melville, UMAP, 2018, definition 11).
 *
 * `minDist`, in [0, spread], default 0.1, is the distance up to which points count as touching: smaller values give denser
 * clusters. `spread`, above 0, default 1, is the unit of length of the map. Throws `OptionError` for values out of range.
 */
export function fitCurve({ minDist = 0.1, spread = 1 }: { minDist?: number; spread?: number } = {}): Curve {
  if (!(Number.isFinite(spread) && spread > 0)) {
    throw new OptionError(`curve: spread: expected a finite number above 0, got ${spread}; the default is 1`);
  }
  if (!(minDist >= 0 && minDist <= spread)) {
    throw new OptionError(
      `curve: minDist: expected a number from 0 to spread (${spread}), got ${minDist}; lower minDist or raise spread`,
    );
  }
  // In units of spread, the problem is equally well conditioned for every spread.
  const x = new Float64Array(samples);
  const target = new Float64Array(samples);
  for (let i = 0; i < samples; i++) {
    x[i] = (3 * i) / (samples - 1);
    const beyond = x[i]! - minDist / spread;
    target[i] = beyond < 0 ? 1 : Math.exp(-beyond);
  }
  const { a, b } = levenbergMarquardt(x, target);
  // a (x / spread)^(2b) = (a / spread^(2b)) x^(2b)
  return { a: a / spread ** (2 * b), b };
}

/** Least squares in two unknowns, starting at a = b = 1. The damping falls with every step that lowers the error. */
function levenbergMarquardt(x: Float64Array, target: Float64Array): Curve {
  let a = 1;
  let b = 1;
  let damping = 1e-3;
  let { error, aa, ab, bb, ga, gb } = normalEquations(x, target, a, b);
  for (let iteration = 0; iteration < 200 && damping < 1e12; iteration++) {
    // (J'J + damping diag(J'J)) step = -J'r
    const daa = aa * (1 + damping);
    const dbb = bb * (1 + damping);
    const determinant = daa * dbb - ab * ab;
    const stepA = (-ga * dbb + gb * ab) / determinant;
    const stepB = (-gb * daa + ga * ab) / determinant;
    const tried = normalEquations(x, target, a + stepA, b + stepB);
    if (a + stepA > 0 && tried.error <= error) {
      a += stepA;
      b += stepB;
      ({ error, aa, ab, bb, ga, gb } = tried);
      damping *= 0.1;
      if (Math.abs(stepA) <= 1e-13 * a && Math.abs(stepB) <= 1e-13 * b) break;
    } else {
      damping *= 10;
    }
  }
  return { a, b };
}

/** Squared error r'r with J'J = [aa ab; ab bb] and J'r = [ga gb], r the residuals and J their derivatives. */
function normalEquations(x: Float64Array, target: Float64Array, a: number, b: number) {
  let error = 0;
  let aa = 0;
  let ab = 0;
  let bb = 0;
  let ga = 0;
  let gb = 0;
  for (let i = 0; i < samples; i++) {
    const power = x[i]! ** (2 * b);
    const similarity = 1 / (1 + a * power);
    const residual = similarity - target[i]!;
    // d/da = -x^(2b) s^2 and d/db = -2 a x^(2b) ln(x) s^2; both vanish at x = 0.
    const byA = -power * similarity * similarity;
    const byB = i === 0 ? 0 : byA * 2 * a * Math.log(x[i]!);
    error += residual * residual;
    aa += byA * byA;
    ab += byA * byB;
    bb += byB * byB;
    ga += byA * residual;
    gb += byB * residual;
  }
  return { error, aa, ab, bb, ga, gb };
}
