/**
 * The decoder of a variational autoencoder as one model from latent points to rows. Its last layer leads from what training
 * compares, standardized rows or logits, to data space.
 */

import * as tf from '../../core/tf.js';
import type { Network, Trainable } from '../../core/types.js';
import { networkOf, rowSize } from '../network.js';
import { chainModel, disposeWeights, layersBefore } from './chain.js';
import { type DenseOptions, dense, denseStack } from './dense.js';
import { type RowStatistics, Standardization } from './standardization.js';

/**
 * Distribution of a row, given its latent point. `gaussian`: unit variance in standardized space. `learnedGaussian`: one learned
 * variance for each value of a row. `bernoulli`: each value is a probability.
 */
export type Likelihood = 'gaussian' | 'learnedGaussian' | 'bernoulli';

/** Options of `variationalDecoder`. */
export interface VariationalDecoderOptions extends DenseOptions {
  readonly dimensions: number;
  readonly outputShape: readonly number[];
  /** Units of the dense layers, in the order of the decoder; or a model of the user, to standardized rows or logits. */
  readonly trunk: readonly number[] | tf.LayersModel;
  readonly likelihood: Likelihood;
  /** Statistics that lead back to data space. Default: the rows are compared as they are. */
  readonly standardization?: RowStatistics | undefined;
}

/** Builds the model. Find its parts by `decoderParts`. */
export function variationalDecoder(options: VariationalDecoderOptions): tf.LayersModel {
  const { dimensions, outputShape, trunk, likelihood, standardization, name } = options;
  const inputs = tf.input({ shape: [dimensions], name: `${name}_input` });
  let x: tf.SymbolicTensor;
  if (Array.isArray(trunk)) {
    x = denseStack(inputs, trunk, options);
    x = dense(x, rowSize(outputShape), 'linear', options, `${name}_output`);
    if (outputShape.length > 1) {
      const reshape = tf.layers.reshape({ targetShape: [...outputShape], name: `${name}_reshape` });
      x = reshape.apply(x) as tf.SymbolicTensor;
    }
  } else {
    x = (trunk as tf.LayersModel).apply(inputs) as tf.SymbolicTensor;
  }
  if (likelihood === 'bernoulli') {
    const sigmoid = tf.layers.activation({ activation: 'sigmoid', name: `${name}${PROBABILITIES}` });
    x = sigmoid.apply(x) as tf.SymbolicTensor;
  } else if (likelihood === 'learnedGaussian' || standardization) {
    const variance = likelihood === 'learnedGaussian';
    const back = new Standardization({ inverse: true, variance, name: `${name}_rows` });
    x = back.apply(x) as tf.SymbolicTensor;
    if (standardization) back.setStatistics(standardization);
  }
  return tf.model({ inputs, outputs: x, name });
}

/** End of the name of the layer that makes probabilities of logits. */
const PROBABILITIES = '_probabilities';

/** The parts of a model that `variationalDecoder` has built. They share its weights. */
export interface DecoderParts {
  /** From latent points to standardized rows, or to logits. */
  readonly core: Network;
  /** The learned log-variance of each value of a standardized row; undefined without one. */
  readonly logVariance: VarianceParameter | undefined;
  /** The layer that leads to data space; undefined without standardization. */
  readonly standardization: Standardization | undefined;
  /** Disposes of all weights, except those of the models in `spared`, such as the decoder of a user. */
  dispose(spared?: readonly (tf.LayersModel | undefined)[]): void;
}

/** Learned log-variances. */
export interface VarianceParameter extends Trainable {
  readonly variable: tf.Variable;
}

/** Finds the parts of a built or loaded model. */
export function decoderParts(model: tf.LayersModel): DecoderParts {
  const layers = layersBefore(model.outputs[0]!);
  const last = layers.at(-1);
  const standardization = last instanceof Standardization && last.inverse ? last : undefined;
  const cut = standardization !== undefined || last?.name.endsWith(PROBABILITIES);
  const core = chainModel(
    cut ? layers.slice(0, -1) : layers,
    model.inputs[0]!.shape.slice(1) as number[],
    `${model.name}_core`,
  );
  const variable = standardization?.logVariance;
  return {
    core: networkOf(core, model.name, true),
    logVariance: variable && {
      variable,
      variables: () => [variable],
      weights: () => [variable],
      dispose: () => {
        if (!variable.isDisposed) variable.dispose();
      },
    },
    standardization,
    dispose: (spared) => disposeWeights(model, spared),
  };
}
