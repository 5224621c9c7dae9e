/** A fitted contrastive embedding <-> plain records that can be saved. */

import type { Artifact, LoadedArtifact } from '../../artifact/artifact.js';
import { invalid } from '../../artifact/json.js';
import type { Landmarks } from '../../fit/landmarks.js';
import { missingMetric, overridden, plainOptions, savedOptions } from '../savedOptions.js';
import { restoreFit, savedFit } from '../savedState.js';
import {
  type ContrastiveOptions,
  contrastiveDefaults,
  contrastiveRules,
  type GivenContrastiveOptions,
} from './options.js';
import { type ContrastiveLearned, placementOf } from './prepare.js';
import { placeOf } from './spectrum.js';

/** The fitted state, for `toFiles`. */
export function contrastiveArtifact(
  options: Readonly<ContrastiveOptions>,
  learned: ContrastiveLearned,
  landmarks: Landmarks | undefined,
  includeGraph: boolean,
): Promise<Artifact> {
  return savedFit(learned, {
    kind: 'ContrastiveEmbedding',
    options: plainOptions(options),
    edges: includeGraph ? learned.edges : undefined,
    landmarks,
  });
}

/**
 * Reads a loaded artifact: the options of the estimator, and a function that restores its fit. Throws `ArtifactError` for
 * fields that are missing or contradict each other.
 */
export function restoreContrastive(artifact: LoadedArtifact, overrides: GivenContrastiveOptions) {
  const saved: Partial<ContrastiveOptions> = { metric: missingMetric, ...artifact.options };
  const options = savedOptions(saved, contrastiveDefaults, contrastiveRules);
  return {
    options: overridden(options, overrides, ['nComponents', 'parametric']),
    async restore(
      resolved: Readonly<ContrastiveOptions>,
    ): Promise<{ learned: ContrastiveLearned; landmarks: Landmarks | undefined }> {
      const { learned, placed, edges, landmarks } = await restoreFit(artifact, resolved, () => {
        if (!resolved.parametric && !artifact.tables.placement)
          throw invalid('placement', 'the rows of the fit, which is without a network', 'none');
      });
      const place = placeOf({ ...contrastiveDefaults, ...options });
      const placement = placed && placementOf(resolved, placed);
      return { learned: { ...learned, placement, edges, place }, landmarks };
    },
  };
}
