/** The networks of a Parametric UMAP fit: made, checked against the data, or taken on from an earlier fit. */

import { DataError, OptionError } from '../../core/errors.js';
import type { LayersModel } from '../../core/tf.js';
import type { Network, Random } from '../../core/types.js';
import type { Classes } from '../../data/targets.js';
import { DEFAULT_HIDDEN, mlp } from '../../networks/mlp.js';
import { checkAlive, networkOf, rowSize } from '../../networks/network.js';
import type { ParametricUMAPOptions } from './options.js';

export interface FitNetworks {
  readonly encoder: Network;
  readonly decoder: Network | undefined;
  readonly classifier: Network | undefined;
}

/** What each network must take and give, and who made it. */
interface Wanted {
  readonly name: 'encoder' | 'decoder' | 'classifier';
  readonly given: LayersModel | null;
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  readonly hidden?: readonly number[];
}

/**
 * Networks for rows of `rowShape`, earlier ones first. Throws `OptionError` for a network of the caller's that
 * does not fit the map or the classes, and `DataError` for rows that do not fit the encoder. The default encoder begins with
 * layers of `bendingUnits`, if there are any.
 */
export function fitNetworks(
  options: ParametricUMAPOptions,
  rowShape: readonly number[],
  classes: Classes | undefined,
  earlier: FitNetworks | undefined,
  random: Random,
  bendingUnits: readonly number[] = [],
): FitNetworks {
  const { nComponents, parametricReconstruction, classifier } = options;
  for (const name of ['encoder', 'decoder', 'classifier'] as const) {
    if (earlier?.[name]) checkAlive(earlier[name].model, name);
  }
  const place = [nComponents];
  const given = options.encoder && networkOf(options.encoder, 'encoder', false);
  const inputShape = options.dims ?? given?.inputShape ?? rowShape;
  const size = rowSize(rowShape);
  if (rowSize(inputShape) !== size) {
    throw new DataError(
      `fit: rows of ${rowSize(inputShape)} values wanted (the encoder takes [${inputShape.join(', ')}]), ` +
        `got rows of ${size} (shape [${rowShape.join(', ')}]); reshape the rows or set dims`,
    );
  }
  const made: Network[] = [];
  const make = (wanted: Wanted) => {
    const network = makeNetwork(wanted, random);
    made.push(network);
    return network;
  };
  try {
    const encoder =
      earlier?.encoder ??
      make({
        ...{ name: 'encoder', given: options.encoder, inputShape, outputShape: place },
        ...(bendingUnits.length > 0 && { hidden: [...bendingUnits, ...DEFAULT_HIDDEN] }),
      });
    const decoder =
      earlier?.decoder ??
      (parametricReconstruction
        ? make({ name: 'decoder', given: options.decoder, inputShape: place, outputShape: inputShape })
        : undefined);
    const model = typeof classifier === 'boolean' ? null : classifier;
    const head =
      classifier === false
        ? undefined
        : (earlier?.classifier ?? make(classifierFor(model, place, classes?.names.length ?? 0)));
    if (head && classes && rowSize(head.outputShape) !== classes.names.length) {
      throw new DataError(
        `fit: labels of ${rowSize(head.outputShape)} classes wanted (the classifier's outputs), got ${classes.names.length}`,
      );
    }
    checkTrainable([encoder, decoder, head]);
    return { encoder, decoder, classifier: head };
  } catch (error) {
    for (const network of made) network.dispose();
    throw error;
  }
}

/** A frozen encoder may stand in front of a decoder or classifier that learns, but something must. */
function checkTrainable(networks: readonly (Network | undefined)[]): void {
  if (networks.some((network) => network !== undefined && network.variables().length > 0)) return;
  throw new OptionError(
    'encoder: a model with trainable weights expected, got one with none (frozen by trainable = false, or without ' +
      'weights); set trainable = true on its layers before fit',
  );
}

function classifierFor(given: LayersModel | null, inputShape: readonly number[], classes: number): Wanted {
  if (classes < 2) {
    throw new DataError(`fit: a classifier wants y with labels of at least 2 classes; got ${classes}`);
  }
  return { name: 'classifier', given, inputShape, outputShape: [classes], hidden: [100] };
}

function makeNetwork({ name, given, inputShape, outputShape, hidden }: Wanted, random: Random): Network {
  if (!given) {
    return networkOf(mlp({ inputShape, outputShape, hidden, random: random.fork(name), name }), name, true);
  }
  const network = networkOf(given, name, false);
  check(name, 'input', network.inputShape, inputShape);
  check(name, 'output', network.outputShape, outputShape);
  return network;
}

/** A shape of the same size is as good: rows are reshaped. */
function check(name: string, end: string, found: readonly number[], wanted: readonly number[]): void {
  if (rowSize(found) === rowSize(wanted)) return;
  throw new OptionError(
    `${name}: ${end} of ${rowSize(wanted)} values wanted (shape [${wanted.join(', ')}]), ` +
      `got ${rowSize(found)} (shape [${found.join(', ')}])`,
  );
}
