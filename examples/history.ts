/** The loss history: every loss by name, and a plot of it. */
import { ParametricUMAP, type ParametricUMAPOptions } from 'parametric-umap';
import { historySvg } from 'parametric-umap/node';
import { loadDigits } from './digits.js';
import { isProgram, write } from './output.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, test } = await digits;
  const umap = new ParametricUMAP({
    parametricReconstruction: true,
    reconstructionValidation: test,
    globalCorrelationLossWeight: 0.1,
    lossReportFrequency: 40,
    ...options,
  });
  await umap.fit(train);
  const history = umap.history;
  umap.dispose();
  const { umap: neighbors = [], valUmap = [], reconstruction = [], valLoss = [] } = history;
  const svg = historySvg(
    {
      UMAP: neighbors,
      'UMAP, held out': valUmap,
      reconstruction,
      'reconstruction, held out': valLoss,
    },
    { title: 'Losses while the map is learned', xLabel: 'report' },
  );
  return { history, svg };
}

if (isProgram(import.meta.url)) {
  const { history, svg } = await main();
  for (const [name, values] of Object.entries(history)) {
    console.log(`${name.padEnd(15)} from ${values[0]!.toFixed(3)} to ${values.at(-1)!.toFixed(3)}`);
  }
  console.log(`drawn in ${await write('history.svg', svg)}`);
}
