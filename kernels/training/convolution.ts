/**
 * Convolution as a matrix product with the patches under the filter as rows (im2col), and back (col2im); and the
 * gradients of depthwise convolutions, directly. Tensors are NHWC; a "position" is one output pixel, counted through
 * the whole batch.
 */
import { addFloats, addMultiple, copyFloats } from './floats';

/**
 * Copies between images and patches, for positions [start, start + count). With `gather`, patches[p, fy, fx, c] =
 * x[b, oy * strideY + fy * dilationY - top, ...], zero outside; else every patch entry is added to the element of x
 * that it would be gathered from.
 */
export function movePatches(
  gather: bool, x: usize, height: i32, width: i32, channels: i32,
  outHeight: i32, outWidth: i32, filterHeight: i32, filterWidth: i32,
  strideY: i32, strideX: i32, dilationY: i32, dilationX: i32, top: i32, left: i32,
  start: i32, count: i32, patches: usize,
): void {
  const image = outHeight * outWidth;
  const size = channels * 4;
  for (let position = start; position < start + count; position++) {
    const batch = position / image;
    const cornerY = ((position % image) / outWidth) * strideY - top;
    const cornerX = (position % outWidth) * strideX - left;
    for (let fy = 0; fy < filterHeight; fy++) {
      const y = cornerY + fy * dilationY;
      const row = x + <usize>(batch * height + y) * <usize>(width * size);
      for (let fx = 0; fx < filterWidth; fx++) {
        const column = cornerX + fx * dilationX;
        if (<u32>y < <u32>height && <u32>column < <u32>width) {
          if (gather) copyFloats(patches, row + column * size, channels);
          else addFloats(row + column * size, patches, channels);
        } else if (gather) {
          memory.fill(patches, 0, size);
        }
        patches += size;
      }
    }
  }
}

/**
 * The gradient of a depthwise convolution with respect to the filter or to the input. `x` is [batch, height, width,
 * channels], `dy` [batch, outHeight, outWidth, channels * multiplier], the filter [filterHeight, filterWidth,
 * channels, multiplier]. With `toFilter`, target += x dy is the filter's gradient and `other` is x; else target +=
 * filter dy is the input's gradient and `other` is the filter. `target` starts zero.
 */
export function depthwiseGradient(
  target: usize, other: usize, dy: usize, toFilter: bool, batches: i32,
  height: i32, width: i32, channels: i32, multiplier: i32,
  outHeight: i32, outWidth: i32, filterHeight: i32, filterWidth: i32,
  strideY: i32, strideX: i32, dilationY: i32, dilationX: i32, top: i32, left: i32,
): void {
  const filterStep = channels * multiplier * 4;
  for (let batch = 0; batch < batches; batch++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        const from = dy + <usize>((batch * outHeight + oy) * outWidth + ox) * <usize>filterStep;
        for (let fy = 0; fy < filterHeight; fy++) {
          const y = oy * strideY + fy * dilationY - top;
          if (<u32>y >= <u32>height) continue;
          for (let fx = 0; fx < filterWidth; fx++) {
            const column = ox * strideX + fx * dilationX - left;
            if (<u32>column >= <u32>width) continue;
            const pixel = <usize>((batch * height + y) * width + column) * <usize>(channels * 4);
            const weight = <usize>((fy * filterWidth + fx) * filterStep);
            if (toFilter) depthwiseToFilter(target + weight, other + pixel, from, channels, multiplier);
            else depthwiseToInput(target + pixel, other + weight, from, channels, multiplier);
          }
        }
      }
    }
  }
}

/** filter[c, q] += x[c] dy[c, q]. */
function depthwiseToFilter(filter: usize, x: usize, dy: usize, channels: i32, multiplier: i32): void {
  let c = 0;
  if (multiplier == 1) {
    for (; c + 4 <= channels; c += 4) {
      const at = c * 4;
      const product = f32x4.mul(v128.load(x + at), v128.load(dy + at));
      v128.store(filter + at, f32x4.add(v128.load(filter + at), product));
    }
  }
  for (; c < channels; c++) {
    const value = load<f32>(x + c * 4);
    for (let q = 0; q < multiplier; q++) {
      const at = (c * multiplier + q) * 4;
      store<f32>(filter + at, load<f32>(filter + at) + value * load<f32>(dy + at));
    }
  }
}

/** x[c] += sum over q of filter[c, q] dy[c, q]. */
function depthwiseToInput(x: usize, filter: usize, dy: usize, channels: i32, multiplier: i32): void {
  let c = 0;
  if (multiplier == 1) {
    for (; c + 4 <= channels; c += 4) {
      const at = c * 4;
      const product = f32x4.mul(v128.load(filter + at), v128.load(dy + at));
      v128.store(x + at, f32x4.add(v128.load(x + at), product));
    }
  }
  for (; c < channels; c++) {
    let sum = load<f32>(x + c * 4);
    for (let q = 0; q < multiplier; q++) {
      const at = (c * multiplier + q) * 4;
      sum += load<f32>(filter + at) * load<f32>(dy + at);
    }
    store<f32>(x + c * 4, sum);
  }
}

/**
 * The gradient of a convolution with a single output channel, with respect to the filter or to the input. A matrix of
 * patches would cost more than the products themselves. With `toFilter`, target is the filter's gradient and `other`
 * is x, else target is the input's gradient and `other` is the filter; either way target[c] += other[c] dy for each
 * pair of filter offset and output position. `target` starts zero.
 */
export function singleChannelGradient(
  target: usize, other: usize, dy: usize, toFilter: bool, batches: i32,
  height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32, filterHeight: i32, filterWidth: i32,
  strideY: i32, strideX: i32, dilationY: i32, dilationX: i32, top: i32, left: i32,
): void {
  const size = channels * 4;
  for (let batch = 0; batch < batches; batch++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        const value = load<f32>(dy);
        dy += 4;
        for (let fy = 0; fy < filterHeight; fy++) {
          const y = oy * strideY + fy * dilationY - top;
          if (<u32>y >= <u32>height) continue;
          for (let fx = 0; fx < filterWidth; fx++) {
            const column = ox * strideX + fx * dilationX - left;
            if (<u32>column >= <u32>width) continue;
            const pixel = <usize>((batch * height + y) * width + column) * <usize>size;
            const weight = <usize>((fy * filterWidth + fx) * size);
            if (toFilter) addMultiple(target + weight, other + pixel, value, channels);
            else addMultiple(target + pixel, other + weight, value, channels);
          }
        }
      }
    }
  }
}
