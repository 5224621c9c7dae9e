// UMAP of DruidJS: not parametric, places no new rows, holds dense rows x rows tables. For 5,000 rows at most.

import { Run, readArguments, versionOf } from './common.mjs';

const options = readArguments();
const run = new Run('DruidJS UMAP', { '@saehrimnir/druidjs': versionOf('@saehrimnir/druidjs') }, options);
const druid = await run.stage('import', () => import('@saehrimnir/druidjs'));
const data = await run.stage('load', () => run.load());

const epochs = options.epochs ?? 350; // its own default
const embedding = await run.stage('total', async () => {
  // Its own default for min_dist is 1; 0.1 is what everyone else runs with.
  const model = new druid.UMAP(data.train, {
    n_neighbors: 15,
    min_dist: 0.1,
    seed: options.seed,
    _n_epochs: epochs,
  });
  await run.stage('graph', () => model.init());
  return run.stage('fit', () => model.transform(epochs));
});
run.writeMap(run.seconds.total, epochs, embedding);
run.finish(epochs, { epochs, minDist: 0.1 });
