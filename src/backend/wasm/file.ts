/**
 * The compiled part of TensorFlow.js' WebAssembly backend: tfjs-backend-wasm-simd.wasm of
 * `@tensorflow/tfjs-backend-wasm`, copyright Google LLC, under the Apache License 2.0. As text: gzip, then base64.
 * `scripts/embed.mjs` inserts it here after a build, with its version; without it the backend looks for a file.
 */
export const wasmFile: string = '';
export const wasmFileVersion: string = '';
