/** TensorFlow.js, as every file here gets it. */
export * from '@tensorflow/tfjs';
