/** Einstein sums out of transposes, products and sums, one summed dimension after the other. */
import type { TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import type { Call, Workshop } from './module.js';
import { free, stock } from './module.js';

/** Kernel Einsum. The inputs are numbered, `0` and up, as in the equation. */
export function einsum({ inputs, attrs, shop }: Call): TensorInfo {
  const count = Object.keys(inputs).length;
  const operands = Array.from({ length: count }, (_, i) => inputs[i]!);
  const { backend_util: plan } = tf;
  const { allDims, summedDims, idDims } = plan.decodeEinsumEquation(attrs.equation as string, count);
  // Only the shapes of the operands are read here.
  plan.checkEinsumDimSizes(allDims.length, idDims, operands as unknown as tf.Tensor[]);
  const { path, steps } = plan.getEinsumComputePath(summedDims, idDims);
  const temporary: TensorInfo[] = [];
  const keep = (tensor: TensorInfo) => {
    temporary.push(tensor);
    return tensor;
  };
  let product: TensorInfo | undefined;
  let dimensions = allDims.length;
  for (let step = 0; step < steps.length; step++) {
    for (const id of steps[step]!) {
      const next = keep(align(shop, operands[id]!, dimensions, idDims[id]!));
      product = product === undefined ? next : keep(stock(shop, 'Multiply', { a: next, b: product }));
    }
    if (step === steps.length - 1) break;
    if (path[step]! >= 0) {
      const axis = path[step]! - (allDims.length - dimensions);
      product = keep(stock(shop, 'Sum', { x: product }, { axis, keepDims: false }));
    }
    dimensions--;
  }
  for (const tensor of temporary) if (tensor !== product) free(shop, tensor);
  return product!;
}

/** The operand with its dimensions in the common order, 1 where it has none. */
function align(shop: Workshop, operand: TensorInfo, dimensions: number, own: number[]): TensorInfo {
  const { permutationIndices: perm, expandDims } = tf.backend_util.getEinsumPermutation(dimensions, own);
  const turned = stock(shop, 'Transpose', { x: operand }, { perm });
  const shape = turned.shape.slice();
  for (const dimension of expandDims) shape.splice(dimension, 0, 1);
  const aligned = stock(shop, 'Reshape', { x: turned }, { shape });
  free(shop, turned);
  return aligned;
}
