/** A fitted Parametric UMAP <-> plain records that can be saved. */

import type { Artifact, LoadedArtifact } from '../../artifact/artifact.js';
import { OptionError } from '../../core/errors.js';
import type { Landmarks } from '../../fit/landmarks.js';
import { numberOf, restoreFit, savedFit, savedOptions } from '../savedState.js';
import {
  type GivenUMAPOptions,
  type ParametricUMAPOptions,
  parametricUmapDefaults,
  parametricUmapRules,
} from './options.js';
import type { UmapLearned } from './prepare.js';

/** Options that are saved elsewhere (networks) or not at all (functions, callbacks, rows). */
const unsaved = [
  'encoder',
  'decoder',
  'callbacks',
  'parametricReconstructionLossFn',
  'landmarkLossFn',
  'reconstructionValidation',
] as const satisfies readonly (keyof ParametricUMAPOptions)[];

/** The fitted state, for `toFiles`. */
export function umapArtifact(
  options: Readonly<ParametricUMAPOptions>,
  learned: UmapLearned,
  landmarks: Landmarks | undefined,
  includeGraph: boolean,
): Promise<Artifact> {
  const plain: Partial<ParametricUMAPOptions> = { ...options, classifier: options.classifier !== false };
  for (const name of unsaved) delete plain[name];
  if (typeof plain.metric === 'function') delete plain.metric;
  if (typeof plain.optimizer !== 'string') delete plain.optimizer;
  if (typeof plain.learningRate === 'function') delete plain.learningRate;
  if (typeof plain.init !== 'string') delete plain.init;
  return savedFit(learned, {
    kind: 'ParametricUMAP',
    options: plain,
    state: { curve: learned.curve },
    edges: includeGraph ? learned.edges : undefined,
    landmarks,
  });
}

/**
 * Reads a loaded artifact: the options of the estimator, and a function that restores its fit. Throws `ArtifactError` for
 * fields that are missing or contradict each other.
 */
export function restoreUmap(artifact: LoadedArtifact, overrides: GivenUMAPOptions) {
  const saved: Partial<ParametricUMAPOptions> = { metric: missingMetric, ...artifact.options };
  return {
    options: { ...savedOptions(saved, parametricUmapDefaults, parametricUmapRules), ...overrides },
    async restore(
      resolved: Readonly<ParametricUMAPOptions>,
    ): Promise<{ learned: UmapLearned; landmarks: Landmarks | undefined }> {
      const { learned, edges, landmarks, own } = await restoreFit(artifact, resolved, ({ curve }) => ({
        curve: { a: numberOf(curve, 'state.curve', 'a'), b: numberOf(curve, 'state.curve', 'b') },
      }));
      return { learned: { ...learned, ...own, edges }, landmarks };
    },
  };
}

/** Replaces a metric function, which is not saved; only a later fit calls it. */
function missingMetric(): number {
  throw new OptionError(
    'fit: expected the metric function that this model was fitted with, which is not saved, got none; ' +
      'pass it to load(path, { metric })',
  );
}
