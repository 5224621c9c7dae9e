/** Matrix products by our kernel, transposed or not, batched or not: BatchMatMul and _FusedMatMul. */
import type { TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import type { BoundKernels, Call } from './module.js';
import { free, pointer, runKernel } from './module.js';

/** Activations of `_FusedMatMul` that run as a separate kernel; `linear` and `relu` are fused. */
const activationKernels: Readonly<Record<string, string>> = {
  elu: 'Elu',
  relu6: 'Relu6',
  sigmoid: 'Sigmoid',
  prelu: 'Prelu',
  leakyrelu: 'LeakyRelu',
};

/** Kernel BatchMatMul: `op(a) op(b)` over the last two dimensions; leading dimensions broadcast. */
export function batchMatMul({ inputs, attrs, kernels }: Call): TensorInfo {
  const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
  return multiply(kernels, inputs.a!, inputs.b!, transposeA, transposeB, undefined, false);
}

/** Kernel _FusedMatMul: as BatchMatMul, then `+ bias`, then an activation. */
export function fusedMatMul({ inputs, attrs, kernels }: Call): TensorInfo {
  const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
  const { a, b, bias, preluActivationWeights: alpha } = inputs;
  const activation = attrs.activation as string;
  const columns = transposeB ? b!.shape.at(-2)! : b!.shape.at(-1)!;
  const plainBias = bias === undefined || bias === null || isRow(bias, columns);
  const relu = activation === 'relu' && plainBias;
  let out = multiply(kernels, a!, b!, transposeA, transposeB, plainBias ? bias : undefined, relu);
  if (!plainBias) out = then(kernels, 'Add', out, { a: out, b: bias });
  if (relu || activation === 'linear') return out;
  if (activation === 'relu') return then(kernels, 'Relu', out, { x: out });
  const kernel = activationKernels[activation];
  if (kernel === undefined)
    throw new Error(
      `_FusedMatMul: expected activation linear, relu, ${Object.keys(activationKernels).join(', ')}, got ${activation}; ` +
        'apply it as a separate layer',
    );
  return then(kernels, kernel, out, { x: out, alpha }, { alpha: (attrs.leakyreluAlpha as number) ?? 0 });
}

function isRow(bias: TensorInfo, columns: number): boolean {
  return (
    bias.dtype === 'float32' && bias.shape.at(-1) === columns && tf.util.sizeFromShape(bias.shape) === columns
  );
}

/** Applies a kernel and frees the tensor before it. */
function then(
  kernels: BoundKernels,
  kernel: string,
  previous: TensorInfo,
  inputs: Call['inputs'],
  attrs: Call['attrs'] = {},
): TensorInfo {
  const next = runKernel(kernels, kernel, inputs, attrs);
  free(kernels, previous);
  return next;
}

function multiply(
  kernels: BoundKernels,
  a: TensorInfo,
  b: TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
  bias: TensorInfo | undefined,
  relu: boolean,
): TensorInfo {
  const { inner, outerA, outerB } = sizesOf(a, b, transposeA, transposeB);
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  const out = kernels.backend.makeOutput([...batch, outerA, outerB], 'float32');
  let rows = outerA;
  let pairs = pairUp(batch, batchA, batchB);
  // With one B for the whole batch, the batch is a single product with more rows.
  if (!transposeA && tf.util.sizeFromShape(batchB) === 1) {
    rows *= tf.util.sizeFromShape(batch);
    pairs = [[0, 0]];
  }
  const fromA = pointer(kernels, a);
  const fromB = pointer(kernels, b);
  const to = pointer(kernels, out);
  const biasAt = bias === undefined || bias === null ? 0 : pointer(kernels, bias);
  const stridesA = transposeA ? [4, outerA * 4] : [inner * 4, 4];
  const stridesB = transposeB ? [4, inner * 4] : [outerB * 4, 4];
  for (let i = 0; i < pairs.length; i++) {
    const atA = fromA + pairs[i]![0] * outerA * inner * 4;
    const atB = fromB + pairs[i]![1] * outerB * inner * 4;
    const atC = to + i * outerA * outerB * 4;
    kernels.run.gemm(
      ...[rows, outerB, inner, atA, ...stridesA, atB, ...stridesB],
      ...[atC, biasAt, Number(relu), 0, kernels.gemmScratch],
    );
  }
  return out;
}

/** Inner and outer sizes of a product. Throws for other types than float32, and for inner sizes that differ. */
function sizesOf(a: TensorInfo, b: TensorInfo, transposeA: boolean, transposeB: boolean) {
  if (a.dtype !== 'float32' || b.dtype !== 'float32') {
    throw new Error(
      `BatchMatMul: expected float32 on the wasm backend, got ${a.dtype} and ${b.dtype}; cast both to float32`,
    );
  }
  const [innerA, outerA] = transposeA
    ? [a.shape.at(-2)!, a.shape.at(-1)!]
    : [a.shape.at(-1)!, a.shape.at(-2)!];
  const [innerB, outerB] = transposeB
    ? [b.shape.at(-1)!, b.shape.at(-2)!]
    : [b.shape.at(-2)!, b.shape.at(-1)!];
  if (innerA !== innerB) {
    throw new Error(
      `BatchMatMul: expected equal inner sizes, got ${innerA} and ${innerB} of [${a.shape}] and [${b.shape}]; ` +
        'transpose one of them',
    );
  }
  return { inner: innerA, outerA, outerB };
}

/** For each matrix of the result, the indices of its factors in A and in B. */
function pairUp(batch: number[], batchA: number[], batchB: number[]): [number, number][] {
  const count = tf.util.sizeFromShape(batch);
  const pairs: [number, number][] = [];
  for (let i = 0; i < count; i++)
    pairs.push([broadcastIndex(i, batch, batchA), broadcastIndex(i, batch, batchB)]);
  return pairs;
}

function broadcastIndex(index: number, batch: number[], own: number[]): number {
  let rest = index;
  let result = 0;
  let stride = 1;
  for (let dimension = 1; dimension <= own.length; dimension++) {
    const size = batch[batch.length - dimension]!;
    const ownSize = own[own.length - dimension]!;
    if (ownSize > 1) result += (rest % size) * stride;
    stride *= ownSize;
    rest = Math.floor(rest / size);
  }
  return result;
}
