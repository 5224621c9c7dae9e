/** `npm run demo`: a map of real handwritten digits, its scores, and pictures of it. */
import { knnAccuracy, type Matrix, ParametricUMAP, trustworthiness } from 'parametric-umap';
import { historySvg, scatterHtml, scatterSvg } from 'parametric-umap/node';
import { loadDigits } from './digits.js';
import { write } from './output.js';

const { train, trainLabels, test, testLabels } = await loadDigits();
const [rows, columns] = train.shape;
const learned = rows.toLocaleString('en-US');

console.log(`
Handwritten digits, pictures of ${columns} pixels each. A neural network now learns to place ${learned} of them on a
plane so that alike stays near; ${test.shape[0]} more are held back, and the network never learns from them.
`);

const umap = new ParametricUMAP({ verbose: true, lossReportFrequency: 50 });
const began = performance.now();
await umap.fit(train);
const fitted = performance.now();
const positions = await umap.transform(test);
const placed = performance.now();
const map = await umap.transform(train);

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const accuracy = (from: Matrix, to: Matrix) =>
  percent(knnAccuracy({ train: from, trainLabels, test: to, testLabels }));

console.log(`
Learned in ${seconds(fitted - began)}. The ${test.shape[0]} held-out digits were then placed in ${seconds(placed - fitted)}.

                                                        learned from   held out
Neighbors on the map are neighbors in the data
(trustworthiness, 1 is perfect)                         ${figure(train, map)}   ${figure(test, positions)}
The 5 nearest learned digits name a held-out one
  on the map, by 2 numbers                                        ${accuracy(map, positions).padStart(13)}
  in the data, by ${columns} numbers                                      ${accuracy(train, test).padStart(13)}
`);

const title = 'Handwritten digits';
const subtitle = `${learned} learned, ${test.shape[0]} held out and placed afterwards (rings)`;
const look = { title, subtitle, labels: trainLabels, held: { points: positions, labels: testLabels } };
const pictures = new Float32Array([...train.data, ...test.data]);

console.log(`Pictures:
  ${await write('digits.html', scatterHtml(map, { ...look, images: { data: pictures, width: 8, height: 8 } }))}   open it in a browser: point at a digit, zoom, drag
  ${await write('digits.svg', scatterSvg(map, look))}    the same map on paper
  ${await write('loss.svg', historySvg({ UMAP: umap.history.umap! }, { title: 'Loss while learning', xLabel: 'report' }))}      how the loss fell
`);
umap.dispose();

function figure(data: Matrix, embedding: Matrix): string {
  return trustworthiness(data, embedding).toFixed(3).padStart(12);
}

function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.ceil(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
