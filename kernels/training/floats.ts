/** Operations on contiguous floats, such as the channels of a pixel. */

// @ts-ignore: decorator
@inline
export function copyFloats(to: usize, from: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) v128.store(to + i * 4, v128.load(from + i * 4));
  for (; i < count; i++) store<f32>(to + i * 4, load<f32>(from + i * 4));
}

// @ts-ignore: decorator
@inline
export function addFloats(to: usize, from: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    v128.store(to + i * 4, f32x4.add(v128.load(to + i * 4), v128.load(from + i * 4)));
  }
  for (; i < count; i++) store<f32>(to + i * 4, load<f32>(to + i * 4) + load<f32>(from + i * 4));
}

// @ts-ignore: decorator
@inline
export function addMultiple(to: usize, from: usize, factor: f32, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const product = f32x4.mul(v128.load(from + i * 4), f32x4.splat(factor));
    v128.store(to + i * 4, f32x4.add(v128.load(to + i * 4), product));
  }
  for (; i < count; i++) store<f32>(to + i * 4, load<f32>(to + i * 4) + factor * load<f32>(from + i * 4));
}
