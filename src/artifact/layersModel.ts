/** Converts a `tf.LayersModel` to artifacts and back; validates them, so that damaged or hostile ones do no harm. */

import { isNameTaken, oneCopyAdvice } from '../backend/copies.js';
import * as tf from '../core/tf.js';
import {
  asList,
  asObject,
  asString,
  encodeJson,
  invalid,
  type Json,
  type JsonObject,
  messageOf,
  show,
} from './json.js';
import { weightBytes } from './modelFiles.js';

type Spec = tf.io.WeightsManifestEntry;

/**
 * Topology and weights of a built network, sequential or functional, as `model.save` produces them. `name` is named in
 * messages. Throws `ArtifactError` for a network that could not be loaded again: a layer class that is not registered, two
 * weights of one name, no layers.
 */
export async function networkArtifacts(
  model: tf.LayersModel,
  name = 'network',
): Promise<tf.io.ModelArtifacts> {
  if (model.inputs.length === 0) throw invalid(name, 'layers', 'none', 'add layers');
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  if (saved === undefined) {
    throw invalid(name, 'artifacts from TensorFlow.js', 'none', 'use a network with a standard save method');
  }
  checkTopology(saved.modelTopology, name);
  weightBytes(saved.weightSpecs ?? [], name);
  return saved;
}

/**
 * The network in `artifacts`, on the current backend, with bit-identical weights. No initializer runs, so no random number
 * is drawn. Allocates no more than the weights need, and leaves no tensor after a failure.
 */
export async function networkFrom(
  artifacts: tf.io.ModelArtifacts,
  name = 'network',
): Promise<tf.LayersModel> {
  const { modelTopology, weightSpecs = [], weightData = [], userDefinedMetadata } = artifacts;
  const topology = checkTopology(modelTopology, name);
  const values = tf.io.CompositeArrayBuffer.join(weightData);
  const bytes = weightBytes(weightSpecs, name);
  if (values.byteLength !== bytes) {
    throw invalid(name, `${bytes} bytes for the weights`, `${values.byteLength}`);
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
 * Builds the layers with zero weights. `modelFromJSON` works synchronously, so `addWeight` is replaced during that call
 * only: initializers, whose values would be overwritten, are skipped; allocations are counted before they are made; and
 * variables are collected, to be disposed of after a failure.
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
      // Only the topology, because a `weightsManifest` would be fetched.
      pending = tf.models.modelFromJSON({ modelTopology: topology } as ModelConfig);
    } finally {
      layer.addWeight = addWeight;
    }
    return { model: await pending, made };
  } catch (cause) {
    for (const variable of made) variable.dispose();
    const advice = isNameTaken(cause)
      ? `another copy of TensorFlow.js in this program has layers of the same names: dispose of them, or ${oneCopyAdvice}`
      : 'register custom layers, or save the model again';
    throw invalid(name, 'layers that can be built', messageOf(cause), advice, cause);
  }
}

