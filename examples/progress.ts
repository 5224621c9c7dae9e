/** Training as a stream: follow it, stop it when the map is good enough, or abort it. */
import { ParametricUMAP, type ParametricUMAPOptions } from 'parametric-umap';
import { progressBar } from 'parametric-umap/node';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train } = await digits;
  const bar = isProgram(import.meta.url) ? progressBar() : undefined;
  // Until the first report, the bar shows the stages that prepare the training.
  const callbacks = bar ? [{ onStage: bar.stage }] : [];
  const umap = new ParametricUMAP({ lossReportFrequency: 50, callbacks, ...options });
  const losses: number[] = [];
  for await (const progress of umap.steps(train)) {
    bar?.report(progress);
    losses.push(progress.losses.umap!);
    // Leaving the loop ends training and keeps what was learned.
    if (progress.step > progress.steps / 2) break;
  }
  bar?.finish();
  const map = await umap.transform(train);
  umap.dispose();
  return { losses, map };
}

/** The usual way to call something off: the estimator is then as it was before. */
export async function aborted(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train } = await digits;
  const controller = new AbortController();
  const umap = new ParametricUMAP({
    callbacks: [{ onEpochEnd: () => controller.abort(new Error('seen enough')) }],
    ...options,
  });
  try {
    await umap.fit(train, null, { signal: controller.signal });
    return 'trained to the end';
  } catch (error) {
    return (error as Error).message;
  } finally {
    umap.dispose();
  }
}

if (isProgram(import.meta.url)) {
  const { losses } = await main();
  console.log(
    `left after ${losses.length} reports: UMAP loss ${losses[0]!.toFixed(3)} -> ${losses.at(-1)!.toFixed(3)}`,
  );
  console.log(`the other one said: ${await aborted()}`);
}
