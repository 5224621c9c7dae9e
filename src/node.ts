/** `parametric-umap/node`: what works with files, pictures and the terminal. The core does without. */

export { type Csv, type CsvOptions, readCsv } from './node/csv.js';
export { type Idx, readIdx } from './node/files.js';
export { type NpyBlock, openNpy, writeNpy } from './node/npy.js';
export { npyFolder } from './node/npyFolder.js';
export type { NpyNumbers } from './node/npyHeader.js';
export { stopOnInterrupt } from './node/stopOnInterrupt.js';
export type { Categories, HeldRows, Labels, Points } from './plot/data.js';
export { type FilmStripOptions, type Frame, filmStripSvg } from './plot/filmStripSvg.js';
export { type HistoryOptions, historySvg } from './plot/historySvg.js';
export { type InterpolationOptions, interpolationSvg } from './plot/interpolationSvg.js';
export {
  interpolate,
  type LatentGridPointsOptions,
  type LatentRange,
  latentGridPoints,
} from './plot/latent.js';
export { type LatentGridOptions, latentGridHtml, latentGridSvg } from './plot/latentGridSvg.js';
export type { Decoded, NestedRow } from './plot/pictures.js';
export { type Images, type ScatterPageOptions, scatterHtml } from './plot/scatterHtml.js';
export { type ScatterOptions, scatterSvg } from './plot/scatterSvg.js';
export type { LabelColumns, RowLabels } from './tensorboard/projector.js';
export { type TensorBoardOptions, tensorboard } from './tensorboard/tensorboard.js';
export { type ProgressBar, type ProgressStream, progressBar } from './training/progressBar.js';
