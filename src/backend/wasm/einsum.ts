/** Einstein sums as transposes, products and sums, one summed dimension after another. */
import type { TensorInfo } from '../../core/tf.js';
import * as tf from '../../core/tf.js';
import type { BoundKernels, Call } from './module.js';
import { free, runKernel } from './module.js';

/** Kernel Einsum. Inputs are numbered from `0`, in the order of the equation. */
export function einsum({ inputs, attrs, kernels }: Call): TensorInfo {
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
      const next = keep(align(kernels, operands[id]!, dimensions, idDims[id]!));
      product = product === undefined ? next : keep(runKernel(kernels, 'Multiply', { a: next, b: product }));
    }
    if (step === steps.length - 1) break;
    if (path[step]! >= 0) {
      const axis = path[step]! - (allDims.length - dimensions);
      product = keep(runKernel(kernels, 'Sum', { x: product }, { axis, keepDims: false }));
    }
    dimensions--;
  }
  for (const tensor of temporary) if (tensor !== product) free(kernels, tensor);
  return product!;
}

/** The operand with its dimensions in the common order, and of size 1 where it lacks one. */
function align(kernels: BoundKernels, operand: TensorInfo, dimensions: number, own: number[]): TensorInfo {
  const { permutationIndices: perm, expandDims } = tf.backend_util.getEinsumPermutation(dimensions, own);
  const transposed = runKernel(kernels, 'Transpose', { x: operand }, { perm });
  const shape = transposed.shape.slice();
  for (const dimension of expandDims) shape.splice(dimension, 0, 1);
  const aligned = runKernel(kernels, 'Reshape', { x: transposed }, { shape });
  free(kernels, transposed);
  return aligned;
}
