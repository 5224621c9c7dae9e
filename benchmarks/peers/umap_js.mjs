// umap-js, with the defaults of its authors: not parametric, everything on one thread. For 10,000 rows at most.

import seedrandom from 'seedrandom';
import { Run, readArguments, versionOf } from './common.mjs';

const options = readArguments();
const run = new Run('umap-js', { 'umap-js': versionOf('umap-js') }, options);
const { UMAP } = (await run.stage('import', () => import('umap-js'))).default;
const data = await run.stage('load', () => run.load());

const model = new UMAP({ nEpochs: options.epochs, random: seedrandom(String(options.seed)) });
const steps = await run.stage('total', async () => {
  const epochs = await run.stage('graph', () => model.initializeFit(data.train));
  await run.stage('fit', () => {
    for (let epoch = 0; epoch < epochs; epoch++) model.step();
  });
  return epochs;
});
const heldOut =
  data.heldOut.length > 0 ? await run.stage('transform', () => model.transform(data.heldOut)) : undefined;
run.writeMap(run.seconds.total, steps, model.getEmbedding(), heldOut);
run.finish(steps, { epochs: steps });
