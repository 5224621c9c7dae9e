/** A fitted variational autoencoder <-> plain records that can be saved. */

import { takeArray } from '../../artifact/arrays.js';
import type { Artifact, LoadedArtifact } from '../../artifact/artifact.js';
import { asString, invalid, show } from '../../artifact/json.js';
import { rowSize } from '../../networks/network.js';
import { decoderParts, type Likelihood } from '../../networks/variational/decoder.js';
import { variationalParts } from '../../networks/variational/encoder.js';
import { vampPrior } from '../../networks/variational/vampPrior.js';
import { overridden, savedOptions } from '../savedOptions.js';
import { restoreFit, savedFit } from '../savedState.js';
import {
  type CompressionVAEOptions,
  compressionVaeDefaults,
  compressionVaeRules,
  type GivenCompressionVAEOptions,
} from './options.js';
import type { VaeLearned } from './prepare.js';

/** Options that are saved elsewhere (networks) or not at all (functions, callbacks). */
const unsaved = [
  'encoder',
  'decoder',
  'callbacks',
  'checkpoint',
  'logdir',
  'tbLogging',
] as const satisfies readonly (keyof CompressionVAEOptions)[];

/** What the networks were made with. */
const settled = [
  ...['dimLatent', 'iafFlowLength', 'cellsEncoder', 'initializer', 'encoder', 'decoder', 'dims'],
  ...['likelihood', 'prior', 'pseudoInputs', 'featureNormalization'],
] as const;

/** Likelihoods that a model may have. */
const likelihoods: readonly Likelihood[] = ['gaussian', 'learnedGaussian', 'bernoulli'];

/** The fitted state, for `toFiles`. */
export async function vaeArtifact(
  options: Readonly<CompressionVAEOptions>,
  learned: VaeLearned,
): Promise<Artifact> {
  const plain: Partial<CompressionVAEOptions> = { ...options };
  for (const name of unsaved) delete plain[name];
  if (typeof plain.optimizer !== 'string') delete plain.optimizer;
  if (typeof plain.learningRate === 'function') delete plain.learningRate;
  const { likelihood, prior } = learned;
  const artifact = await savedFit(learned, { kind: 'CompressionVAE', options: plain, state: { likelihood } });
  if (!prior) return artifact;
  const data = Float32Array.from(await prior.variable.data());
  const pseudoRows = { state: {}, arrays: { rows: { data, shape: prior.variable.shape } } };
  return { ...artifact, tables: { ...artifact.tables, pseudoRows } };
}

/**
 * Reads a loaded artifact: the options of the estimator, and a function that restores its fit. Throws `ArtifactError` for
 * fields that are missing or contradict each other.
 */
export function restoreVae(artifact: LoadedArtifact, overrides: GivenCompressionVAEOptions) {
  const saved: Partial<CompressionVAEOptions> = artifact.options;
  return {
    options: overridden(savedOptions(saved, compressionVaeDefaults, compressionVaeRules), overrides, settled),
    async restore(resolved: Readonly<CompressionVAEOptions>): Promise<VaeLearned> {
      const { dimLatent: nComponents, optimizer, momentum, weightDecay } = resolved;
      const options = { nComponents, optimizer, momentum, weightDecay };
      const { learned, own } = await restoreFit(artifact, options, (state) => likelihoodIn(state.likelihood));
      const { encoder, decoder } = learned;
      if (!decoder) throw invalid('networks', 'a decoder', 'none');
      const { trunk, head } = variationalParts(encoder.model);
      const pseudoInputs = artifact.tables.pseudoRows && pseudoRowsOf(artifact, rowSize(encoder.inputShape));
      const prior = pseudoInputs && vampPrior({ trunk, head, pseudoInputs });
      decoderParts(decoder.model);
      return { ...learned, likelihood: own, prior, others: prior && [prior] };
    },
  };
}

function pseudoRowsOf({ tables }: LoadedArtifact, columns: number) {
  const table = tables.pseudoRows!;
  const shape = [table.arrays.rows?.shape[0] ?? 0, columns] as const;
  return { data: takeArray(table, 'rows', 'float32', shape), shape };
}

function likelihoodIn(value: LoadedArtifact['state'][string] | undefined): Likelihood {
  const found = likelihoods.find((name) => name === asString(value, 'state.likelihood'));
  if (found) return found;
  throw invalid('state.likelihood', likelihoods.join(', '), show(value));
}
