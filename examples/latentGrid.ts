/** What a decoder makes of every part of the map, and of the way from one digit to another, in pictures; logged for TensorBoard. */
import path from 'node:path';
import { type Matrix, ParametricUMAP, type ParametricUMAPOptions } from 'parametric-umap';
import {
  interpolate,
  interpolationSvg,
  latentGridPoints,
  latentGridSvg,
  tensorboard,
} from 'parametric-umap/node';
import { loadDigits, placeOf } from './digits.js';
import { isProgram, outputPath, write } from './output.js';

export async function main(
  digits = loadDigits(),
  options: Partial<ParametricUMAPOptions> = {},
  log: string | undefined = undefined,
) {
  const { train, trainLabels } = await digits;
  const callbacks = log === undefined ? [] : [tensorboard(log, { labels: trainLabels })];
  const umap = new ParametricUMAP({
    parametricReconstruction: true,
    autoencoderLoss: true,
    callbacks,
    ...options,
  });
  const map = await umap.fitTransform(train);
  const range = [0, 1].map((axis) => rangeOf(map, axis)) as [[number, number], [number, number]];
  const decoded = await umap.inverseTransform(latentGridPoints({ range, cells: 12 }));
  const grid = latentGridSvg(decoded, {
    range,
    // Ink runs from 0 to 1.
    clip: [0, 1],
    title: 'Digits, decoded from two numbers',
    xLabel: 'UMAP 1',
    yLabel: 'UMAP 2',
  });
  const [from, to] = [placeOf(map, trainLabels, 0), placeOf(map, trainLabels, 1)];
  const way = await umap.inverseTransform(interpolate(from, to, 9));
  const strip = interpolationSvg(way, { clip: [0, 1], from: 'a 0', to: 'a 1' });
  umap.dispose();
  return { decoded, grid, way, strip };
}

/** Ends of one axis of the map. */
function rangeOf({ data, shape: [rows] }: Matrix, axis: number): [number, number] {
  const values = Array.from({ length: rows }, (_, row) => data[2 * row + axis]!);
  return [Math.min(...values), Math.max(...values)];
}

if (isProgram(import.meta.url)) {
  const log = path.resolve(process.env.INIT_CWD ?? '', outputPath('runs/latentGrid'));
  const { grid, strip } = await main(undefined, {}, log);
  console.log(`drawn in ${await write('latentGrid.svg', grid)} and ${await write('way.svg', strip)}`);
  console.log(`logged for: tensorboard --logdir ${outputPath('runs')}`);
}
