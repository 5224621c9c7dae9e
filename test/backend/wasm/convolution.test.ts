import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { onBoth, source, withGradients } from '../../helpers/backends.js';

test('convolutions: values and gradients over strides, paddings and filter sizes', async () => {
  const cases: [number[], number[], number, 'same' | 'valid' | number][] = [
    [[2, 7, 6, 3], [3, 3, 3, 5], 1, 'same'],
    [[2, 7, 6, 3], [3, 2, 3, 4], 2, 'same'],
    [[1, 9, 9, 1], [3, 3, 1, 8], 1, 'valid'],
    [[3, 8, 8, 4], [1, 1, 4, 2], 2, 'valid'],
    [[2, 5, 5, 2], [3, 3, 2, 3], 1, 2],
    [[2, 6, 7, 9], [3, 2, 9, 1], 2, 'same'],
    [[2, 6, 7, 1], [3, 3, 1, 1], 1, 'valid'],
    // More positions than one chunk of patches holds.
    [[40, 20, 20, 6], [3, 3, 6, 2], 1, 'same'],
  ];
  for (const [shape, filterShape, strides, pad] of cases) {
    await onBoth(
      `conv2d [${shape}] [${filterShape}] ${strides} ${pad}`,
      () => {
        const next = source('conv');
        return withGradients([next(shape), next(filterShape)], (x, w) =>
          tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad),
        );
      },
      5e-6,
    );
  }
});

test('transposed convolutions: values and gradients', async () => {
  for (const strides of [1, 2, 3]) {
    await onBoth(`conv2dTranspose ${strides}`, () => {
      const next = source('transpose');
      const size = 4 * strides;
      return withGradients([next([2, 4, 4, 3]), next([3, 3, 5, 3])], (x, w) =>
        tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, [2, size, size, 5], strides, 'same'),
      );
    });
  }
});

test('depthwise and separable convolutions: values and gradients', async () => {
  const cases: [number[], number[], number, 'same' | 'valid'][] = [
    [[2, 6, 7, 3], [3, 3, 3, 1], 1, 'same'],
    [[2, 6, 7, 5], [3, 2, 5, 1], 2, 'same'],
    [[1, 8, 8, 2], [3, 3, 2, 3], 1, 'valid'],
    [[2, 9, 5, 4], [2, 3, 4, 2], 2, 'valid'],
  ];
  for (const [shape, filterShape, strides, pad] of cases) {
    await onBoth(`depthwise [${shape}] [${filterShape}]`, () => {
      const next = source('depthwise');
      return withGradients([next(shape), next(filterShape)], (x, w) =>
        tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad),
      );
    });
  }
});
