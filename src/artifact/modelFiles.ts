/** The two files of a network, `model.json` and `weights.bin`, in the format of TensorFlow.js. */

import type { io } from '../core/tf.js';
import { toUtf8 } from '../core/utf8.js';
import {
  asList,
  asObject,
  asRecord,
  asShape,
  asString,
  encodeJson,
  invalid,
  parseJson,
  show,
  sizeOf,
} from './json.js';

const bytesPerWeight: ReadonlyMap<string, number> = new Map([
  ['float32', 4],
  ['int32', 4],
  ['bool', 1],
]);

/** The bytes of both files, with all weights in one group and one shard, so that any TensorFlow.js can load them. */
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
    throw invalid(
      name,
      `${filled} bytes for the weights`,
      `weightData of ${weights.length}`,
      'pass complete weights',
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
  // Without marks for special numbers, because TensorFlow.js reads this file too.
  const text = JSON.stringify(encodeJson(model, `${name}/model.json`, false));
  return { model: toUtf8(text), weights };
}

/** Parses and validates `model.json`; the caller adds `weightData`. */
export function parseNetwork(bytes: Uint8Array, where: string): io.ModelArtifacts {
  const required = ['format', 'generatedBy', 'convertedBy', 'modelTopology', 'weightsManifest'];
  const model = asRecord(parseJson(bytes, where), where, required, ['userDefinedMetadata']);
  if (model.format !== 'layers-model') {
    throw invalid(`${where}: format`, '"layers-model"', show(model.format));
  }
  const groups = asList(model.weightsManifest, `${where}: weightsManifest`);
  if (groups.length !== 1) {
    throw invalid(`${where}: weightsManifest`, '1 group', `${groups.length}`);
  }
  const group = asRecord(groups[0], `${where}: weightsManifest[0]`, ['paths', 'weights']);
  const paths = asList(group.paths, `${where}: weightsManifest[0].paths`);
  if (paths.length !== 1 || paths[0] !== 'weights.bin') {
    throw invalid(`${where}: weightsManifest[0].paths`, '["weights.bin"]', show(paths));
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
 * The size of weights in bytes. Throws `ArtifactError` for duplicate names, dtypes other than float32, int32 and bool, and
 * shapes that no memory can hold.
 */
export function weightBytes(specs: readonly io.WeightsManifestEntry[], where: string): number {
  const seen = new Set<string>();
  let bytes = 0;
  for (const { name, shape, dtype } of specs) {
    if (seen.has(name)) {
      throw invalid(where, 'distinct names', `${show(name)} twice`, 'rename layers');
    }
    seen.add(name);
    const each = bytesPerWeight.get(dtype);
    if (each === undefined) {
      const known = [...bytesPerWeight.keys()].join(', ');
      throw invalid(`${where}: ${show(name)}: dtype`, `one of ${known}`, show(dtype));
    }
    bytes += sizeOf(shape, `${where}: ${show(name)}`) * each;
  }
  return bytes;
}
