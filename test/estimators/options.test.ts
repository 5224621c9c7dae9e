/** The options of every estimator against the rows they are made from. */
import { parametricUmapRows } from '../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../src/estimators/umap/parametricUmap.js';
import { checkOptionRows } from '../checks/optionRows.js';
import { read } from '../helpers/files.js';

checkOptionRows({
  name: 'ParametricUMAP',
  rows: parametricUmapRows,
  create: (options) => new ParametricUMAP(options),
  page: read('docs/options.md'),
});
