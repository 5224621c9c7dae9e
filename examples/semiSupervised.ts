/** Semi-supervised learning: a classifier on the map is trained on a few labels, while all rows shape the map. */
import { ParametricUMAP, type ParametricUMAPOptions } from 'parametric-umap';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';

export async function main(
  digits = loadDigits(),
  options: Partial<ParametricUMAPOptions> = {},
  labelsPerClass = 4,
) {
  const { train, trainLabels, test, testLabels } = await digits;
  const known = new Map<number, number>();
  const y = Array.from(trainLabels, (label) => {
    const seen = known.get(label) ?? 0;
    known.set(label, seen + 1);
    return seen < labelsPerClass ? label : null; // null, or -1, is "unknown"
  });
  const umap = new ParametricUMAP({ classifier: true, ...options });
  await umap.fit(train, y);
  const predicted = await umap.predict(test);
  const [probabilities] = await umap.predictProba(test);
  const { classes } = umap;
  umap.dispose();
  const right = predicted.filter((label, row) => label === testLabels[row]).length;
  return { classes, probabilities: probabilities!, predicted, accuracy: right / predicted.length };
}

if (isProgram(import.meta.url)) {
  const { classes, probabilities, predicted, accuracy } = await main();
  console.log(
    `4 labels for each of ${classes.length} digits: ${(100 * accuracy).toFixed(1)} % of held-out rows named right`,
  );
  const chances = classes.map((name, i) => `${name}: ${probabilities[i]!.toFixed(2)}`);
  console.log(`the first is a ${predicted[0]} (${chances.join(', ')})`);
}
