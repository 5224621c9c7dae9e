/** Encoder and decoder of a first fit. */

import { OptionError } from '../../core/errors.js';
import type * as tf from '../../core/tf.js';
import type { Network, Random } from '../../core/types.js';
import { encoderInput } from '../../fit/networks.js';
import type { FitNetworks } from '../../fit/records.js';
import { networkOf, rowSize } from '../../networks/network.js';
import { decoderParts, type Likelihood, variationalDecoder } from '../../networks/variational/decoder.js';
import { variationalEncoder, variationalParts } from '../../networks/variational/encoder.js';
import type { RowStatistics } from '../../networks/variational/standardization.js';
import type { RunnableVAEOptions } from './logdir.js';
import { defaultWidths } from './widths.js';

/** What the networks are for. */
interface Rows {
  readonly rowShape: readonly number[];
  readonly likelihood: Likelihood;
  readonly statistics: RowStatistics | undefined;
}

/**
 * Builds encoder and decoder. Throws `OptionError` for a network of the user that does not fit the latent space, and
 * `DataError` for rows that do not fit the encoder.
 */
export function makeNetworks(options: RunnableVAEOptions, rows: Rows, random: Random): FitNetworks {
  const { dimLatent, encoder, decoder, cellsEncoder, initializer, dropoutKeepProb } = options;
  const { likelihood, statistics } = rows;
  const inputShape = encoderInput(options, rows.rowShape);
  if (encoder) networkOf(encoder, 'encoder', false);
  if (decoder) checkDecoder(decoder, dimLatent, rowSize(inputShape));
  const widths = cellsEncoder ?? defaultWidths(rowSize(inputShape), dimLatent);
  const shared = { dimensions: dimLatent, initializer, dropout: 1 - dropoutKeepProb };
  const encoderModel = variationalEncoder({
    ...{ ...shared, inputShape, flowLength: options.iafFlowLength, standardization: statistics },
    ...{ trunk: encoder ?? widths, random: random.fork('encoder'), name: 'encoder' },
  });
  const decoderModel = variationalDecoder({
    ...{ ...shared, outputShape: inputShape, likelihood, standardization: statistics },
    ...{ trunk: decoder ?? [...widths].reverse(), random: random.fork('decoder'), name: 'decoder' },
  });
  return {
    encoder: sparing(encoderModel, 'encoder', (model) =>
      variationalParts(model).dispose([encoder ?? undefined]),
    ),
    decoder: sparing(decoderModel, 'decoder', (model) => decoderParts(model).dispose([decoder ?? undefined])),
    classifier: undefined,
  };
}

/** A network whose `dispose` spares the weights of a model of the user within it. */
function sparing(model: tf.LayersModel, name: string, dispose: (model: tf.LayersModel) => void): Network {
  let disposed = false;
  return {
    ...networkOf(model, name, true),
    dispose() {
      if (!disposed) dispose(model);
      disposed = true;
    },
  };
}

function checkDecoder(decoder: tf.LayersModel, inputs: number, outputs: number): void {
  const { inputShape, outputShape } = networkOf(decoder, 'decoder', false);
  const found = [rowSize(inputShape), rowSize(outputShape)];
  if (found[0] === inputs && found[1] === outputs) return;
  throw new OptionError(
    `decoder: expected a model from ${inputs} values (dimLatent) to ${outputs} (a row), got one from ${found[0]} to ${found[1]}; ` +
      "change the model's input or output shape",
  );
}
