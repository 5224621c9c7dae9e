/** Every example, on the first 400 digits and with a short training, does what it is there to show. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import * as autoencoder from '../examples/autoencoder.js';
import * as basic from '../examples/basic.js';
import * as customEncoder from '../examples/customEncoder.js';
import { loadDigits, pick } from '../examples/digits.js';
import * as earlyStopping from '../examples/earlyStopping.js';
import * as filmStrip from '../examples/filmStrip.js';
import * as globalStructure from '../examples/globalStructure.js';
import * as history from '../examples/history.js';
import * as landmarks from '../examples/landmarks.js';
import * as latentGrid from '../examples/latentGrid.js';
import * as metrics from '../examples/metrics.js';
import * as onnx from '../examples/onnx.js';
import { isProgram } from '../examples/output.js';
import * as progress from '../examples/progress.js';
import * as reconstruction from '../examples/reconstruction.js';
import * as rowSource from '../examples/rowSource.js';
import * as saveLoad from '../examples/saveLoad.js';
import * as semiSupervised from '../examples/semiSupervised.js';
import * as simclr from '../examples/simclr.js';
import * as spectrum from '../examples/spectrum.js';
import * as supervised from '../examples/supervised.js';
import * as vae from '../examples/vae.js';
import { trustworthiness } from '../src/metrics/scores.js';
import { run } from './helpers/child.js';
import { root } from './helpers/files.js';

const digits = loadDigits(400);
const short = { nEpochs: 10 };

const about = (value: number, [low, high]: readonly [number, number], what: string) =>
  assert.ok(value >= low && value <= high, `${what}: ${value} is not in [${low}, ${high}]`);

test('basic: old rows and new ones get positions that show what they are', async () => {
  const { map, positions, trust, heldOutTrust, heldOutAccuracy } = await basic.main(digits, short);
  assert.deepEqual(
    [map.shape, positions.shape],
    [
      [320, 2],
      [80, 2],
    ],
  );
  about(trust, [0.95, 1], 'trustworthiness');
  about(heldOutTrust, [0.78, 1], 'trustworthiness, held out');
  about(heldOutAccuracy, [0.75, 1], 'accuracy, held out');
});

test('onnx: ONNX Runtime places new rows where we do', async () => {
  const { bytes, ours, largest } = await onnx.main(digits, short);
  assert.ok(bytes.length > 50_000);
  assert.deepEqual(ours.shape, [80, 2]);
  about(largest, [0, 1e-3], 'largest difference');
});

test('latentGrid: the decoder gives an image for each cell, and the way between two digits begins and ends with them', async () => {
  const { decoded, grid, way, strip } = await latentGrid.main(digits, short);
  assert.deepEqual(
    [decoded.shape, way.shape],
    [
      [144, 64],
      [9, 64],
    ],
  );
  assert.equal(grid.match(/<image /g)!.length, 144);
  assert.equal(strip.match(/<image /g)!.length, 9);
  assert.ok(strip.includes('>a 0<') && strip.includes('>a 1<'));
});

test('vae: held-out digits are far more probable than their pixels in another order, and new digits can be drawn', async () => {
  const { map, drawn, strip, picture, known, strange } = await vae.main(digits, { numSteps: 600 });
  assert.deepEqual(map.shape, [320, 2]);
  assert.deepEqual([drawn.length, drawn[0]!.length], [12, 64]);
  for (const value of drawn.flat()) about(value, [0, 1], 'ink');
  assert.equal(strip.match(/<image /g)!.length, 12);
  assert.match(picture, /^<svg /);
  assert.ok(strange < known - 10, `${known} nats, ${strange} with the pixels in another order`);
});

test('customEncoder: a convolutional network learns, takes flat and shaped rows, and stays its maker’s', async () => {
  const { map, positions, weights, accuracy } = await customEncoder.main(digits, short);
  assert.deepEqual(
    [map.shape, positions.shape],
    [
      [320, 2],
      [80, 2],
    ],
  );
  assert.equal(weights, 3 * 3 * 16 + 16 + (3 * 3 * 16 * 32 + 32) + (512 * 100 + 100) + (200 + 2));
  about(accuracy, [0.6, 1], 'accuracy, held out');
});

test('rowSource: all rows of a file are embedded by what half of them taught', async () => {
  const { map, trust } = await rowSource.main(digits, short);
  assert.deepEqual(map.shape, [320, 2]);
  about(trust, [0.85, 1], 'trustworthiness');
});

test('saveLoad: the loaded model is the saved one, and goes on', async () => {
  const { before, after, reports, reportsAfterMore } = await saveLoad.main(digits, short);
  assert.deepEqual(after, before);
  assert.deepEqual([reports, reportsAfterMore], [10, 20]);
});

test('reconstruction: held-out rows come back in data space', async () => {
  const { test: rows, rebuilt, invented, error, history: losses } = await reconstruction.main(digits, short);
  assert.deepEqual(rebuilt.shape, rows.shape);
  assert.equal(invented.length, 64);
  assert.ok([...rebuilt.data, ...invented].every((ink) => ink >= 0 && ink <= 1));
  // The mean of all digits costs 0.073.
  about(error, [0, 0.05], 'mean squared error');
  assert.ok(losses.valLoss!.at(-1)! < losses.valLoss![0]!);
});

test('autoencoder: an encoder that learns from the reconstruction loses less', async () => {
  const [apart, together] = await autoencoder.main(digits, { parametricReconstructionLossWeight: 3 });
  for (const { error, heldOutError, accuracy } of [apart!, together!]) {
    about(error, [0, 0.03], 'mean squared error');
    about(heldOutError, [0, 0.05], 'mean squared error, held out');
    about(accuracy, [0.7, 1], 'accuracy, held out');
  }
  assert.ok(together!.error < apart!.error, `${together!.error} together, ${apart!.error} apart`);
});

test('history: every loss is kept and drawn', async () => {
  const { history: losses, svg } = await history.main(digits, short);
  const names = ['loss', 'umap', 'reconstruction', 'correlation', 'valLoss', 'valUmap'];
  assert.deepEqual(Object.keys(losses).sort(), names.sort());
  for (const values of Object.values(losses)) assert.equal(values.length, 40);
  const { umap = [], reconstruction: rebuilt = [], correlation = [] } = losses;
  losses.loss!.forEach((total, i) => {
    const sum = umap[i]! + rebuilt[i]! + 0.1 * correlation[i]!;
    assert.ok(Math.abs(total - sum) < 1e-5, `report ${i}: ${total} is not ${sum}`);
  });
  assert.match(svg, /^<svg[\s\S]*reconstruction, held out[\s\S]*<\/svg>\s*$/);
});

test('earlyStopping: training ends when held-out rows no longer gain', async () => {
  const { seen, valLoss } = await earlyStopping.main(digits);
  assert.equal(seen.length, valLoss.length);
  about(valLoss.length, [4, 39], 'reports');
  const best = valLoss.indexOf(Math.min(...valLoss));
  assert.ok(best < valLoss.length - 1, 'the last report was the best');
});

test('filmStrip: the log follows the map from its start to its end, and is drawn', async () => {
  const { records, svg } = await filmStrip.main(digits, short);
  assert.deepEqual(
    records.map(({ moment }) => moment),
    ['start', 'warm start', ...Array(10).fill('report')],
  );
  const [start, ...later] = records.map(({ divergence }) => divergence!);
  assert.ok(later.every((divergence) => divergence < start!));
  assert.match(svg, /^<svg[\s\S]*untrained, KL[\s\S]*<\/svg>\s*$/);
  for (const { step } of records.slice(2)) assert.ok(svg.includes(`>step ${step}, KL `), `step ${step}`);
});

test('spectrum: the less attraction, the more neighbors are kept; six maps are drawn', async () => {
  const { maps, svg } = await spectrum.main(digits, short);
  const [none, half, all] = maps.filter(({ lossMode }) => lossMode === 'infonce').map(({ kept }) => kept);
  // Over three seeds the steps were at least 0.033 and 0.016.
  assert.ok(half! + 0.015 < none! && all! + 0.007 < half!, `neighbors kept: ${none}, ${half}, ${all}`);
  for (const { kept } of maps) about(kept, [0.6, 1], 'neighbors kept');
  assert.equal(svg.match(/>(?:neg|infonce), s = [\d.]+: keeps \d+ %</g)?.length, 6);
});

test('globalStructure: the more it weighs, the more distances agree', async () => {
  const [none, some, much] = await globalStructure.main(digits, short);
  // Over three seeds the steps were at least 0.022 and 0.031.
  assert.ok(none!.correlation + 0.01 < some!.correlation && some!.correlation + 0.02 < much!.correlation);
  for (const { trust } of [none!, some!, much!]) about(trust, [0.9, 1], 'trustworthiness');
});

test('landmarks: old rows stay while new ones join; given positions are kept', async () => {
  const { before, after, newcomers, drift } = await landmarks.main(digits, short);
  assert.deepEqual(after.shape, before.shape);
  assert.equal(newcomers.shape[1], 2);
  about(drift, [0, 0.15], 'drift');
  const { map, landmarkPositions } = await landmarks.onCircle(digits, short);
  const off = landmarkPositions.flatMap((place, row) =>
    place ? [Math.hypot(map.data[2 * row]! - place[0]!, map.data[2 * row + 1]! - place[1]!)] : [],
  );
  assert.equal(off.length, 80);
  about(
    off.reduce((sum, distance) => sum + distance) / off.length,
    [0, 1],
    'distance from the given positions',
  );
});

test('supervised: labels draw classes apart, numbers order the map', async () => {
  const { none, half, all } = await supervised.main(digits, short);
  assert.ok(all.train > none.train + 0.1, `silhouette ${all.train} with labels, ${none.train} without`);
  assert.ok(half.train < all.train);
  const { map, ink } = await supervised.byNumbers(digits, short);
  assert.deepEqual([map.shape, ink.length], [[320, 2], 320]);
});

test('semiSupervised: four labels a class name most held-out rows', async () => {
  const { classes, probabilities, predicted, accuracy } = await semiSupervised.main(digits, short);
  assert.deepEqual(classes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.ok(Math.abs(probabilities.reduce((sum, p) => sum + p) - 1) < 1e-5);
  assert.equal(probabilities.indexOf(Math.max(...probabilities)), predicted[0]);
  about(accuracy, [0.6, 1], 'accuracy, held out');
});

test('progress: a training left early keeps what it learned; an aborted one throws the reason', async () => {
  const { losses, map } = await progress.main(digits, short);
  const { train: rows } = await digits;
  about(losses.length, [25, 27], 'reports');
  assert.ok([...losses, ...map.data].every(Number.isFinite));
  // Over four seeds it was 0.970 to 0.979.
  about(trustworthiness(rows, map), [0.95, 1], 'trustworthiness');
  assert.equal(await progress.aborted(digits, short), 'seen enough');
});

test('metrics: one distance given in three ways gives one map', async () => {
  const { cosine, minkowski, neighbors, ...rest } = await metrics.main(digits, short);
  assert.deepEqual(rest['all distances'].map, rest['a function'].map);
  assert.deepEqual(neighbors.map, rest['a function'].map);
  about(cosine.accuracy, [0.75, 1], 'accuracy with cosine');
  about(minkowski.accuracy, [0.75, 1], 'accuracy with minkowski');
  about(neighbors.accuracy, [0.6, 1], 'accuracy with a metric of one’s own');
});

test('simclr: what a network learns from pairs serves a linear classifier', async () => {
  const { losses, pixels, representation } = await simclr.main(digits, { steps: 40, choices: 2 });
  // Over four seeds the last loss was 0.87 to 0.89 of the first, accuracy 0.91 to 0.98 and 0.92 to 0.97.
  assert.ok(losses.at(-1)! < 0.94 * losses[0]!, `loss ${losses.join(', ')}`);
  about(pixels, [0.8, 1], 'accuracy on pixels, held out');
  about(representation, [0.85, 1], 'accuracy on the representation, held out');
});

test('the demo prints its results and writes its pictures', async () => {
  const pictures = ['digits.html', 'digits.svg', 'loss.svg'].map((name) =>
    path.join(root, 'examples/output', name),
  );
  const { stdout, stderr } = await run(process.execPath, [path.join(root, 'build/examples/demo.js')]);
  assert.match(stderr, /backend: [\s\S]*neighbors: exact \(1,438 rows\)/);
  const [, ...figures] = /perfect\)\s+(\S+)\s+(\S+)[\s\S]*numbers\s+(\S+) %[\s\S]*numbers\s+(\S+) %/.exec(
    stdout,
  )!;
  const [trust, heldOutTrust, onMap, inData] = figures.map(Number);
  about(trust!, [0.975, 1], 'trustworthiness');
  about(heldOutTrust!, [0.92, 1], 'trustworthiness, held out');
  about(onMap!, [90, 100], 'accuracy on the map');
  about(inData!, [98, 99], 'accuracy in the data');
  for (const picture of pictures) {
    assert.ok(stdout.includes(path.basename(picture)));
    assert.ok(existsSync(picture) && readFileSync(picture, 'utf8').length > 1000, picture);
  }
});

test('every example is tested here, and does nothing when it is only imported', () => {
  const source = readFileSync(path.join(root, 'test/examples.test.ts'), 'utf8');
  const parts = ['digits.ts', 'output.ts', 'demo.ts'];
  for (const file of readdirSync(path.join(root, 'examples')).filter((name) => name.endsWith('.ts'))) {
    if (parts.includes(file)) continue;
    const name = file.replace('.ts', '');
    assert.ok(source.includes(`await ${name}.main(`), `${name} is not tested`);
  }
  assert.ok(isProgram(pathToFileURL(process.argv[1]!).href));
  assert.ok(!isProgram(new URL('../examples/basic.js', import.meta.url).href));
});

test('digits: every fifth row is held out, ink runs from 0 to 1', async () => {
  const { train, trainLabels, test: held, testLabels } = await loadDigits();
  assert.deepEqual(
    [train.shape, held.shape],
    [
      [1438, 64],
      [359, 64],
    ],
  );
  assert.deepEqual([trainLabels.length, testLabels.length], [1438, 359]);
  assert.equal(Math.max(...train.data), 1);
  assert.equal(Math.min(...train.data), 0);
  const [nines, labels] = pick(train, trainLabels, (_, label) => label === 9);
  assert.ok(labels.length === nines.shape[0] && labels.every((label) => label === 9));
});
