/** A `tf.LayersModel` <-> its artifacts, checked so that what is saved can be loaded, and a hostile file does no harm. */

import { isNameTaken, oneCopyAdvice } from '../backend/copies.js';
import { ArtifactError } from '../core/errors.js';
import * as tf from '../core/tf.js';
import { type JsonObject, messageOf, show } from './json.js';
import { weightBytes } from './modelFiles.js';
import { checkTopology } from './topology.js';

type Spec = tf.io.WeightsManifestEntry;

/**
 * Topology and weights of a built network, Sequential or functional, as `model.save` gives them. Throws
 * `ArtifactError`, with `name` for the network, for one that could not be loaded again: a layer class that is not
 * registered, two weights of one name, no layers.
 */
export async function networkArtifacts(
  model: tf.LayersModel,
  name = 'network',
): Promise<tf.io.ModelArtifacts> {
  if (model.inputs.length === 0)
    throw new ArtifactError(`${name}: expected a network with layers, got one without; add layers first`);
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  if (saved === undefined)
    throw new ArtifactError(`${name}: expected the artifacts of a model from TensorFlow.js, got none`);
  checkTopology(saved.modelTopology, name);
  weightBytes(saved.weightSpecs ?? [], name);
  return saved;
}

/**
 * The network in `artifacts`, on the current backend, with the same weights to the last bit. No initializer runs,
 * so no random number is drawn; no more is allocated than the weights need; after a failure no tensor is left.
 */
export async function networkFrom(
  artifacts: tf.io.ModelArtifacts,
  name = 'network',
): Promise<tf.LayersModel> {
  const { modelTopology, weightSpecs = [], weightData = [], userDefinedMetadata } = artifacts;
  const topology = checkTopology(modelTopology, name);
  const values = tf.io.CompositeArrayBuffer.join(weightData);
  const filled = weightBytes(weightSpecs, name);
  if (values.byteLength !== filled) {
    throw new ArtifactError(
      `${name}: expected ${filled} bytes, which the weights fill, got ${values.byteLength}`,
    );
  }
  const { model, made } = await build(topology, weightSpecs, name);
  try {
    const weights = matchWeights(model, weightSpecs, name);
    tf.tidy(() => assignWeights(weights, weightSpecs, values));
    if (userDefinedMetadata !== undefined) model.setUserDefinedMetadata(userDefinedMetadata);
    return model;
  } catch (error) {
    for (const variable of made) variable.dispose();
    throw error;
  }
}

type ModelConfig = Parameters<typeof tf.models.modelFromJSON>[0];
type AddWeight = (
  this: tf.layers.Layer,
  name: string,
  shape: number[],
  dtype: string,
  ...rest: unknown[]
) => tf.LayerVariable;

/**
 * Builds the layers with zeros for weights. `modelFromJSON` builds them before its first `await`, so `addWeight` is
 * replaced during that one call only: initializers are skipped, since their values would be overwritten, every allocation
 * is counted before it is made, and every variable is known in case of failure.
 */
async function build(topology: JsonObject, specs: readonly Spec[], name: string) {
  let left = 0;
  for (const { shape } of specs) left += tf.util.sizeFromShape(shape);
  const made: tf.LayerVariable[] = [];
  const layer = tf.layers.Layer.prototype as unknown as { addWeight: AddWeight };
  const { addWeight } = layer;
  const zeros = tf.initializers.zeros();
  try {
    let pending: Promise<tf.LayersModel>;
    layer.addWeight = function (weight, shape, dtype, _initializer, ...rest) {
      left -= tf.util.sizeFromShape(shape);
      if (!(left >= 0)) throw new Error(`${weight} ${show(shape)} of ${this.name} is more than was saved`);
      const variable = addWeight.call(this, weight, shape, dtype, zeros, ...rest);
      made.push(variable);
      return variable;
    };
    try {
      // Nothing but the topology: a `weightsManifest` here would be fetched.
      pending = tf.models.modelFromJSON({ modelTopology: topology } as ModelConfig);
    } finally {
      layer.addWeight = addWeight;
    }
    return { model: await pending, made };
  } catch (cause) {
    for (const variable of made) variable.dispose();
    const reason = isNameTaken(cause)
      ? `another copy of TensorFlow.js in this program has layers of the same names; dispose of them, or ${oneCopyAdvice}`
      : messageOf(cause);
    throw new ArtifactError(`${name}: the layers cannot be built: ${reason}`, { cause });
  }
}

/** The model's weights by saved name; layers and saved weights must agree in names, shapes and dtypes. */
function matchWeights(
  model: tf.LayersModel,
  specs: readonly Spec[],
  name: string,
): Map<string, tf.LayerVariable> {
  if (model.inputs.length === 0)
    throw new ArtifactError(`${name}: expected a network with layers, got one without`);
  const weights = new Map(model.weights.map((weight) => [weight.originalName, weight]));
  if (weights.size < model.weights.length)
    throw new ArtifactError(`${name}: expected weights of different names, got two of one name`);
  const saved = new Map(specs.map((spec) => [spec.name, spec]));
  for (const key of saved.keys()) {
    if (!weights.has(key))
      throw new ArtifactError(`${name}: expected a layer with the saved weight ${key}, got none`);
  }
  for (const [key, weight] of weights) {
    const spec = saved.get(key);
    if (spec === undefined) {
      throw new ArtifactError(
        `${name}: expected the weight ${key} of the layers among the saved ones, got none`,
      );
    }
    const inLayers = `${weight.dtype} ${JSON.stringify(weight.shape)}`;
    const inFile = `${spec.dtype} ${JSON.stringify(spec.shape)}`;
    if (inLayers !== inFile) {
      throw new ArtifactError(
        `${name}: the weight ${key}: expected ${inLayers}, as in the layers, got ${inFile}`,
      );
    }
  }
  return weights;
}

function assignWeights(
  weights: ReadonlyMap<string, tf.LayerVariable>,
  specs: readonly Spec[],
  values: ArrayBuffer,
): void {
  let offset = 0;
  for (const { name, shape, dtype } of specs) {
    const size = tf.util.sizeFromShape(shape);
    const part = values.slice(offset, offset + size * (dtype === 'bool' ? 1 : 4));
    offset += part.byteLength;
    const numbers =
      dtype === 'bool'
        ? new Uint8Array(part)
        : dtype === 'int32'
          ? new Int32Array(part)
          : new Float32Array(part);
    // Not through `LayerVariable.write`, which applies the layer's constraint again and so changes the last bits.
    const variable = weights.get(name)!.read() as tf.Variable;
    variable.assign(tf.tensor(numbers, shape, dtype));
  }
}
