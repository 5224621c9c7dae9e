/**
 * The encoder of a variational autoencoder as one model from rows to latent points: standardization, trunk, Gaussian posterior,
 * flow. Applied, it gives the mean of the posterior, moved by the flow, so that the map is deterministic.
 */

import { OptionError } from '../../core/errors.js';
import * as tf from '../../core/tf.js';
import type { Network, Random, Trainable } from '../../core/types.js';
import { networkOf, rowSize } from '../network.js';
import { chainModel, disposeWeights, layerBefore, layersBefore } from './chain.js';
import { type DenseOptions, dense, denseStack, dropOut, setKernel } from './dense.js';
import { AutoregressiveFlow } from './flow.js';
import { type Moved, moveThrough } from './flowChain.js';
import { type Gaussian, GaussianPosterior } from './posterior.js';
import { type RowStatistics, Standardization } from './standardization.js';

/** Options of `variationalEncoder`. */
export interface VariationalEncoderOptions extends DenseOptions {
  readonly inputShape: readonly number[];
  /** Dimensions of the latent space. */
  readonly dimensions: number;
  /** Units of the dense layers, at least one; or a model of the user, whose weights are trained and not copied. */
  readonly trunk: readonly number[] | tf.LayersModel;
  /** Steps of the flow; 0 for a plain variational autoencoder. */
  readonly flowLength: number;
  /** Hidden units of each step, at least one for each dimension. Default: see `flowUnitsFor`. */
  readonly flowUnits?: number;
  /** Statistics of the rows, which a layer in front standardizes. Default: rows pass as they are. */
  readonly standardization?: RowStatistics | undefined;
}

/** Most units of each half of the layer before the posterior. */
const MOST_HALF = 64;

/** Scale of the first kernels at the end of a flow, so that new steps hardly depend on the row. */
const FLOW_GAIN = 0.1;

/** Builds the model. Find its parts by `variationalParts`. */
export function variationalEncoder(options: VariationalEncoderOptions): tf.LayersModel {
  const { inputShape, dimensions, trunk, flowLength, standardization, random, name, dropout } = options;
  const inputs = tf.input({ shape: [...inputShape], name: `${name}_input` });
  let x = inputs;
  let standardizing: Standardization | undefined;
  if (standardization) {
    standardizing = new Standardization({ name: `${name}_standardization` });
    x = standardizing.apply(x) as tf.SymbolicTensor;
    standardizing.setStatistics(standardization);
  }
  const h = isModel(trunk)
    ? flat(trunk.apply(x) as tf.SymbolicTensor, `${name}_features`)
    : denseStack(flat(x, `${name}_flatten`), trunk, options);
  const half = Math.min(h.shape.at(-1)!, MOST_HALF);
  let u = dense(h, 2 * half, 'relu', options, `${name}_head`);
  if (dropout > 0) u = dropOut(u, dropout, `${name}_head_dropout`);
  const posterior = new GaussianPosterior({ units: dimensions, name: `${name}_posterior` });
  let z = posterior.apply(u) as tf.SymbolicTensor;
  for (const i of [0, 2]) setKernel(posterior.weights[i]!, options.initializer, random);
  const hiddenUnits = options.flowUnits ?? flowUnitsFor(dimensions);
  for (let k = 0; k < flowLength; k++) {
    const flow = new AutoregressiveFlow({ hiddenUnits, name: `${name}_flow${k}` });
    z = flow.apply([h, z]) as tf.SymbolicTensor;
    const [context, point, , output] = flow.weights;
    for (const weight of [context!, point!]) setKernel(weight, options.initializer, random);
    setKernel(output!, options.initializer, random, FLOW_GAIN);
  }
  return tf.model({ inputs, outputs: z, name });
}

/**
 * Hidden units of a step: four for each dimension, at least 64, at most 160; but always one for each dimension. So a step of
 * training in 128 dimensions costs less than three times that in two.
 */
export function flowUnitsFor(dimensions: number): number {
  return Math.max(64, Math.min(4 * dimensions, 160), dimensions);
}

function isModel(trunk: VariationalEncoderOptions['trunk']): trunk is tf.LayersModel {
  return !Array.isArray(trunk);
}

