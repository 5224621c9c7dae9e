/** The spectrum from t-SNE (s = 0) to UMAP (s = 1): the digits at three places on it, by two losses, without a network. */
import {
  ContrastiveEmbedding,
  type ContrastiveOptions,
  distanceCorrelation,
  knnRecall,
  type Matrix,
} from 'parametric-umap';
import { filmStripSvg } from 'parametric-umap/node';
import { loadDigits, pick } from './digits.js';
import { isProgram, write } from './output.js';

const losses = ['neg', 'infonce'] as const;
const places = [0, 0.5, 1];

export async function main(digits = loadDigits(), options: Partial<ContrastiveOptions> = {}) {
  const { train, trainLabels } = await digits;
  const neighbors = nearest(train);
  const maps = [];
  for (const lossMode of losses) {
    for (const s of places) {
      const embedding = new ContrastiveEmbedding({ lossMode, s, parametric: false, ...options });
      const map = await embedding.fitTransform(train);
      embedding.dispose();
      const kept = knnRecall(nearest(map), neighbors);
      maps.push({ lossMode, s, map, kept, correlation: distanceCorrelation(train, map) });
    }
  }
  // Every second digit is enough to see, and half the file.
  const half = (map: Matrix) => pick(map, trainLabels, (row) => row % 2 === 0);
  const frames = maps.map(({ lossMode, s, map, kept }) => ({
    positions: half(map)[0],
    title: `${lossMode}, s = ${s}: keeps ${Math.round(100 * kept)} %`,
  }));
  const svg = filmStripSvg(frames, {
    labels: half(train)[1],
    columns: places.length,
    size: 260,
    title: 'From t-SNE to UMAP',
    subtitle:
      'Handwritten digits by two losses at three places on the spectrum; how many of the 15 nearest neighbors a map keeps',
    legendTitle: 'Digit',
  });
  return { maps, svg };
}

/** The 15 nearest other rows of each row. */
function nearest({ data, shape: [rows, columns] }: Matrix) {
  const indices = Array.from({ length: rows }, (_, i) => {
    const row = data.subarray(i * columns, (i + 1) * columns);
    const distances = Float64Array.from({ length: rows }, (_, j) =>
      row.reduce((sum, value, c) => sum + (value - data[j * columns + c]!) ** 2, 0),
    );
    const others = [...distances.keys()].filter((j) => j !== i);
    return others.sort((a, b) => distances[a]! - distances[b]!).slice(0, 15);
  });
  return { indices };
}

if (isProgram(import.meta.url)) {
  const { maps, svg } = await main();
  console.log('                   neighbors kept   correlation of distances');
  for (const { lossMode, s, kept, correlation } of maps) {
    const figures = `${kept.toFixed(3).padStart(14)} ${correlation.toFixed(3).padStart(26)}`;
    console.log(`${`${lossMode}, s = ${s}`.padEnd(18)} ${figures}`);
  }
  console.log(`drawn in ${await write('spectrum.svg', svg)}`);
}
