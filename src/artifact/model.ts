/** A saved model in its directory: bytes and disk together. */

import { type Artifact, fromFiles, type LoadedArtifact, toFiles } from './artifact.js';
import { loadDirectory, saveDirectory } from './directory.js';

/**
 * Saves a model as a directory (a path or a `file:` URL). Written aside and renamed, so that an interrupted save leaves an
 * older model whole. Throws `ArtifactError`, and `UnavailableError` in a browser.
 */
export async function saveModel(path: string | URL, artifact: Artifact): Promise<void> {
  await saveDirectory(path, await toFiles(artifact));
}

/** Reads a saved model; with `kind`, only one of that class. Throws `ArtifactError`, and `UnavailableError` in a browser. */
export async function loadModel(path: string | URL, kind?: string): Promise<LoadedArtifact> {
  return fromFiles(await loadDirectory(path), kind === undefined ? {} : { kind });
}
