/** The two files of a network, `model.json` and `weights.bin`, as TensorFlow.js itself writes them. */

import { ArtifactError } from '../core/errors.js';
import type { io } from '../core/tf.js';
import { toUtf8 } from '../core/utf8.js';
import {
  asList,
  asObject,
  asRecord,
  asShape,
  asString,
  encodeJson,
  parseJson,
  show,
  sizeOf,
} from './json.js';

const bytesPerWeight: ReadonlyMap<string, number> = new Map([
  ['float32', 4],
  ['int32', 4],
  ['bool', 1],
]);

/** Bytes of both files, with all weights in one group and one shard, so that any TensorFlow.js loads them. */
export function packNetwork(
  network: io.ModelArtifacts,
  name: string,
): { model: Uint8Array; weights: Uint8Array } {
  const { modelTopology, weightSpecs = [], weightData = [], userDefinedMetadata } = network;
  const parts = Array.isArray(weightData) ? weightData : [weightData];
  const weights = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    weights.set(new Uint8Array(part), offset);
    offset += part.byteLength;
  }
  const specs = weightSpecs.map(({ name, shape, dtype }) => ({ name, shape, dtype }));
  const filled = weightBytes(specs, `${name}: weights`);
  if (filled !== weights.length) {
    throw new ArtifactError(
      `${name}: weightData: expected ${filled} bytes, which the weights fill, got ${weights.length}`,
    );
  }
  const model = {
    format: network.format ?? 'layers-model',
    generatedBy: network.generatedBy ?? null,
    convertedBy: network.convertedBy ?? null,
    modelTopology,
    userDefinedMetadata,
    weightsManifest: [{ paths: ['weights.bin'], weights: specs }],
  };
  // Plain JSON without marks: TensorFlow.js reads this file too.
  const text = JSON.stringify(encodeJson(model, `${name}/model.json`, false));
  return { model: toUtf8(text), weights };
}

/** The contents of `model.json`, every field checked, without `weightData`. */
export function parseNetwork(bytes: Uint8Array, where: string): io.ModelArtifacts {
  const required = ['format', 'generatedBy', 'convertedBy', 'modelTopology', 'weightsManifest'];
  const model = asRecord(parseJson(bytes, where), where, required, ['userDefinedMetadata']);
  if (model.format !== 'layers-model') {
    throw new ArtifactError(`${where}: format: expected "layers-model", got ${show(model.format)}`);
  }
  const groups = asList(model.weightsManifest, `${where}: weightsManifest`);
  if (groups.length !== 1) {
    throw new ArtifactError(`${where}: weightsManifest: expected 1 group, got ${groups.length}`);
  }
  const group = asRecord(groups[0], `${where}: weightsManifest[0]`, ['paths', 'weights']);
  const paths = asList(group.paths, `${where}: weightsManifest[0].paths`);
  if (paths.length !== 1 || paths[0] !== 'weights.bin') {
    throw new ArtifactError(
      `${where}: weightsManifest[0].paths: expected ["weights.bin"], got ${show(paths)}`,
    );
  }
  const weightSpecs = asList(group.weights, `${where}: weights`).map((item, i) => {
    const at = `${where}: weights[${i}]`;
    const spec = asRecord(item, at, ['name', 'shape', 'dtype']);
    const dtype = spec.dtype as io.WeightsManifestEntry['dtype'];
    return { name: asString(spec.name, `${at}.name`), shape: asShape(spec.shape, `${at}.shape`), dtype };
  });
  return {
    format: model.format,
    generatedBy:
      model.generatedBy === null ? undefined : asString(model.generatedBy, `${where}: generatedBy`),
    convertedBy: model.convertedBy === null ? null : asString(model.convertedBy, `${where}: convertedBy`),
    modelTopology: asObject(model.modelTopology, `${where}: modelTopology`),
    ...(model.userDefinedMetadata !== undefined && {
      userDefinedMetadata: asObject(model.userDefinedMetadata, `${where}: userDefinedMetadata`) as Record<
        string,
        object
      >,
    }),
    weightSpecs,
  };
}

/**
 * Bytes that weights fill. Throws `ArtifactError` for two weights of one name, a dtype other than float32, int32 and
 * bool, and a shape beyond any memory.
 */
export function weightBytes(specs: readonly io.WeightsManifestEntry[], where: string): number {
  const seen = new Set<string>();
  let bytes = 0;
  for (const { name, shape, dtype } of specs) {
    if (seen.has(name)) {
      throw new ArtifactError(
        `${where}: expected each name once, got ${show(name)} twice; give layers other names`,
      );
    }
    seen.add(name);
    const each = bytesPerWeight.get(dtype);
    if (each === undefined) {
      const known = [...bytesPerWeight.keys()].join(' or ');
      throw new ArtifactError(`${where}: ${show(name)}: expected dtype ${known}, got ${show(dtype)}`);
    }
    bytes += sizeOf(shape, `${where}: ${show(name)}`) * each;
  }
  return bytes;
}
