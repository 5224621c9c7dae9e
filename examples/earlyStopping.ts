/** Callbacks: stop when nothing improves, put the best weights back, and run anything at each report. */
import { earlyStopping, ParametricUMAP, type ParametricUMAPOptions, tf } from 'parametric-umap';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, test } = await digits;
  const seen: string[] = [];
  const umap = new ParametricUMAP({
    parametricReconstruction: true,
    reconstructionValidation: test,
    nEpochs: 20, // passes of known length at a constant learning rate, which suits a training without a fixed end
    nTrainingEpochs: 40,
    lossReportFrequency: 1,
    callbacks: [
      // Watches any key of the history.
      earlyStopping({ monitor: 'valLoss', minDelta: 0.001, patience: 3, restoreBestWeights: true }),
      // Those of TensorFlow.js work as they are.
      tf.callbacks.earlyStopping({ monitor: 'loss', patience: 20 }),
      {
        onEpochEnd(report, logs) {
          seen.push(`report ${report}: loss ${logs?.loss?.toFixed(3)}, valLoss ${logs?.valLoss?.toFixed(3)}`);
        },
      },
    ],
    ...options,
  });
  await umap.fit(train);
  const { valLoss = [] } = umap.history;
  umap.dispose();
  return { seen, valLoss };
}

if (isProgram(import.meta.url)) {
  const { seen, valLoss } = await main();
  console.log(seen.join('\n'));
  console.log(
    `stopped after ${valLoss.length} of 40 reports; best valLoss ${Math.min(...valLoss).toFixed(3)}`,
  );
}
