/** The interface of all estimators, and the life cycle of their fitted state. Estimators share functions, not a base class. */

import type { Artifact } from '../artifact/artifact.js';
import { NotFittedError, OptionError } from '../core/errors.js';
import type { LayersModel } from '../core/tf.js';
import type { Edges, Progress, RowFrame } from '../core/types.js';
import type { RowsInput, SameForm } from '../data/matrix.js';
import type { Targets } from '../data/targets.js';
import type { FitNetworks, Learned } from '../fit/records.js';

/** Options of methods that pass rows through a network. */
export interface TransformOptions {
  /**
   * Most rows that pass the network at once, at least 1; bounds memory. Default null: as many as take up to 32 MB in every
   * layer, and at most 1,024 on worker threads.
   */
  readonly batchSize?: number | null | undefined;
}

/** Options of `save` and `toArtifact`. */
export interface SaveOptions {
  /** Whether to save the neighbor graph too, usually the largest part. A loaded model without it has no `graph`. Default true. */
  readonly includeGraph?: boolean | undefined;
}

/**
 * The methods that all estimators have. `X` is rows in any form: arrays, typed arrays, `{ data, shape }`, tensors; what is
 * returned has the form of the input. Rows that do not fit into memory come from a source (`RowSource`): `fit` learns from a sample
 * of it, and the result of `transform` is a source too, which computes block by block as it is read. `Options` and `Inputs` are the estimator's own.
 *
 * A fit replaces the fitted state at its end, in one step, so that a fit that throws or is aborted leaves the estimator
 * unchanged. A later fit continues to train the same networks.
 */
export interface Estimator<Options extends object, Inputs extends object> {
  /** Complete, checked, frozen: an estimator made of them is equal to this one. */
  readonly options: Readonly<Options>;
  /** Losses by name, one value per report: `loss` is the weighted total. Grows over later fits. Throws `NotFittedError`. */
  readonly history: Readonly<Record<string, readonly number[]>>;
  /** The trained network from rows to the embedding. Throws `NotFittedError`. */
  readonly encoder: LayersModel;
  /** Shift and scale of rows that 32-bit floats cannot represent; undefined if the rows were used as they are. Throws `NotFittedError`. */
  readonly rowFrame: RowFrame | undefined;
  /** Learns the embedding of X. */
  fit(X: RowsInput, y?: Targets | null, inputs?: Inputs): Promise<this>;
  /** `fit`, then the embedding of the same rows. */
  fitTransform<X extends RowsInput>(X: X, y?: Targets | null, inputs?: Inputs): Promise<SameForm<X>>;
  /** `fit` as a stream: yields a `Progress` at each report. Leaving the loop early ends training and keeps the model. */
  steps(X: RowsInput, y?: Targets | null, inputs?: Inputs): AsyncGenerator<Progress, void, void>;
  /** Embeds rows. Throws `NotFittedError`, or `DataError` for rows of another width. */
  transform<X extends RowsInput>(X: X, options?: TransformOptions): Promise<SameForm<X>>;
  /** Rows in data space for positions in the embedding. Throws `NotFittedError` without a decoder, `DataError`. */
  inverseTransform<Z extends RowsInput>(Z: Z, options?: TransformOptions): Promise<SameForm<Z>>;
  /** Saves the model as a directory. Throws `ArtifactError`, `NotFittedError`. */
  save(path: string | URL, options?: SaveOptions): Promise<void>;
  /** What `save` writes, as plain records for `toFiles`. */
  toArtifact(options?: SaveOptions): Promise<Artifact>;
  /** Frees the networks and forgets the fit. User-supplied networks are not freed. Ends a fit that is running. */
  dispose(): void;
}

/** The graph of a fit. Throws `NotFittedError` for a model that was saved without it. */
export function graphOf({ edges }: { readonly edges?: Edges | undefined }): Edges {
  if (edges) return edges;
  throw new NotFittedError(
    'graph: expected a graph, got a model that was saved without (includeGraph: false) or fitted on pairs; fit rows, or save with it',
  );
}

/** Guards the fitted state of one estimator. */
export interface Lifecycle<F> {
  /** The class of the estimator. */
  readonly kind: string;
  /** Starts a fit. Throws `OptionError` while another one runs, and `NotFittedError` for a disposed estimator. */
  begin(): void;
  /** Throws `NotFittedError` where the estimator was disposed during its fit. */
  checkAlive(): void;
  /** Replaces the fitted state. */
  commit(fitted: F): void;
  /** Ends the fit, successful or not. */
  end(): void;
  /** The fitted state that a later fit continues; undefined before the first fit. */
  current(): F | undefined;
  /** The fitted state for a method. Throws `NotFittedError` where there is none. */
  require(caller: string): F;
  /** Frees the fitted state; during a fit, at its end. */
  dispose(): void;
}

/** The life cycle of an estimator of the class `kind`. */
export function lifecycle<F extends Pick<Learned, keyof FitNetworks | 'optimizer' | 'numbers' | 'others'>>(
  kind: string,
): Lifecycle<F> {
  let fitted: F | undefined;
  let busy = false;
  let disposed = false;
  const free = () => {
    const { encoder, decoder, classifier, optimizer } = fitted ?? {};
    for (const part of [encoder, decoder, classifier, optimizer]) part?.dispose();
    for (const part of [...Object.values(fitted?.numbers ?? {}), ...(fitted?.others ?? [])]) part.dispose();
    fitted = undefined;
  };
  return {
    kind,
    begin() {
      if (disposed)
        throw new NotFittedError(
          'fit: expected an estimator that can be fitted, got one that was disposed; make a new one',
        );
      if (busy) {
        throw new OptionError(
          'fit: expected an estimator that is not fitting, got one that is; wait for it, or use a second estimator',
        );
      }
      busy = true;
    },
    checkAlive() {
      if (disposed)
        throw new NotFittedError(
          'fit: expected an estimator to commit to, got one that was disposed during its fit; make a new one',
        );
    },
    commit(next) {
      const kept = new Set(Object.values(next.numbers ?? {}));
      for (const number of Object.values(fitted?.numbers ?? {})) if (!kept.has(number)) number.dispose();
      fitted = next;
    },
    end() {
      busy = false;
      if (disposed) free();
    },
    current: () => fitted,
    require(caller) {
      if (fitted && !disposed) return fitted;
      const why = disposed ? 'one that was disposed; make a new one' : 'one that is not; call fit first';
      throw new NotFittedError(`${caller}: expected a fitted ${kind}, got ${why}`);
    },
    dispose() {
      disposed = true;
      // A running training still needs its networks, and frees them when it ends.
      if (!busy) free();
    },
  };
}
