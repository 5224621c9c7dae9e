/** The training kernels, one WebAssembly module. It has no memory, data or runtime of its own. */
export { gemm, gemmScratch, tile } from './matmul';
export { gatherRows, segmentSumFloat, segmentSumInt } from './rows';
export { depthwiseGradient, gatherPatches, scatterPatches } from './convolution';
export { adam } from './adam';
