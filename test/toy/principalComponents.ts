/** Principal components by gradient descent, by a linear encoder and decoder: a toy that shows what an estimator is made of. */
import type { LoadedArtifact } from '../../src/artifact/artifact.js';
import { saveModel } from '../../src/artifact/model.js';
import { useBackend } from '../../src/backend/choose.js';
import { defaultsOf, type OptionRows, resolveOptions, rulesOf } from '../../src/core/options.js';
import { integer } from '../../src/core/rules.js';
import * as tf from '../../src/core/tf.js';
import type { RowsInput } from '../../src/data/matrix.js';
import { rowSampler } from '../../src/data/sampler.js';
import type { Targets } from '../../src/data/targets.js';
import { embedRows, reconstructRows } from '../../src/estimators/apply.js';
import { type Estimator, lifecycle, type TransformOptions } from '../../src/estimators/estimator.js';
import { fitSteps } from '../../src/estimators/fitSteps.js';
import { overridden, savedOptions } from '../../src/estimators/savedOptions.js';
import { restoreFit, savedFit } from '../../src/estimators/savedState.js';
import { auxiliaryLosses } from '../../src/fit/auxiliaryLosses.js';
import { heldOutValidator, readFit } from '../../src/fit/heldOut.js';
import { type RunInputs, resolveInputs, runInputRules } from '../../src/fit/inputs.js';
import { type FitOptions, fitDefaults, fitRows } from '../../src/fit/options/fitOptions.js';
import { runRenamed } from '../../src/fit/options/run.js';
import { beginFit, prepared, trainedNetworks } from '../../src/fit/prepare.js';
import type { FitContext, Fitted, Learned } from '../../src/fit/records.js';
import { batchSizeOf, scheduleOf } from '../../src/fit/trainingLength.js';

const { nComponents, batchSize, lossReportFrequency, learningRate, optimizer, clipValue } = fitRows;
const { callbacks, seed, backend, verbose, checkpoint } = fitRows;
const shared = { nComponents, batchSize, lossReportFrequency, learningRate, optimizer, clipValue };
const run = { callbacks, seed, backend, verbose, checkpoint };

export interface PcaOptions extends Pick<FitOptions, keyof typeof shared | keyof typeof run> {
  /** Gradient steps. Default 1,000. */
  steps: number;
}
export const pcaRows: OptionRows<PcaOptions> = {
  ...{ ...shared, ...run },
  steps: { default: 1000, rule: integer(1), help: 'gradient steps' },
};
const [defaults, rules] = [defaultsOf(pcaRows), rulesOf(pcaRows)];

/** The squared error of a linear autoencoder is least where it projects on the principal components. */
const linear = {
  ...fitDefaults,
  ...{ parametricReconstruction: true, autoencoderLoss: true },
  parametricReconstructionLossFn: (x: tf.Tensor, y: tf.Tensor) => tf.mean(tf.squaredDifference(x, y)),
};

/** Everything but the training. Targets are read, and refused where they are none, but nothing learns from them. */
type Given = { X: RowsInput; y: Targets | undefined; inputs: RunInputs };
async function prepare(given: Given, pca: PcaOptions, context: FitContext, earlier?: Learned) {
  const options = { ...linear, ...pca };
  const { rows, held } = await readFit(given.X, given.y, given.inputs, undefined, options, earlier, context);
  const base = await beginFit(rows, options, earlier, context, { hidden: [], projected: false });
  const networks = await trainedNetworks(base);
  const [count] = base.matrix.shape;
  const { steps, lossReportFrequency: reports, clipValue, learningRate } = options;
  const terms = await auxiliaryLosses(base, networks, options, undefined, {}, context);
  const heldOut = { name: 'valReconstruction', loss: () => terms[0]! };
  return prepared(base, networks, earlier, {
    ...{ steps, reports, clipValue, schedule: scheduleOf(learningRate, steps), terms, learned: {} },
    sampler: rowSampler(count, { batchSize: batchSizeOf(pca, count), random: base.streams.fork('rows') }),
    validate: await heldOutValidator(base, networks, held, heldOut, context),
  });
}

export class PrincipalComponents implements Estimator<PcaOptions, RunInputs> {
  readonly options: Readonly<PcaOptions>;
  readonly #life = lifecycle<Fitted>('PrincipalComponents');

  constructor(options: Partial<PcaOptions> = {}) {
    this.options = Object.freeze(resolveOptions('PrincipalComponents', options, defaults, rules, runRenamed));
  }
  get history() {
    return this.#life.require('history').history;
  }
  get encoder() {
    return this.#life.require('encoder').encoder.model;
  }
  get rowFrame() {
    return this.#life.require('rowFrame').frame;
  }
  async *steps(X: RowsInput, y?: Targets | null, given: RunInputs = {}) {
    const inputs = resolveInputs(given, runInputRules);
    yield* fitSteps(this.#life, this.options, inputs, (context, earlier) =>
      prepare({ X, y: y ?? undefined, inputs }, this.options, context, earlier),
    );
  }
  async fit(X: RowsInput, y?: Targets | null, inputs?: RunInputs) {
    for await (const _progress of this.steps(X, y, inputs));
    return this;
  }
  async fitTransform<X extends RowsInput>(X: X, y?: Targets | null, inputs?: RunInputs) {
    return (await this.fit(X, y, inputs)).transform(X);
  }
  async transform<X extends RowsInput>(X: X, options: TransformOptions = {}) {
    return embedRows(this.#life.require('transform'), X, options, () => {});
  }
  async inverseTransform<Z extends RowsInput>(Z: Z, options: TransformOptions = {}) {
    return reconstructRows(this.#life.require('inverseTransform'), Z, options);
  }
  toArtifact() {
    const { callbacks, optimizer, checkpoint, ...options } = this.options;
    return savedFit(this.#life.require('save'), { kind: 'PrincipalComponents', options });
  }
  save = async (path: string | URL) => saveModel(path, await this.toArtifact());
  static async fromArtifact(artifact: LoadedArtifact, overrides: Partial<PcaOptions> = {}) {
    const estimator = new PrincipalComponents(
      overridden(savedOptions(artifact.options, defaults, rules), overrides, ['nComponents']),
    );
    const { name: backend } = await useBackend(estimator.options.backend);
    const { learned } = await restoreFit(artifact, estimator.options, () => {});
    estimator.#life.commit({ ...learned, backend });
    return estimator;
  }
  dispose = () => this.#life.dispose();
  fit_transform = this.fitTransform;
  inverse_transform = this.inverseTransform;
}
