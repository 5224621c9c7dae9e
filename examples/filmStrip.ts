/** A log of the training: how the map comes about, in pictures and in numbers. */
import { embeddingLog, ParametricUMAP, type ParametricUMAPOptions } from 'parametric-umap';
import { filmStripSvg } from 'parametric-umap/node';
import { loadDigits } from './digits.js';
import { isProgram, write } from './output.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, trainLabels } = await digits;
  const log = embeddingLog();
  const umap = new ParametricUMAP({ callbacks: [log], ...options });
  await umap.fit(train);
  umap.dispose();
  const { records } = log;
  const frames = records.map(({ moment, step, divergence, positions }) => {
    const name = { start: 'untrained', 'warm start': 'warm start', report: `step ${step}` }[moment];
    return { positions, title: divergence === undefined ? name : `${name}, KL ${divergence.toFixed(2)}` };
  });
  const svg = filmStripSvg(frames, {
    labels: Array.from(records[0]!.rows, (row) => trainLabels[row]!),
    columns: 4,
    title: 'How the map of the digits comes about',
    subtitle: 'KL: divergence of the map from the graph of neighbors',
    legendTitle: 'Digit',
  });
  return { records, svg };
}

if (isProgram(import.meta.url)) {
  const { records, svg } = await main();
  for (const { moment, step, losses, partition, divergence } of records) {
    const figures = [losses.loss?.toFixed(3) ?? '-', partition?.toFixed(0), divergence?.toFixed(3)];
    console.log(`${moment.padEnd(10)} step ${String(step).padStart(4)}: loss, Z, KL ${figures.join('  ')}`);
  }
  console.log(`drawn in ${await write('filmStrip.svg', svg)}`);
}
