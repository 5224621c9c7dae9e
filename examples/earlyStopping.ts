/** Callbacks and schedules: stop when nothing improves, put the best weights back, run anything at each report. */
import { earlyStopping, ParametricUMAP, type ParametricUMAPOptions, tf } from 'parametric-umap';
import { loadDigits } from './digits.js';
import { isProgram } from './output.js';

export async function main(digits = loadDigits(), options: Partial<ParametricUMAPOptions> = {}) {
  const { train, test } = await digits;
  const seen: string[] = [];
  const umap = new ParametricUMAP({
    parametricReconstruction: true,
    reconstructionValidation: test,
    // At most 40 passes over the graph, 20 repeats of its heaviest edge each, with one report a pass.
    nEpochs: 20,
    nTrainingEpochs: 40,
    lossReportFrequency: 1,
    // A custom schedule, from the part done (0 to 1) to the rate.
    learningRate: (done) => 0.01 / (1 + 9 * done),
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
