/**
 * Gradients and means of them below this count as 0, and means of squares below `NO_SQUARE`: beside an epsilon of 1e-7 they
 * move a weight by less than 1e-8 of the rate. Behind a dead unit they would shrink to subnormal numbers and stay there, for
 * 0.9 of the fourth smallest is the fourth smallest again, and some processors take a hundred cycles for each of those.
 */
const NOTHING: f32 = 1e-16;
const NO_SQUARE: f32 = 1e-35;

/** The numbers, 0 where they are smaller than `least`. */
// @ts-ignore: decorator
@inline
function cleared(numbers: v128, least: f32): v128 {
  return v128.andnot(numbers, f32x4.lt(f32x4.abs(numbers), f32x4.splat(least)));
}

/**
 * One step of Adam (Kingma and Ba, 2015) over one variable, in one pass: g = clip(g); m = b1 m + (1 - b1) g;
 * v = b2 v + (1 - b2) g^2; x -= rate * (m / c1) / (sqrt(v / c2) + epsilon), with c = 1 - b^t the corrections
 * for the zero start. `to` takes the new variable and may be `x` itself.
 */
export function adam(
  count: i32, x: usize, to: usize, gradient: usize, first: usize, second: usize,
  rate: f32, beta1: f32, beta2: f32, epsilon: f32, correction1: f32, correction2: f32, clip: f32,
): void {
  const rest1: f32 = 1 - beta1;
  const rest2: f32 = 1 - beta2;
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = i * 4;
    let g = v128.load(gradient + at);
    g = cleared(f32x4.min(f32x4.max(g, f32x4.splat(-clip)), f32x4.splat(clip)), NOTHING);
    const m = cleared(
      f32x4.add(f32x4.mul(f32x4.splat(beta1), v128.load(first + at)), f32x4.mul(f32x4.splat(rest1), g)), NOTHING,
    );
    const v = cleared(
      f32x4.add(
        f32x4.mul(f32x4.splat(beta2), v128.load(second + at)), f32x4.mul(f32x4.splat(rest2), f32x4.mul(g, g)),
      ), NO_SQUARE,
    );
    v128.store(first + at, m);
    v128.store(second + at, v);
    const scale = f32x4.add(f32x4.sqrt(f32x4.div(v, f32x4.splat(correction2))), f32x4.splat(epsilon));
    const change = f32x4.div(f32x4.div(m, f32x4.splat(correction1)), scale);
    v128.store(to + at, f32x4.sub(v128.load(x + at), f32x4.mul(change, f32x4.splat(rate))));
  }
  for (; i < count; i++) {
    const at = i * 4;
    const g = or0(min<f32>(max<f32>(load<f32>(gradient + at), -clip), clip), NOTHING);
    const m = or0(beta1 * load<f32>(first + at) + rest1 * g, NOTHING);
    const v = or0(beta2 * load<f32>(second + at) + rest2 * (g * g), NO_SQUARE);
    store<f32>(first + at, m);
    store<f32>(second + at, v);
    const change = m / correction1 / (sqrt<f32>(v / correction2) + epsilon);
    store<f32>(to + at, load<f32>(x + at) - change * rate);
  }
}

// @ts-ignore: decorator
@inline
function or0(number: f32, least: f32): f32 {
  return abs(number) < least ? 0 : number;
}
