/** The networks of a fit: made, checked against the data, or taken over from an earlier fit. */

import { DataError, OptionError } from '../core/errors.js';
import type { LayersModel } from '../core/tf.js';
import type { Network, Random } from '../core/types.js';
import type { Classes } from '../data/targets.js';
import { DEFAULT_HIDDEN, mlp } from '../networks/mlp.js';
import { checkAlive, networkOf, rowSize } from '../networks/network.js';
import { pointTable } from '../networks/pointTable.js';
import type { FitOptions } from './options/fitOptions.js';
import type { FitNetworks } from './records.js';

/** What a network must take and give, and who made it. */
interface NetworkSpec {
  readonly name: 'encoder' | 'decoder' | 'classifier';
  /** User-supplied; null for a default network. */
  readonly given: LayersModel | null;
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  readonly hidden: readonly number[];
}

type NetworkChoice = Pick<
  FitOptions,
  'nComponents' | 'encoder' | 'dims' | 'parametricReconstruction' | 'decoder' | 'classifier'
>;

/** What default networks are made of. */
export interface NetworkParts {
  /** Units of the hidden layers. */
  readonly encoder: readonly number[];
  readonly decoder: readonly number[];
  /** Number of rows, if the encoder is a table with a point for each of them; it is then always a new one. */
  readonly points?: number | undefined;
}

/**
 * Networks for rows of `rowShape`; those of an earlier fit come first. `parts` are those of default networks. Throws
 * `OptionError` for a user-supplied network that does not fit the embedding or the classes, and `DataError` for rows that do not
 * fit the encoder.
 */
export function fitNetworks(
  options: NetworkChoice,
  rowShape: readonly number[],
  classes: Classes | undefined,
  earlier: FitNetworks | undefined,
  random: Random,
  parts: NetworkParts = { encoder: DEFAULT_HIDDEN, decoder: DEFAULT_HIDDEN },
): FitNetworks {
  for (const name of ['encoder', 'decoder', 'classifier'] as const) {
    if (earlier?.[name]) checkAlive(earlier[name].model, name);
  }
  const position = [options.nComponents];
  const inputShape = encoderInput(options, rowShape);
  const made: Network[] = [];
  const make = (spec: NetworkSpec) => {
    const network = makeNetwork(spec, random);
    made.push(network);
    return network;
  };
  const makeEncoder = () => {
    const { points, encoder: hidden } = parts;
    if (points === undefined) {
      return make({
        ...{ name: 'encoder', given: options.encoder, hidden },
        ...{ inputShape, outputShape: position },
      });
    }
    const table = pointTable(points, options.nComponents, 'encoder');
    made.push(table);
    return table;
  };
  try {
    const encoder = (parts.points === undefined && earlier?.encoder) || makeEncoder();
    const decoder =
      earlier?.decoder ??
      (options.parametricReconstruction
        ? make({
            ...{ name: 'decoder', given: options.decoder, hidden: parts.decoder },
            ...{ inputShape: position, outputShape: inputShape },
          })
        : undefined);
    const classifier =
      options.classifier === false
        ? undefined
        : (earlier?.classifier ?? make(classifierSpec(options.classifier, position, classes)));
    if (classifier && classes && rowSize(classifier.outputShape) !== classes.names.length) {
      throw new DataError(
        `fit: expected labels of ${rowSize(classifier.outputShape)} classes, one per output of the classifier, ` +
          `got ${classes.names.length}; use a new estimator for other classes`,
      );
    }
    checkTrainable([encoder, decoder, classifier]);
    return { encoder, decoder, classifier };
  } catch (error) {
    for (const network of made) network.dispose();
    throw error;
  }
}

/** Shape of a row for the encoder: as given, or as the encoder or the rows have it. */
export function encoderInput(
  { encoder, dims }: Pick<NetworkChoice, 'encoder' | 'dims'>,
  rowShape: readonly number[],
): readonly number[] {
  const given = encoder && networkOf(encoder, 'encoder', false);
  const inputShape = dims ?? given?.inputShape ?? rowShape;
  if (rowSize(inputShape) === rowSize(rowShape)) return inputShape;
  throw new DataError(
    `fit: expected rows of ${rowSize(inputShape)} values (the encoder takes [${inputShape.join(', ')}]), ` +
      `got rows of ${rowSize(rowShape)} (shape [${rowShape.join(', ')}]); reshape the rows or set dims`,
  );
}

/** A frozen encoder may stand in front of a decoder or classifier that learns, but something must. */
function checkTrainable(networks: readonly (Network | undefined)[]): void {
  if (networks.some((network) => network !== undefined && network.variables().length > 0)) return;
  throw new OptionError(
    'encoder: expected a model with trainable weights, got one with none (frozen by trainable = false, or without ' +
      'weights); set trainable = true on its layers before fit',
  );
}

function classifierSpec(
  given: LayersModel | true,
  inputShape: readonly number[],
  classes: Classes | undefined,
): NetworkSpec {
  const count = classes?.names.length ?? 0;
  if (count < 2) {
    throw new DataError(
      `fit: expected labels of at least 2 classes in y for a classifier, got ${count}; ` +
        'give labels, or leave classifier out',
    );
  }
  const model = given === true ? null : given;
  return { name: 'classifier', given: model, inputShape, outputShape: [count], hidden: [100] };
}

function makeNetwork({ name, given, inputShape, outputShape, hidden }: NetworkSpec, random: Random): Network {
  if (!given) {
    return networkOf(mlp({ inputShape, outputShape, hidden, random: random.fork(name), name }), name, true);
  }
  const network = networkOf(given, name, false);
  checkSize(name, 'input', network.inputShape, inputShape);
  checkSize(name, 'output', network.outputShape, outputShape);
  return network;
}

/** A shape of the same size is as good: rows are reshaped. */
function checkSize(name: string, end: string, found: readonly number[], expected: readonly number[]): void {
  if (rowSize(found) === rowSize(expected)) return;
  throw new OptionError(
    `${name}: expected an ${end} of ${rowSize(expected)} values (shape [${expected.join(', ')}]), ` +
      `got ${rowSize(found)} (shape [${found.join(', ')}]); change the model's ${end} shape`,
  );
}
