/** Options of the encoder: width of its output, first layout, the network itself. */

import type { OptionRows } from '../../core/options.js';
import { choice, either, integer, listOf, object, orNull } from '../../core/rules.js';
import type { LayersModel } from '../../core/tf.js';
import type { MatrixInput } from '../../data/matrix.js';
import { layersModel } from './layersModel.js';

export interface NetworkOptions {
  /** Dimensions of the map. Default 2, from 1 to 100. */
  nComponents: number;
  /**
   * First layout, which 60 epochs of UMAP without a network refine and which the encoder is then roughly trained on, before
   * the actual training: `'spectral'` (of the graph), `'pca'`, user-supplied positions (one per row), or `'random'` for no
   * first layout. Used by the first fit only. Default `'spectral'`.
   */
  init: 'spectral' | 'pca' | 'random' | MatrixInput;
  /** Encoder to train: one row in, `nComponents` out; `dispose` does not free it. Default null: three dense layers of 100. */
  encoder: LayersModel | null;
  /** Shape of one row for the encoder, such as `[28, 28, 1]`; flat rows are reshaped. Default null: as in X. */
  dims: readonly number[] | null;
}

export const networkRows: OptionRows<NetworkOptions> = {
  nComponents: {
    default: 2,
    rule: integer(1, 100),
    help: 'dimensions of the map, 1 to 100',
  },
  init: {
    default: 'spectral',
    rule: either(choice('spectral', 'pca', 'random'), object()),
    help: "layout that 60 epochs of UMAP without a network refine, and that the encoder starts from; also `'pca'`, a position per row, or `'random'` for none",
  },
  encoder: {
    default: null,
    rule: orNull(layersModel),
    help: 'your own network; null: three dense layers of 100',
  },
  dims: {
    default: null,
    rule: orNull(listOf(integer(1))),
    help: 'shape of one row for the encoder; null: as in the rows',
  },
};
