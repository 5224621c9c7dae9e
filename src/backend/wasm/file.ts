/**
 * The compiled part of TensorFlow.js' WebAssembly backend: tfjs-backend-wasm-simd.wasm of `@tensorflow/tfjs-backend-wasm`,
 * copyright Google LLC, under the Apache License 2.0. As text, compressed by gzip, in base64. `scripts/embed.mjs` puts it
 * here after a build, with its version; until then it is looked for beside the backend.
 */
export const wasmFile: string = '';
export const wasmFileVersion: string = '';
