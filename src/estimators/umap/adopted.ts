/** Parametric UMAP around networks that were trained elsewhere. */

import { OptionError } from '../../core/errors.js';
import type { LayersModel } from '../../core/tf.js';
import { optimizerOf } from '../../fit/prepare.js';
import { networkOf } from '../../networks/network.js';
import type { GivenUMAPOptions, ParametricUMAPOptions } from './options.js';
import { curveOf, type UmapLearned } from './prepare.js';

/** The options that belong to an encoder from elsewhere. Throws `OptionError` for those that contradict it. */
export function adoptingOptions(encoder: LayersModel, options: GivenUMAPOptions): GivenUMAPOptions {
  const { outputShape } = networkOf(encoder, 'encoder', false);
  const refuse = (name: string, expected: string, got: unknown): never => {
    throw new OptionError(
      `fromLayersModel: ${name}: expected ${expected}, got ${String(got)}; leave it out, or make a new estimator and fit it`,
    );
  };
  const [nComponents] = outputShape;
  if (outputShape.length !== 1) refuse('encoder', 'an output of one axis', `[${outputShape.join(', ')}]`);
  if (options.encoder) refuse('options.encoder', 'nothing, for the encoder comes first', 'a model');
  if (options.parametricEmbedding === false) refuse('parametricEmbedding', 'true', false);
  if (options.nComponents !== undefined && options.nComponents !== nComponents) {
    refuse('nComponents', `${nComponents}, as the encoder gives`, options.nComponents);
  }
  const decoding = options.decoder ? { parametricReconstruction: true } : {};
  return { ...decoding, ...options, encoder, nComponents };
}

/** The state of a fit whose networks are those of the options. Throws `OptionError` for a decoder that does not fit the encoder. */
export function adopted(options: Readonly<ParametricUMAPOptions>): UmapLearned {
  const encoder = networkOf(options.encoder!, 'encoder', false);
  const decoder = options.decoder ? networkOf(options.decoder, 'decoder', false) : undefined;
  const rowShape = encoder.inputShape;
  const shapes = (network: { inputShape: readonly number[]; outputShape: readonly number[] }) =>
    `[${network.inputShape.join(', ')}] to [${network.outputShape.join(', ')}]`;
  const expected = { inputShape: encoder.outputShape, outputShape: rowShape };
  if (decoder && shapes(decoder) !== shapes(expected)) {
    throw new OptionError(
      `fromLayersModel: decoder: expected a model from ${shapes(expected)}, got one from ${shapes(decoder)}; give the decoder of this encoder`,
    );
  }
  return {
    ...{ encoder, decoder, classifier: undefined, reconstruction: undefined, classNames: [] },
    ...{
      projection: undefined,
      optimizer: optimizerOf(options),
      history: {},
      rowShape,
      frame: undefined,
      fits: 0,
    },
    curve: curveOf(options),
    edges: undefined,
  };
}
