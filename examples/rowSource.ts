/** Rows larger than memory: a fit on a sample of a file, and a map of all of its rows, from file to file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  collectRows,
  ParametricUMAP,
  type ParametricUMAPOptions,
  rowSource,
  trustworthiness,
} from 'parametric-umap';
import { openNpy, writeNpy } from 'parametric-umap/node';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train: data } = await digits;
  const folder = await mkdtemp(path.join(tmpdir(), 'rows-'));
  try {
    // Stands for a file that does not fit into memory: NumPy's np.save writes the same.
    const [rows, columns] = data.shape;
    const blocks = rowSource(function* () {
      for (let row = 0; row < rows; row += 100) {
        const values = data.data.subarray(row * columns, (row + 100) * columns);
        yield { data: values, shape: [values.length / columns, columns] };
      }
    });
    await writeNpy(path.join(folder, 'rows.npy'), blocks);

    const source = await openNpy(path.join(folder, 'rows.npy'));
    const umap = new ParametricUMAP(options);
    await umap.fit(source, null, { sampleRows: Math.ceil(rows / 2) });
    await writeNpy(path.join(folder, 'map.npy'), await umap.transform(source));
    umap.dispose();

    const map = await collectRows(await openNpy(path.join(folder, 'map.npy')));
    return { map, trust: trustworthiness(data, map) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (isProgram(import.meta.url)) {
  const { map, trust } = await main();
  console.log(
    `${map.shape[0]} rows embedded, learned from half of them: trustworthiness ${trust.toFixed(3)}`,
  );
}
