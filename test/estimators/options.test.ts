/** The options of every estimator against the rows they are made from. */
import { existsSync, readFileSync } from 'node:fs';
import { parametricUmapRows } from '../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../src/estimators/umap/parametricUmap.js';
import { checkOptionRows } from '../checks/optionRows.js';

const root = new URL('../../../', import.meta.url);
const page = new URL(existsSync(new URL('docs/options.md', root)) ? 'docs/options.md' : 'README.md', root);

checkOptionRows({
  name: 'ParametricUMAP',
  rows: parametricUmapRows,
  create: (options) => new ParametricUMAP(options),
  page: readFileSync(page, 'utf8'),
});
