/** Matrix products of any orientation, batched or not, on the fast path: BatchMatMul and _FusedMatMul. */
import type { TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import type { Call, Workshop } from './module.js';
import { free, pointer, stock } from './module.js';

/**
 * Activations that `_FusedMatMul` may carry and that run as a kernel of their own; `linear` and `relu` are
 * fused.
 */
const activationKernels: Readonly<Record<string, string>> = {
  elu: 'Elu',
  relu6: 'Relu6',
  sigmoid: 'Sigmoid',
  prelu: 'Prelu',
  leakyrelu: 'LeakyRelu',
};

/** Kernel BatchMatMul: `op(a) op(b)` over the last two dimensions; the dimensions before broadcast. */
export function batchMatMul({ inputs, attrs, shop }: Call): TensorInfo {
  const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
  return multiply(shop, inputs.a!, inputs.b!, transposeA, transposeB, undefined, false);
}

/** Kernel _FusedMatMul: the same, then `+ bias`, then an activation. */
export function fusedMatMul({ inputs, attrs, shop }: Call): TensorInfo {
  const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
  const { a, b, bias, preluActivationWeights: alpha } = inputs;
  const activation = attrs.activation as string;
  const columns = transposeB ? b!.shape.at(-2)! : b!.shape.at(-1)!;
  const plainBias = bias === undefined || bias === null || isRow(bias, columns);
  const relu = activation === 'relu' && plainBias;
  let out = multiply(shop, a!, b!, transposeA, transposeB, plainBias ? bias : undefined, relu);
  if (!plainBias) out = then(shop, 'Add', out, { a: out, b: bias });
  if (relu || activation === 'linear') return out;
  if (activation === 'relu') return then(shop, 'Relu', out, { x: out });
  const kernel = activationKernels[activation];
  if (kernel === undefined) throw new Error(`_FusedMatMul: unknown activation ${activation}`);
  return then(shop, kernel, out, { x: out, alpha }, { alpha: (attrs.leakyreluAlpha as number) ?? 0 });
}

function isRow(bias: TensorInfo, columns: number): boolean {
  return (
    bias.dtype === 'float32' && bias.shape.at(-1) === columns && tf.util.sizeFromShape(bias.shape) === columns
  );
}

function then(
  shop: Workshop,
  kernel: string,
  previous: TensorInfo,
  inputs: Call['inputs'],
  attrs: Call['attrs'] = {},
): TensorInfo {
  const next = stock(shop, kernel, inputs, attrs);
  free(shop, previous);
  return next;
}

function multiply(
  shop: Workshop,
  a: TensorInfo,
  b: TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
  bias: TensorInfo | undefined,
  relu: boolean,
): TensorInfo {
  if (a.dtype !== 'float32' || b.dtype !== 'float32') {
    throw new Error(
      `BatchMatMul: the wasm backend multiplies float32 only (a is ${a.dtype}, b is ${b.dtype})`,
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
      `BatchMatMul: inner shapes differ (${innerA} and ${innerB}), from [${a.shape}] and [${b.shape}]`,
    );
  }
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  const out = shop.backend.makeOutput([...batch, outerA, outerB], 'float32');
  let rows = outerA;
  let pairs = pairUp(batch, batchA, batchB);
  // One B for all: the batch is just more rows.
  if (!transposeA && tf.util.sizeFromShape(batchB) === 1) {
    rows *= tf.util.sizeFromShape(batch);
    pairs = [[0, 0]];
  }
  const fromA = pointer(shop, a);
  const fromB = pointer(shop, b);
  const to = pointer(shop, out);
  const biasAt = bias === undefined || bias === null ? 0 : pointer(shop, bias);
  const rowA = transposeA ? 4 : innerA * 4;
  const columnA = transposeA ? outerA * 4 : 4;
  const rowB = transposeB ? 4 : outerB * 4;
  const columnB = transposeB ? innerA * 4 : 4;
  for (let i = 0; i < pairs.length; i++) {
    const atA = fromA + pairs[i]![0] * outerA * innerA * 4;
    const atB = fromB + pairs[i]![1] * outerB * innerA * 4;
    const atC = to + i * outerA * outerB * 4;
    shop.run.gemm(
      ...[rows, outerB, innerA, atA, rowA, columnA, atB, rowB, columnB],
      ...[atC, biasAt, Number(relu), 0, shop.gemmScratch],
    );
  }
  return out;
}

/** Which matrix of A and which of B make each matrix of the result. */
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