/** The model's weights by saved name. Throws `ArtifactError` unless names, shapes and dtypes match the saved ones. */
function matchWeights(
  model: tf.LayersModel,
  specs: readonly Spec[],
  name: string,
): Map<string, tf.LayerVariable> {
  if (model.inputs.length === 0) throw invalid(name, 'layers', 'none');
  const weights = new Map(model.weights.map((weight) => [weight.originalName, weight]));
  if (weights.size < model.weights.length) {
    throw invalid(name, 'distinct names of weights', 'duplicates');
  }
  const saved = new Map(specs.map((spec) => [spec.name, spec]));
  for (const key of saved.keys()) {
    if (!weights.has(key)) throw invalid(name, `a layer for the saved weight ${key}`, 'none');
  }
  for (const [key, weight] of weights) {
    const spec = saved.get(key);
    if (spec === undefined) throw invalid(name, `the weight ${key} of the layers`, 'none');
    const inLayers = `${weight.dtype} ${JSON.stringify(weight.shape)}`;
    const inFile = `${spec.dtype} ${JSON.stringify(spec.shape)}`;
    if (inLayers !== inFile) {
      throw invalid(`${name}: weight ${key}`, `${inLayers}, as in the layers`, inFile);
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
    // `LayerVariable.write` would apply the layer's constraint again, which may change the last bits.
    const variable = weights.get(name)!.read() as tf.Variable;
    variable.assign(tf.tensor(numbers, shape, dtype));
  }
}

/** Validates a topology: plain JSON, registered classes only, and graphs of layers that can be built. */
function checkTopology(modelTopology: unknown, name: string): JsonObject {
  const where = `${name}: modelTopology`;
  const topology = asObject(encodeJson(modelTopology ?? null, where, false), where);
  checkNode(topology, where);
  return topology;
}

function checkNode(value: Json, where: string): void {
  if (value === null || typeof value !== 'object') return;
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) checkNode(item, `${where}[${i}]`);
    return;
  }
  const node = camelKeys(value as JsonObject);
  if (typeof node.className === 'string' && Object.hasOwn(node, 'config')) {
    const className = camel(node.className);
    const { classNameMap } = tf.serialization.SerializationMap.getMap();
    if (!Object.hasOwn(classNameMap, className)) {
      const advice = 'call tf.serialization.registerClass for it first';
      throw invalid(where, 'a registered class', show(className), advice);
    }
    if (isA(className, tf.LayersModel) && !isA(className, tf.Sequential)) {
      const { layers } = camelKeys(asObject(node.config, `${where}.config`));
      checkGraph(asList(layers, `${where}.config.layers`), `${where}.config.layers`);
    }
  }
  for (const [key, item] of Object.entries(node)) checkNode(item, `${where}.${key}`);
}

/**
 * Throws `ArtifactError` unless the layers of a functional model can be called in some order. TensorFlow.js tries in passes
 * until all calls are made, and would loop forever for cyclic or missing inputs.
 */
function checkGraph(layers: readonly Json[], where: string): void {
  const outputs = new Map<string, number>();
  let waiting: { name: string; inputs: readonly Json[] }[] = [];
  for (const [i, item] of layers.entries()) {
    const at = `${where}[${i}]`;
    const layer = camelKeys(asObject(item, at));
    const name = asString(layer.name, `${at}.name`);
    const inner = asObject(layer.config, `${at}.config`).name;
    if (inner !== name) throw invalid(`${at}.name`, `${show(inner)}, as in its config`, show(name));
    if (outputs.has(name)) throw invalid(`${at}.name`, 'distinct names', `${show(name)} twice`);
    // Input layers and nested models have an output before they are called.
    const className = camel(asString(layer.className, `${at}.class_name`));
    outputs.set(name, className === 'InputLayer' || isA(className, tf.LayersModel) ? 1 : 0);
    for (const call of asList(layer.inboundNodes, `${at}.inbound_nodes`)) {
      const inputs = asList(call, `${at}.inbound_nodes`);
      if (inputs.length > 0) waiting.push({ name, inputs });
    }
  }
  while (waiting.length > 0) {
    const still = waiting.filter(({ name, inputs }) => {
      const ready = inputs.every((input) => {
        const [from, index] = asList(input, where);
        return typeof index === 'number' && index < (outputs.get(String(from)) ?? 0);
      });
      if (ready) outputs.set(name, outputs.get(name)! + 1);
      return !ready;
    });
    if (still.length === waiting.length) {
      const names = [...new Set(still.map(({ name }) => name))].join(', ');
      throw invalid(where, 'inputs that exist and form no cycle', `${show(names)} without`);
    }
    waiting = still;
  }
}

function isA(className: string, model: typeof tf.LayersModel): boolean {
  const registered = tf.serialization.SerializationMap.getMap().classNameMap[className]?.[0];
  return registered === model || registered?.prototype instanceof model;
}

/** The keys as TensorFlow.js reads them: `class_name`, `class__name` and `className` are the same to it. */
function camelKeys(node: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(node).map(([key, item]) => [camel(key), item]));
}

function camel(text: string): string {
  return text.replace(/_+(\w|$)/g, (_, letter: string) => letter.toUpperCase());
}
