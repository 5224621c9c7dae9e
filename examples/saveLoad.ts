/** Save a fitted model, load it elsewhere, get the same map to the last bit, and go on training. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ParametricUMAP, type ParametricUMAPOptions } from 'parametric-umap';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, test } = await digits;
  const folder = await mkdtemp(path.join(tmpdir(), 'parametric-umap-'));
  try {
    const umap = new ParametricUMAP(options);
    await umap.fit(train);
    const before = await umap.transform(test);
    // Without its graph a model is small, and transforms and trains all the same.
    await umap.save(path.join(folder, 'model'), { includeGraph: false });
    umap.dispose();

    const loaded = await ParametricUMAP.load(path.join(folder, 'model'));
    const after = await loaded.transform(test);
    const reports = loaded.history.loss!.length;
    await loaded.fit(train);
    const reportsAfterMore = loaded.history.loss!.length;
    loaded.dispose();
    return { before, after, reports, reportsAfterMore };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (isProgram(import.meta.url)) {
  const { before, after, reports, reportsAfterMore } = await main();
  const same = before.data.every((value, i) => Object.is(value, after.data[i]));
  console.log(
    `the loaded model embeds ${after.shape[0]} rows ${same ? 'at exactly the same positions' : 'ELSEWHERE'}`,
  );
  console.log(`its history went on from ${reports} reports to ${reportsAfterMore}`);
}
