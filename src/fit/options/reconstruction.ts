/** Options of the decoder and its loss, and what they have to do with each other. */

import { OptionError } from '../../core/errors.js';
import type { OptionRows } from '../../core/options.js';
import { callable, flag, number, object, orNull } from '../../core/rules.js';
import type { LayersModel } from '../../core/tf.js';
import type { MatrixInput } from '../../data/matrix.js';
import type { ReconstructionLoss } from '../../losses/reconstruction.js';
import { layersModel } from './layersModel.js';

export interface ReconstructionOptions {
  /** Trains a decoder too, so that `inverseTransform` gives rows for places on the map. Default false. */
  parametricReconstruction: boolean;
  /** Decoder to train, `nComponents` in, one row out; stays the caller's. Default null: three dense layers of 100. */
  decoder: LayersModel | null;
  /**
   * Loss of (rows, reconstructions). Default null: binary cross-entropy on logits when the data lie in [0, 1],
   * else the mean squared error in units of the data's variance. With a function of the caller's,
   * `inverseTransform` returns the decoder's output as it is. It must return a tensor of 32-bit floats, a scalar or a
   * value a row, computed from the reconstructions (else `OptionError`).
   */
  parametricReconstructionLossFn: ReconstructionLoss | null;
  /** Weight of the reconstruction loss. Default 1. */
  parametricReconstructionLossWeight: number;
  /** Lets the reconstruction loss teach the encoder as well. Default false. */
  autoencoderLoss: boolean;
  /** Held-out rows: `valLoss` (reconstruction alone) and `valUmap` join the history. Default null. */
  reconstructionValidation: MatrixInput | null;
}

export const reconstructionRows: OptionRows<ReconstructionOptions> = {
  parametricReconstruction: {
    default: false,
    rule: flag,
    help: 'trains a decoder, for `inverseTransform`',
  },
  decoder: {
    default: null,
    rule: orNull(layersModel),
    help: 'your own network; null: three dense layers of 100',
  },
  parametricReconstructionLossFn: {
    default: null,
    rule: orNull(callable),
    help: '(rows, reconstructions) -> loss; null: by the data',
  },
  parametricReconstructionLossWeight: {
    default: 1,
    rule: number(0),
    help: 'weight of the reconstruction loss',
  },
  autoencoderLoss: {
    default: false,
    rule: flag,
    help: 'the reconstruction loss also trains the encoder',
  },
  reconstructionValidation: {
    default: null,
    rule: orNull(object()),
    help: 'held-out rows, for `valLoss` and `valUmap`',
  },
};

const actOnlyWithDecoder = [
  'decoder',
  'parametricReconstructionLossFn',
  'autoencoderLoss',
  'reconstructionValidation',
] as const;

/** Throws `OptionError` for an option that acts on a decoder when none is trained. */
export function checkReconstruction(caller: string, options: ReconstructionOptions): void {
  if (options.parametricReconstruction) return;
  for (const name of actOnlyWithDecoder) {
    if (!options[name]) continue;
    throw new OptionError(
      `${caller}: ${name}: expected parametricReconstruction: true, without which it does not act, got false; ` +
        `set it, or leave ${name} out`,
    );
  }
}
