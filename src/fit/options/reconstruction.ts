/** Options of the decoder and its loss, and conditions between them. */

import { OptionError } from '../../core/errors.js';
import type { OptionRows } from '../../core/options.js';
import { callable, flag, number, object, orNull } from '../../core/rules.js';
import type { LayersModel } from '../../core/tf.js';
import type { MatrixInput } from '../../data/matrix.js';
import type { ReconstructionLoss } from '../../losses/reconstruction.js';
import { layersModel } from './layersModel.js';

export interface ReconstructionOptions {
  /** Trains a decoder too, so that `inverseTransform` gives rows for positions in the embedding. Default false. */
  parametricReconstruction: boolean;
  /** Decoder to train: `nComponents` in, one row out; `dispose` does not free it. Default null: three dense layers of 100. */
  decoder: LayersModel | null;
  /**
   * Loss of (rows, reconstructions). Default null: binary cross-entropy on logits for data in [0, 1], else the mean squared
   * error divided by the variance of the data. A user-supplied function must return 32-bit floats, a scalar or a value per
   * row, computed from the reconstructions (else `OptionError`); `inverseTransform` then returns the decoder's output
   * unchanged.
   */
  parametricReconstructionLossFn: ReconstructionLoss | null;
  /** Weight of the reconstruction loss. Default 1, at least 0. */
  parametricReconstructionLossWeight: number;
  /** Whether the reconstruction loss also trains the encoder. Default false. */
  autoencoderLoss: boolean;
  /**
   * Held-out rows: `valLoss` (reconstruction alone) and the main loss on them are added to the history. The latter is called
   * by its name: `valUmap`, or `valInfonce` and so on with `ContrastiveEmbedding`. Default null.
   */
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
    help: 'held-out rows, for `valLoss` and the main loss on them, such as `valUmap`',
  },
};

const actOnlyWithDecoder = [
  'decoder',
  'parametricReconstructionLossFn',
  'autoencoderLoss',
  'reconstructionValidation',
] as const;

/** Throws `OptionError` for an option of the decoder where none is trained. */
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
