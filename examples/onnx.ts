/** Export the encoder of digits as ONNX, run it in ONNX Runtime (`npm install onnxruntime-web`), and compare. */
import { ParametricUMAP, type ParametricUMAPOptions } from 'parametric-umap';
import { loadDigits } from './digits.js';
import { isProgram, write } from './output.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, test } = await digits;
  const umap = new ParametricUMAP(options);
  await umap.fit(train);
  const ours = await umap.transform(test);
  const bytes = await umap.toONNX();
  umap.dispose();

  // From here on, nothing of this library is needed.
  const { InferenceSession, Tensor } = await import('onnxruntime-web');
  const session = await InferenceSession.create(bytes);
  const rows = new Tensor('float32', Float32Array.from(test.data), [...test.shape]);
  const { embedding } = await session.run({ rows });
  const theirs = embedding!.data as Float32Array;
  const largest = ours.data.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i]!)), 0);
  return { bytes, ours, largest };
}

if (isProgram(import.meta.url)) {
  const { bytes, ours, largest } = await main();
  const file = await write('digits.onnx', bytes);
  console.log(`${file}: ${bytes.length} bytes`);
  console.log(`ONNX Runtime places ${ours.shape[0]} rows, at most ${largest} from where we do`);
}
