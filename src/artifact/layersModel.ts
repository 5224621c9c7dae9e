/** A `tf.LayersModel` <-> its artifacts, checked so that what was saved loads, and what is hostile does no harm. */

import { isNameTaken, oneCopyAdvice } from '../backend/copies.js';
import { ArtifactError } from '../core/errors.js';
import * as tf from '../core/tf.js';
import {
  asList,
  asObject,
  asString,
  encodeJson,
  type Json,
  type JsonObject,
  messageOf,
  show,
} from './json.js';
import { weightBytes } from './modelFiles.js';

type Spec = tf.io.WeightsManifestEntry;

/**
 * Topology and weights of a built network, Sequential or functional, as `model.save` gives them. A network that
 * could not be loaded again (a layer class that is not registered, two weights of one name, no layers at all) is an
 * `ArtifactError`, in which `name` stands for the network.
 */
export async function networkArtifacts(
  model: tf.LayersModel,
  name = 'network',
): Promise<tf.io.ModelArtifacts> {
  if (model.inputs.length === 0) throw new ArtifactError(`${name}: the network has no layers yet`);
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  if (saved === undefined) throw new ArtifactError(`${name}: TensorFlow.js gave nothing to save`);
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
  const wanted = weightBytes(weightSpecs, name);
  if (values.byteLength !== wanted) {
    throw new ArtifactError(`${name}: the weights fill ${wanted} bytes, there are ${values.byteLength}`);
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
 * Builds the layers with zeros for weights. `modelFromJSON` does its work before it first waits, so `addWeight`
 * stands replaced during that one call only: initializers that would be overwritten are left out, every
 * allocation is counted before it is made, and every variable is known in case of failure.
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
  if (model.inputs.length === 0) throw new ArtifactError(`${name}: the network has no layers`);
  const weights = new Map(model.weights.map((weight) => [weight.originalName, weight]));
  if (weights.size < model.weights.length) throw new ArtifactError(`${name}: two weights share one name`);
  const saved = new Map(specs.map((spec) => [spec.name, spec]));
  for (const wanted of saved.keys()) {
    if (!weights.has(wanted)) throw new ArtifactError(`${name}: no layer has the saved weight ${wanted}`);
  }
  for (const [wanted, weight] of weights) {
    const spec = saved.get(wanted);
    if (spec === undefined) {
      throw new ArtifactError(`${name}: the weight ${wanted} of the layers is not saved`);
    }
    const inLayers = `${weight.dtype} ${JSON.stringify(weight.shape)}`;
    const inFile = `${spec.dtype} ${JSON.stringify(spec.shape)}`;
    if (inLayers !== inFile) {
      throw new ArtifactError(
        `${name}: the weight ${wanted} is ${inLayers} in the layers, ${inFile} as saved`,
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

/** The topology as plain JSON whose classes are all registered here and whose graphs of layers can be walked. */
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
      const help = 'call tf.serialization.registerClass for it first';
      throw new ArtifactError(`${where}: the class ${show(className)} is not known here; ${help}`);
    }
    if (isA(className, tf.LayersModel) && !isA(className, tf.Sequential)) {
      const { layers } = camelKeys(asObject(node.config, `${where}.config`));
      checkGraph(asList(layers, `${where}.config.layers`), `${where}.config.layers`);
    }
  }
  for (const [key, item] of Object.entries(node)) checkNode(item, `${where}.${key}`);
}

/**
 * Whether every call of a functional model's layers can be made in some order. TensorFlow.js tries in passes
 * until all calls are made, and so would never end where layers wait for each other or for one that is not there.
 */
function checkGraph(layers: readonly Json[], where: string): void {
  const outputs = new Map<string, number>();
  let waiting: { name: string; inputs: readonly Json[] }[] = [];
  for (const [i, item] of layers.entries()) {
    const at = `${where}[${i}]`;
    const layer = camelKeys(asObject(item, at));
    const name = asString(layer.name, `${at}.name`);
    const inner = asObject(layer.config, `${at}.config`).name;
    if (inner !== name) {
      throw new ArtifactError(`${at}.name: ${show(name)}, but ${show(inner)} in its config`);
    }
    if (outputs.has(name)) throw new ArtifactError(`${at}.name: ${show(name)} is there twice`);
    // Input layers and whole models have an output before anything calls them.
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
      throw new ArtifactError(`${where}: ${show(names)} waits for layers that are not there or wait for it`);
    }
    waiting = still;
  }
}

function isA(className: string, model: typeof tf.LayersModel): boolean {
  const registered = tf.serialization.SerializationMap.getMap().classNameMap[className]?.[0];
  return registered === model || registered?.prototype instanceof model;
}

/** The keys as TensorFlow.js will see them: `class_name`, `class__name` and `className` are one to it. */
function camelKeys(node: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(node).map(([key, item]) => [camel(key), item]));
}

function camel(text: string): string {
  return text.replace(/_+(\w|$)/g, (_, letter: string) => letter.toUpperCase());
}
