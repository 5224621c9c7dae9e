/** Names of weights that say where they are in a network, and are the same in every process. */
import type { Variable } from '../core/tf.js';

/** A weight, and its name. */
export interface NamedVariable {
  readonly name: string;
  readonly variable: Variable;
}

/**
 * Names variables `network/layer/weight`. TensorFlow.js numbers its own names over all models of a process (`dense_Dense7/kernel_2`);
 * here layers without a name of their own are numbered by their place among those of their type: `dense1`.
 */
export function namedVariables(network: string, variables: readonly Variable[]): NamedVariable[] {
  const layers = new Map<string, string>();
  const layersOfType = new Map<string, number>();
  const used = new Map<string, number>();
  return variables.map((variable) => {
    const path = variable.name.split('/');
    const weight = path.pop()!.replace(/_\d+$/, '');
    const layer = path.join('/');
    if (!layers.has(layer)) {
      const type = layer.replace(/_[A-Z][A-Za-z0-9]*\d+$/, '');
      const place = (layersOfType.get(type) ?? 0) + 1;
      layersOfType.set(type, place);
      const own = layer.startsWith(`${network}_`) ? layer.slice(network.length + 1) : layer;
      layers.set(layer, type === layer ? own : `${type}${place}`);
    }
    const name = [network, layers.get(layer)!, weight].filter((part) => part !== '').join('/');
    const times = (used.get(name) ?? 0) + 1;
    used.set(name, times);
    return { name: times === 1 ? name : `${name}_${times}`, variable };
  });
}
