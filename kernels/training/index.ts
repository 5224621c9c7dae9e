/** The training kernels, as one WebAssembly module without memory, data or runtime of its own. */
export { gemm, gemmScratch, tile } from './matmul';
export { gatherRows, repeatBlocks, segmentSumFloat, segmentSumInt } from './rows';
export { depthwiseGradient, movePatches, singleChannelGradient } from './convolution';
export { averagePoolGradient, maxPoolGradient, nearestGradient } from './pooling';
export { columnSums } from './sums';
export { adam } from './adam';
export { drawNegatives, pairCosts, pairScratch } from './pairs';
export { contrastiveCosts, contrastiveScratch } from './contrastive';
