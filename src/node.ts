/** `parametric-umap/node`: what works with files, pictures and the terminal. The core does without. */

export {
  type Csv,
  type CsvOptions,
  type Idx,
  readCsv,
  readIdx,
} from './node/files.js';
export { type ScatterOptions, scatterSvg } from './node/plot.js';
export type { HeldRows, Labels, Points } from './node/plotData.js';
export { type HistoryOptions, historySvg } from './node/plotHistory.js';
export { type Images, type ScatterPageOptions, scatterHtml } from './node/plotHtml.js';
export { type ProgressBar, type ProgressStream, progressBar } from './progress.js';
