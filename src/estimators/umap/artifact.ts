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

/** Options that hold what is saved elsewhere (networks) or cannot be saved (functions, callbacks, rows). */
const unsaved = [
  'encoder',
  'decoder',
  'optimizer',
  'callbacks',
  'parametricReconstructionLossFn',
  'landmarkLossFn',
  'reconstructionValidation',
] as const satisfies readonly (keyof ParametricUMAPOptions)[];

/** Everything of a fit that lasts, for `toFiles`. */
export function umapArtifact(
  options: Readonly<ParametricUMAPOptions>,
  learned: UmapLearned,
  landmarks: Landmarks | undefined,
  includeGraph: boolean,
): Promise<Artifact> {
  const plain: Partial<ParametricUMAPOptions> = { ...options, classifier: options.classifier !== false };
  for (const name of unsaved) delete plain[name];
  if (typeof plain.metric === 'function') delete plain.metric;
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
 * Reads a loaded artifact: the options to make an estimator of, and how to bring its fit back. Throws `ArtifactError` for
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

/** Stands for a metric function that was not saved: only a later fit needs it. */
function missingMetric(): number {
  throw new OptionError(
    'fit: expected the metric function that this model was fitted with, which is not saved, got none; ' +
      'pass it to load(path, { metric })',
  );
}
