/**
 * Gradients and their means below `TINY` count as 0, and so do mean squares below `TINY_SQUARE`: with an epsilon of
 * 1e-7 they change a weight by less than 1e-8 of the learning rate. For a dead unit they would decay to subnormal
 * numbers and stay there (0.9 times the fourth smallest one rounds to itself), and some processors need a hundred
 * cycles for each of those.
 */
const TINY: f32 = 1e-16;
const TINY_SQUARE: f32 = 1e-35;

/** The values, with 0 for those smaller than `least`. */
// @ts-ignore: decorator
@inline
function flushed4(values: v128, least: f32): v128 {
  return v128.andnot(values, f32x4.lt(f32x4.abs(values), f32x4.splat(least)));
}

/**
 * One step of Adam (Kingma and Ba, 2015) over one variable, in one pass: g = clip(g); m = b1 m + (1 - b1) g;
 * v = b2 v + (1 - b2) g^2; x -= rate * (m / c1) / (sqrt(v / c2) + epsilon), with c = 1 - b^t the bias
 * corrections. `to` receives the new variable and may be `x` itself.
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
    g = flushed4(f32x4.min(f32x4.max(g, f32x4.splat(-clip)), f32x4.splat(clip)), TINY);
    const m = flushed4(
      f32x4.add(f32x4.mul(f32x4.splat(beta1), v128.load(first + at)), f32x4.mul(f32x4.splat(rest1), g)), TINY,
    );
    const v = flushed4(
      f32x4.add(
        f32x4.mul(f32x4.splat(beta2), v128.load(second + at)), f32x4.mul(f32x4.splat(rest2), f32x4.mul(g, g)),
      ), TINY_SQUARE,
    );
    v128.store(first + at, m);
    v128.store(second + at, v);
    const scale = f32x4.add(f32x4.sqrt(f32x4.div(v, f32x4.splat(correction2))), f32x4.splat(epsilon));
    const change = f32x4.div(f32x4.div(m, f32x4.splat(correction1)), scale);
    v128.store(to + at, f32x4.sub(v128.load(x + at), f32x4.mul(change, f32x4.splat(rate))));
  }
  for (; i < count; i++) {
    const at = i * 4;
    const g = flushed(min<f32>(max<f32>(load<f32>(gradient + at), -clip), clip), TINY);
    const m = flushed(beta1 * load<f32>(first + at) + rest1 * g, TINY);
    const v = flushed(beta2 * load<f32>(second + at) + rest2 * (g * g), TINY_SQUARE);
    store<f32>(first + at, m);
    store<f32>(second + at, v);
    const change = m / correction1 / (sqrt<f32>(v / correction2) + epsilon);
    store<f32>(to + at, load<f32>(x + at) - change * rate);
  }
}

// @ts-ignore: decorator
@inline
function flushed(value: f32, least: f32): f32 {
  return abs(value) < least ? 0 : value;
}
