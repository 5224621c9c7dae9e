/** Gradients of pooling and of nearest-neighbor resizing. Tensors are NHWC; `dx` starts zero. */
import { addFloats, addMultiple } from './floats';

/** Adds the gradient of each window to its first largest element, channel by channel. */
export function maxPoolGradient(
  dx: usize, dy: usize, x: usize, batches: i32, height: i32, width: i32, channels: i32,
  outHeight: i32, outWidth: i32, filterHeight: i32, filterWidth: i32, strideY: i32, strideX: i32, top: i32, left: i32,
): void {
  for (let batch = 0; batch < batches; batch++) {
    for (let oy = 0; oy < outHeight; oy++) {
      const y0 = max(0, oy * strideY - top);
      const y1 = min(height, oy * strideY - top + filterHeight);
      for (let ox = 0; ox < outWidth; ox++) {
        const x0 = max(0, ox * strideX - left);
        const x1 = min(width, ox * strideX - left + filterWidth);
        // A window that lies in the padding has no elements.
        if (y0 < y1 && x0 < x1) maxWindow(dx, dy, x, batch * height, width, channels, y0, y1, x0, x1);
        dy += channels * 4;
      }
    }
  }
}

function maxWindow(
  dx: usize, dy: usize, x: usize, firstRow: i32, width: i32, channels: i32, y0: i32, y1: i32, x0: i32, x1: i32,
): void {
  const corner = ((firstRow + y0) * width + x0) * channels * 4;
  let c = 0;
  for (; c + 4 <= channels; c += 4) {
    let best = v128.load(x + corner + c * 4);
    let where = i32x4.splat(corner);
    for (let row = y0; row < y1; row++) {
      let at = ((firstRow + row) * width + x0) * channels * 4;
      for (let column = x0; column < x1; column++) {
        const value = v128.load(x + at + c * 4);
        const larger = f32x4.gt(value, best);
        best = v128.bitselect(value, best, larger);
        where = v128.bitselect(i32x4.splat(at), where, larger);
        at += channels * 4;
      }
    }
    add(dx + i32x4.extract_lane(where, 0) + c * 4, dy + c * 4);
    add(dx + i32x4.extract_lane(where, 1) + c * 4 + 4, dy + c * 4 + 4);
    add(dx + i32x4.extract_lane(where, 2) + c * 4 + 8, dy + c * 4 + 8);
    add(dx + i32x4.extract_lane(where, 3) + c * 4 + 12, dy + c * 4 + 12);
  }
  for (; c < channels; c++) {
    let best = load<f32>(x + corner + c * 4);
    let where = corner;
    for (let row = y0; row < y1; row++) {
      let at = ((firstRow + row) * width + x0) * channels * 4;
      for (let column = x0; column < x1; column++) {
        const value = load<f32>(x + at + c * 4);
        if (value > best) {
          best = value;
          where = at;
        }
        at += channels * 4;
      }
    }
    add(dx + where + c * 4, dy + c * 4);
  }
}

// @ts-ignore: decorator
@inline
function add(to: usize, from: usize): void {
  store<f32>(to, load<f32>(to) + load<f32>(from));
}

/** Distributes the gradient of a window equally over its elements, padding excluded. */
export function averagePoolGradient(
  dx: usize, dy: usize, batches: i32, height: i32, width: i32, channels: i32,
  outHeight: i32, outWidth: i32, filterHeight: i32, filterWidth: i32, strideY: i32, strideX: i32, top: i32, left: i32,
): void {
  for (let batch = 0; batch < batches; batch++) {
    for (let oy = 0; oy < outHeight; oy++) {
      const y0 = max(0, oy * strideY - top);
      const y1 = min(height, oy * strideY - top + filterHeight);
      for (let ox = 0; ox < outWidth; ox++) {
        const x0 = max(0, ox * strideX - left);
        const x1 = min(width, ox * strideX - left + filterWidth);
        const share: f32 = <f32>1 / <f32>((y1 - y0) * (x1 - x0));
        for (let row = y0; row < y1; row++) {
          for (let column = x0; column < x1; column++) {
            addMultiple(dx + ((batch * height + row) * width + column) * channels * 4, dy, share, channels);
          }
        }
        dy += channels * 4;
      }
    }
  }
}

/**
 * dx[b, rows[y], columns[x], c] += dy[b, y, x, c]: adds the gradient of each pixel to the one that it was copied
 * from.
 */
export function nearestGradient(
  dx: usize, dy: usize, batches: i32, height: i32, width: i32, channels: i32,
  outHeight: i32, outWidth: i32, rows: usize, columns: usize,
): void {
  for (let batch = 0; batch < batches; batch++) {
    for (let y = 0; y < outHeight; y++) {
      const row = (batch * height + load<i32>(rows + y * 4)) * width;
      for (let x = 0; x < outWidth; x++) {
        addFloats(dx + (row + load<i32>(columns + x * 4)) * channels * 4, dy, channels);
        dy += channels * 4;
      }
    }
  }
}
