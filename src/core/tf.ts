/**
 * TensorFlow.js as used by this package: its core, its layers and the plain JavaScript backend. That is a third of what
 * `@tensorflow/tfjs` installs. A program that also uses `@tensorflow/tfjs` shares the core with this package.
 */
// First, because it suppresses warnings that the others print while loading.
import './quietLoad.js';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as core from '@tensorflow/tfjs-core';
import { endQuiet } from './quietLoad.js';

export * from '@tensorflow/tfjs-core';
// Only the types of the methods that are added below.
export type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
export * from '@tensorflow/tfjs-layers';

type Operation = (x: never, ...rest: never[]) => unknown;

/** Operations that are also methods of tensors, with the tensor as first argument. */
const operations = {
  abs: core.abs,
  acos: core.acos,
  acosh: core.acosh,
  add: core.add,
  all: core.all,
  any: core.any,
  argMax: core.argMax,
  argMin: core.argMin,
  asin: core.asin,
  asinh: core.asinh,
  atan: core.atan,
  atan2: core.atan2,
  atanh: core.atanh,
  avgPool: core.avgPool,
  batchToSpaceND: core.batchToSpaceND,
  batchNorm: core.batchNorm,
  broadcastTo: core.broadcastTo,
  cast: core.cast,
  ceil: core.ceil,
  clipByValue: core.clipByValue,
  conv1d: core.conv1d,
  conv2d: core.conv2d,
  conv2dTranspose: core.conv2dTranspose,
  cos: core.cos,
  cosh: core.cosh,
  cumprod: core.cumprod,
  cumsum: core.cumsum,
  depthToSpace: core.depthToSpace,
  depthwiseConv2d: core.depthwiseConv2d,
  dilation2d: core.dilation2d,
  div: core.div,
  divNoNan: core.divNoNan,
  dot: core.dot,
  elu: core.elu,
  equal: core.equal,
  erf: core.erf,
  euclideanNorm: core.euclideanNorm,
  exp: core.exp,
  expandDims: core.expandDims,
  expm1: core.expm1,
  fft: core.fft,
  floor: core.floor,
  floorDiv: core.floorDiv,
  gather: core.gather,
  greater: core.greater,
  greaterEqual: core.greaterEqual,
  ifft: core.ifft,
  irfft: core.irfft,
  isFinite: core.isFinite,
  isInf: core.isInf,
  isNaN: core.isNaN,
  leakyRelu: core.leakyRelu,
  less: core.less,
  lessEqual: core.lessEqual,
  localResponseNormalization: core.localResponseNormalization,
  log: core.log,
  log1p: core.log1p,
  logSigmoid: core.logSigmoid,
  logSoftmax: core.logSoftmax,
  logSumExp: core.logSumExp,
  logicalAnd: core.logicalAnd,
  logicalNot: core.logicalNot,
  logicalOr: core.logicalOr,
  logicalXor: core.logicalXor,
  matMul: core.matMul,
  max: core.max,
  maxPool: core.maxPool,
  maximum: core.maximum,
  mean: core.mean,
  min: core.min,
  minimum: core.minimum,
  mirrorPad: core.mirrorPad,
  mod: core.mod,
  mul: core.mul,
  neg: core.neg,
  norm: core.norm,
  notEqual: core.notEqual,
  oneHot: core.oneHot,
  onesLike: core.onesLike,
  pad: core.pad,
  pool: core.pool,
  pow: core.pow,
  prelu: core.prelu,
  prod: core.prod,
  reciprocal: core.reciprocal,
  relu: core.relu,
  relu6: core.relu6,
  reshape: core.reshape,
  resizeBilinear: core.image.resizeBilinear,
  resizeNearestNeighbor: core.image.resizeNearestNeighbor,
  reverse: core.reverse,
  rfft: core.rfft,
  round: core.round,
  rsqrt: core.rsqrt,
  selu: core.selu,
  separableConv2d: core.separableConv2d,
  sigmoid: core.sigmoid,
  sign: core.sign,
  sin: core.sin,
  sinh: core.sinh,
  slice: core.slice,
  softmax: core.softmax,
  softplus: core.softplus,
  spaceToBatchND: core.spaceToBatchND,
  split: core.split,
  sqrt: core.sqrt,
  square: core.square,
  squaredDifference: core.squaredDifference,
  squeeze: core.squeeze,
  step: core.step,
  stridedSlice: core.stridedSlice,
  sub: core.sub,
  sum: core.sum,
  tan: core.tan,
  tanh: core.tanh,
  tile: core.tile,
  topk: core.topk,
  transpose: core.transpose,
  unique: core.unique,
  unsortedSegmentSum: core.unsortedSegmentSum,
  unstack: core.unstack,
  zerosLike: core.zerosLike,
} satisfies Record<string, Operation>;

/** Methods of tensors that have no operation of the same name. */
const others = {
  as1D: (x) => core.reshape(x, [x.size]),
  as2D: (x, ...shape: number[]) => core.reshape(x, shape),
  as3D: (x, ...shape: number[]) => core.reshape(x, shape),
  as4D: (x, ...shape: number[]) => core.reshape(x, shape),
  as5D: (x, ...shape: number[]) => core.reshape(x, shape),
  asScalar: (x) => core.reshape(x, []),
  asType: (x, dtype: core.DataType) => core.cast(x, dtype),
  concat: (x, more: core.Tensor | core.Tensor[], axis: number) => core.concat([x, more].flat(), axis),
  flatten: (x) => core.reshape(x, [x.size]),
  reshapeAs: (x, other: core.Tensor) => core.reshape(x, other.shape),
  stack: (x, more: core.Tensor | core.Tensor[], axis: number) => core.stack([x, more].flat(), axis),
  toBool: (x) => core.cast(x, 'bool'),
  toFloat: (x) => core.cast(x, 'float32'),
  toInt: (x) => core.cast(x, 'int32'),
  where: (x, condition: core.Tensor, y: core.Tensor) => core.where(condition, x, y),
} satisfies Record<string, (x: core.Tensor, ...rest: never[]) => unknown>;

endQuiet();
addMethods();

// The package registers it too, but declares its file for Node.js free of side effects, so that bundlers drop it unless
// something is imported from it.
if (core.findBackendFactory('cpu') === null) core.registerBackend('cpu', () => new MathBackendCPU(), 1);

/** Adds methods such as `x.add(y)`, unless `@tensorflow/tfjs` has already done so. */
function addMethods(): void {
  const prototype = tensorsInUse();
  for (const [name, operation] of Object.entries<Operation>({ ...operations, ...others })) {
    if (name in prototype) continue;
    const method = function (this: core.Tensor, ...rest: never[]) {
      this.throwIfDisposed();
      return operation(this as never, ...rest);
    };
    Object.defineProperty(prototype, name, { value: method, writable: true, configurable: true });
  }
}

/**
 * What tensors inherit from. That is not always our own `Tensor`: where another copy of TensorFlow.js was loaded first,
 * its engine serves both, and makes tensors of its own.
 */
function tensorsInUse(): core.Tensor {
  // A tensor without values, so that no backend has to start.
  const nowhere = { disposeData: () => true } as unknown as core.KernelBackend;
  const info: core.TensorInfo = { dataId: {}, shape: [], dtype: 'float32' };
  const tensor = core.engine().makeTensorFromTensorInfo(info, nowhere);
  const prototype = Object.getPrototypeOf(tensor) as core.Tensor;
  tensor.dispose();
  return prototype;
}
