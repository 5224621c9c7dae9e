/** Loads a saved model of any estimator. */
import type { LoadedArtifact } from '../artifact/artifact.js';
import { loadModel } from '../artifact/model.js';
import { ArtifactError } from '../core/errors.js';
import { ContrastiveEmbedding } from './contrastive/contrastiveEmbedding.js';
import type { GivenContrastiveOptions } from './contrastive/options.js';
import type { GivenUMAPOptions } from './umap/options.js';
import { ParametricUMAP } from './umap/parametricUmap.js';
import { CompressionVAE } from './vae/compressionVae.js';
import type { GivenCompressionVAEOptions } from './vae/options.js';

/** Restores the estimator of each kind of saved model. */
const kinds: Readonly<
  Record<string, (artifact: LoadedArtifact, overrides: object) => Promise<AnyEstimator>>
> = {
  ParametricUMAP: (artifact, overrides) => ParametricUMAP.fromArtifact(artifact, overrides),
  ContrastiveEmbedding: (artifact, overrides) => ContrastiveEmbedding.fromArtifact(artifact, overrides),
  CompressionVAE: (artifact, overrides) => CompressionVAE.fromArtifact(artifact, overrides),
};

/** An estimator that can be saved and loaded. */
export type AnyEstimator = ParametricUMAP | ContrastiveEmbedding | CompressionVAE;

/**
 * Loads a saved model, whichever estimator saved it.
 *
 * - `path`: the directory that `save` was given, as a path or a `file:` URL.
 * - `overrides`: options to replace, and functions that could not be saved; see the `load` of the estimator.
 *
 * Throws `ArtifactError` for a model that is incomplete, damaged or of an unknown kind, `OptionError` for a wrong override,
 * and `UnavailableError` in a browser; use `fromFiles` and `fromArtifact` there.
 */
export async function load(
  path: string | URL,
  overrides: GivenUMAPOptions | GivenContrastiveOptions | GivenCompressionVAEOptions = {},
): Promise<AnyEstimator> {
  return fromLoaded(await loadModel(path), overrides);
}

/** Restores whichever estimator an artifact was made by. Throws as `load` does. */
export async function fromLoaded(artifact: LoadedArtifact, overrides: object = {}): Promise<AnyEstimator> {
  if (!Object.hasOwn(kinds, artifact.kind)) {
    const known = Object.keys(kinds).join(', ');
    throw new ArtifactError(
      `load: expected a model of one of ${known}, got one of ${artifact.kind}; update parametric-umap`,
    );
  }
  return kinds[artifact.kind]!(artifact, overrides);
}
