/** A decoder maps positions on the map back to rows, also where no row was. */
import { type Matrix, ParametricUMAP, type ParametricUMAPOptions } from 'parametric-umap';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, test } = await digits;
  const umap = new ParametricUMAP({
    parametricReconstruction: true,
    // Held-out rows: their losses join the history as `valLoss` (reconstruction alone) and `valUmap`.
    reconstructionValidation: test,
    ...options,
  });
  const map = await umap.fitTransform(train);
  const rebuilt = await umap.inverseTransform(await umap.transform(test));
  // Half-way between two positions on the map.
  const between = [0, 1].map((axis) => (map.data[axis]! + map.data[2 + axis]!) / 2);
  const [invented] = await umap.inverseTransform([between]);
  const history = umap.history;
  umap.dispose();
  return { test, rebuilt, invented: invented!, error: meanSquaredError(test, rebuilt), history };
}

export function meanSquaredError(a: Matrix, b: Matrix): number {
  return a.data.reduce((sum, value, i) => sum + (value - b.data[i]!) ** 2, 0) / a.data.length;
}

/** A picture of 8 x 8 pixels in letters. */
function letters(pixels: ArrayLike<number>): string[] {
  const ink = Array.from(pixels, (value) => ' .:-=+*#%@'[Math.min(9, Math.floor(value * 10))]!.repeat(2));
  return Array.from({ length: 8 }, (_, row) => ink.slice(8 * row, 8 * row + 8).join(''));
}

if (isProgram(import.meta.url)) {
  const { test, rebuilt, invented, error, history } = await main();
  console.log(`mean squared error of held-out pixels: ${error.toFixed(4)} (ink runs from 0 to 1)`);
  console.log(`valLoss at each report: ${history.valLoss!.map((loss) => loss.toFixed(3)).join(' ')}\n`);
  console.log('a held-out digit  the same, rebuilt from two numbers  half-way between two others');
  const [left, middle, right] = [test.data.subarray(0, 64), rebuilt.data.subarray(0, 64), invented].map(
    letters,
  );
  left!.forEach((line, i) => {
    console.log(`${line}  ${middle![i]}${' '.repeat(20)}${right![i]}`);
  });
}