/** Flattens rows of several axes. */
function flat(x: tf.SymbolicTensor, name: string): tf.SymbolicTensor {
  return x.rank === 2 ? x : (tf.layers.flatten({ name }).apply(x) as tf.SymbolicTensor);
}

/** The posterior of rows: what follows the trunk. */
export interface VariationalHead extends Trainable {
  /** Dimensions of the latent space. */
  readonly dimensions: number;
  /** Steps of the flow. */
  readonly flowLength: number;
  /** The Gaussian before the flow, for outputs of the trunk. With `random`, dropout as in training. */
  distribution(h: tf.Tensor, random?: Random): Gaussian;
  /** Moves points of that Gaussian by the flow. `logScale` is the logarithm of the Jacobian's determinant for each row. */
  transform(h: tf.Tensor, z0: tf.Tensor2D): Moved;
}

/** The parts of a model that `variationalEncoder` has built. They share its weights. */
export interface VariationalParts {
  /** From standardized rows to what the posterior is computed from. */
  readonly trunk: Network;
  readonly head: VariationalHead;
  /** The layer that standardizes rows; undefined without one. */
  readonly standardization: Standardization | undefined;
  /** Disposes of all weights, except those of the models in `spared`, such as the trunk of a user. */
  dispose(spared?: readonly (tf.LayersModel | undefined)[]): void;
}

/** Finds the parts of a built or loaded model. Throws `OptionError` for a model without a Gaussian posterior. */
export function variationalParts(model: tf.LayersModel): VariationalParts {
  const posterior = model.layers.find((layer) => layer instanceof GaussianPosterior);
  if (!posterior) {
    throw new OptionError(
      `${model.name}: expected a layer of class GaussianPosterior, got none; build the model by variationalEncoder`,
    );
  }
  let before = layerBefore(layerInput(posterior))!;
  const dropout = before.layer.getClassName() === 'Dropout' ? before.layer : undefined;
  if (dropout) before = layerBefore(before.input)!;
  const features = layersBefore(before.input);
  const standardization = features.find((layer) => layer instanceof Standardization);
  const trunk = chainModel(
    features.filter((layer) => layer !== standardization),
    model.inputs[0]!.shape.slice(1) as number[],
    `${model.name}_trunk`,
  );
  const flows = model.layers.filter((layer) => layer instanceof AutoregressiveFlow);
  return {
    trunk: networkOf(trunk, model.name, true),
    head: headOf(before.layer, (dropout?.getConfig().rate as number | undefined) ?? 0, posterior, flows),
    standardization,
    dispose: (spared) => disposeWeights(model, spared),
  };
}

/** The input of a layer where it was applied first. */
function layerInput({ inboundNodes }: tf.layers.Layer): tf.SymbolicTensor {
  return inboundNodes[0]!.inputTensors[0]!;
}

function headOf(
  hidden: tf.layers.Layer,
  rate: number,
  posterior: GaussianPosterior,
  flows: readonly AutoregressiveFlow[],
): VariationalHead {
  const all = [hidden, posterior, ...flows].flatMap(({ weights }) =>
    weights.map((weight) => weight.read() as tf.Variable),
  );
  const variables = () => [...all];
  return {
    dimensions: posterior.units,
    flowLength: flows.length,
    variables,
    weights: variables,
    distribution(h, random) {
      const u = hidden.apply(h) as tf.Tensor;
      return posterior.distribution(random && rate > 0 ? tf.mul(u, dropoutMask(u.shape, rate, random)) : u);
    },
    transform: (h, z0) => moveThrough(flows, h, z0),
    dispose() {
      for (const variable of all) if (!variable.isDisposed) variable.dispose();
    },
  };
}

/** 0 for a share `rate` of the units, else 1 / (1 - rate). */
function dropoutMask(shape: readonly number[], rate: number, random: Random): tf.Tensor {
  const kept = 1 / (1 - rate);
  // A number of 32 bits below this drops the unit.
  const below = rate * 2 ** 32;
  const mask = Float32Array.from({ length: rowSize(shape) }, () => (random.uint32() < below ? 0 : kept));
  return tf.tensor(mask, [...shape]);
}
