/** A training of Parametric UMAP goes on from its state with the same bits, with every loss and every random stream at work. */
import { test } from 'node:test';
import type { GivenUMAPOptions } from '../../../src/estimators/umap/options.js';
import { prepareUmap } from '../../../src/estimators/umap/prepare.js';
import { resolveUmapOptions } from '../../../src/estimators/umap/rules.js';
import { assertResumes, preparedOnDigits } from '../../features/resume.js';

function prepared(given: GivenUMAPOptions) {
  const options = resolveUmapOptions({ nEpochs: 20, batchSize: 200, lossReportFrequency: 5, ...given });
  return preparedOnDigits(options, (rows, inputs, context) =>
    prepareUmap(rows, options, undefined, inputs, context),
  );
}

/** Every loss, each with a stream of its own. */
const everyLoss: GivenUMAPOptions = {
  ...{ parametricReconstruction: true, autoencoderLoss: true },
  ...{ classifier: true, globalCorrelationLossWeight: 0.1 },
};

for (const [name, options] of Object.entries({ 'the defaults': {}, 'every loss': everyLoss })) {
  test(`${name}: a training that goes on from its state ends with the same bits`, () =>
    assertResumes(() => prepared(options)));
}
