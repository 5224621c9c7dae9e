/**
 * Batch normalization along any axis. The kernels of TensorFlow.js 4.22 in plain JavaScript and WebAssembly repeat the means along
 * the last axis whatever their shape is, so that a normalization along another axis gives wrong numbers without an error.
 */

import type { KernelFunc, TensorInfo } from '../core/tf.js';
import * as tf from '../core/tf.js';

interface Call {
  readonly inputs: Readonly<Record<string, TensorInfo | undefined>>;
  readonly attrs: object;
  readonly backend: { disposeData(dataId: TensorInfo['dataId']): unknown };
}

/** Replaces the kernel of a backend by one that repeats the statistics along their own axis first. Call it once. */
export function correctBatchNorm(backendName: 'cpu' | 'wasm'): void {
  const stock = tf.getKernel('FusedBatchNorm', backendName)!;
  tf.unregisterKernel('FusedBatchNorm', backendName);
  tf.registerKernel({
    ...stock,
    kernelFunc: (call) => normalized(call as unknown as Call, backendName, stock.kernelFunc),
  });
}

function normalized({ inputs, attrs, backend }: Call, backendName: string, stock: KernelFunc): TensorInfo {
  const given = inputs.mean!.shape;
  // x has four axes, the first of them added where it had fewer.
  const shape = inputs.x!.shape.slice(-given.length);
  const run = (inputs: Call['inputs']) => stock({ inputs, attrs, backend } as never) as TensorInfo;
  // The last axis, or statistics for each number, which the kernel does right.
  if (given.slice(0, -1).every((size) => size === 1) || given.every((size, axis) => size === shape[axis])) {
    return run(inputs);
  }
  const reps = given.map((size, axis) => shape[axis]! / size);
  const tile = tf.getKernel('Tile', backendName)!.kernelFunc;
  const repeated = ['mean', 'variance', 'scale', 'offset'].flatMap((name) => {
    const x = inputs[name];
    return x
      ? [[name, tile({ inputs: { x }, attrs: { reps }, backend } as never) as TensorInfo] as const]
      : [];
  });
  try {
    return run({ x: inputs.x, ...Object.fromEntries(repeated) });
  } finally {
    for (const [, { dataId }] of repeated) backend.disposeData(dataId);
  }
}
