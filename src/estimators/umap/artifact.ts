/** A fitted Parametric UMAP <-> plain records that can be saved. */

import type { Artifact, LoadedArtifact } from '../../artifact/artifact.js';
import type { Landmarks } from '../../fit/landmarks.js';
import { missingMetric, overridden, plainOptions, savedOptions } from '../savedOptions.js';
import { numberOf, restoreFit, savedFit } from '../savedState.js';
import {
  type GivenUMAPOptions,
  type ParametricUMAPOptions,
  parametricUmapDefaults,
  parametricUmapRules,
} from './options.js';
import { placementOf, type UmapLearned } from './prepare.js';

/** The fitted state, for `toFiles`. */
export function umapArtifact(
  options: Readonly<ParametricUMAPOptions>,
  learned: UmapLearned,
  landmarks: Landmarks | undefined,
  includeGraph: boolean,
): Promise<Artifact> {
  return savedFit(learned, {
    kind: 'ParametricUMAP',
    options: plainOptions(options),
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
    options: overridden(savedOptions(saved, parametricUmapDefaults, parametricUmapRules), overrides, [
      'nComponents',
      'parametricEmbedding',
    ]),
    async restore(
      resolved: Readonly<ParametricUMAPOptions>,
    ): Promise<{ learned: UmapLearned; landmarks: Landmarks | undefined }> {
      const { learned, placed, edges, landmarks, own } = await restoreFit(
        artifact,
        resolved,
        ({ curve }) => ({
          curve: { a: numberOf(curve, 'state.curve', 'a'), b: numberOf(curve, 'state.curve', 'b') },
        }),
      );
      const placement = placed && placementOf(resolved, own.curve, placed);
      return { learned: { ...learned, ...own, placement, edges }, landmarks };
    },
  };
}
