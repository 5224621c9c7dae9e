/** Checks of the topology in a saved `model.json`. */

import { ArtifactError } from '../core/errors.js';
import * as tf from '../core/tf.js';
import { asList, asObject, asString, encodeJson, type Json, type JsonObject, show } from './json.js';

/** The topology as plain JSON whose classes are all registered here and whose graphs of layers can be walked. */
export function checkTopology(modelTopology: unknown, name: string): JsonObject {
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
      throw new ArtifactError(`${where}: expected a registered class, got ${show(className)}; ${help}`);
    }
    if (isA(className, tf.LayersModel) && !isA(className, tf.Sequential)) {
      const { layers } = camelKeys(asObject(node.config, `${where}.config`));
      checkGraph(asList(layers, `${where}.config.layers`), `${where}.config.layers`);
    }
  }
  for (const [key, item] of Object.entries(node)) checkNode(item, `${where}.${key}`);
}

/**
 * Throws where the layers of a functional model cannot be called in any order. TensorFlow.js tries in passes until all
 * calls are made, and so would never end where layers wait for each other or for one that does not exist.
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
      throw new ArtifactError(`${at}.name: expected ${show(inner)}, as in its config, got ${show(name)}`);
    }
    if (outputs.has(name))
      throw new ArtifactError(`${at}.name: expected each name once, got ${show(name)} twice`);
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
      throw new ArtifactError(
        `${where}: expected an order in which all layers can be called, got none for ${show(names)}`,
      );
    }
    waiting = still;
  }
}

function isA(className: string, model: typeof tf.LayersModel): boolean {
  const registered = tf.serialization.SerializationMap.getMap().classNameMap[className]?.[0];
  return registered === model || registered?.prototype instanceof model;
}

/** The keys as TensorFlow.js reads them: `class_name`, `class__name` and `className` are the same key. */
function camelKeys(node: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(node).map(([key, item]) => [camel(key), item]));
}

function camel(text: string): string {
  return text.replace(/_+(\w|$)/g, (_, letter: string) => letter.toUpperCase());
}
