/** Brings manifests of earlier formats up to date, one version at a time, so that a saved model loads forever. */

import type { JsonObject } from './json.js';

/** Turns the fields of a manifest of one format into those of the next. May look at `kind` to tell estimators apart. */
export type Migration = (manifest: JsonObject) => JsonObject;

/** Version of the format that this library writes. */
export const formatVersion = 1;

/**
 * `migrations[n]` makes a manifest of format n one of format n + 1. Whoever raises `formatVersion` adds one, and a model saved
 * by the release before to the test fixtures.
 */
export const migrations: Readonly<Record<number, Migration>> = {};

/** Whether a manifest of this version can be read. */
export function isReadable(version: number, latest = formatVersion, steps = migrations): boolean {
  for (let from = version; from < latest; from++) if (!Object.hasOwn(steps, from)) return false;
  return version <= latest;
}

/** The manifest in the latest format. `version` must be readable. */
export function migrated(
  manifest: JsonObject,
  version: number,
  latest = formatVersion,
  steps = migrations,
): JsonObject {
  let current = manifest;
  for (let from = version; from < latest; from++) {
    current = { ...steps[from]!(current), formatVersion: from + 1 };
  }
  return current;
}
