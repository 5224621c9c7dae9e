/**
 * Contrastive losses of pairs in an embedding (Damrich, Böhm, Hamprecht and Kobak, "From t-SNE to UMAP with contrastive
 * learning", ICLR 2023): one family from t-SNE to UMAP.
 *
 * The similarity of two rows is q = 1 / (1 + d^2), or q = exp(cosine / T) of rows scaled to length 1. A pair with the
 * similarity q and its negatives with similarities q_1, q_2, ... cost together
 *   umap         -log q - sum log(1 - q_i),
 *   neg          the same with q / (q + kappa) in place of q,
 *   nce          the same with q / (q + m Z) for m negatives; log Z is trained,
 *   infonce      -T0 (log q - log(q + sum q_i) / kappa),
 *   infonceAlt   -T0 (log q - log(sum q_i) / kappa),
 * where T0 is the temperature at the start, with either similarity. The loss is the weighted mean or sum over the pairs.
 * Attraction grows with kappa.
 */
import {
  type ContrastiveForm,
  type ContrastivePairs,
  contrastiveCosts,
  type LossMode,
} from '../backend/contrastiveLoss.js';
import { OptionError } from '../core/errors.js';
import * as tf from '../core/tf.js';
import type { LossTerm, Step, Trainable } from '../core/types.js';
import type { ScalarParameter } from '../networks/scalar.js';
import { contrastiveOnHost } from './contrastiveHost.js';
import { type ContrastiveNegativeOptions, contrastivePairs } from './contrastiveNegatives.js';
import { contrastiveByTensors } from './contrastiveTensors.js';

export { type LossMode, lossModes } from '../backend/contrastiveLoss.js';

/** Similarity of two positions: 1 / (1 + d^2), or exp(cosine / temperature). */
export type Similarity = 'cauchy' | 'cosine';

export interface ContrastiveLossOptions extends ContrastiveNegativeOptions {
  readonly mode: LossMode;
  readonly similarity: Similarity;
  /** kappa of neg, infonce and infonceAlt, above 0, by the part of training done in [0, 1). The others ignore it. */
  readonly attraction: (done: number) => number;
  /** Temperature of the cosine similarity, at the start where it is trained, and factor on both InfoNCE losses. */
  readonly temperature: number;
  /** The log of Z, for nce, which needs it. The loss trains it, and does not free it. */
  readonly logZ?: ScalarParameter | undefined;
  /** The log of the temperature of the cosine similarity, to train it in place of `temperature`. Not freed either. */
  readonly logTemperature?: ScalarParameter | undefined;
}

/**
 * Below this squared distance the cost of a negative pair of umap continues along its tangent, as in `umapLoss`: it would be
 * infinite at 0. The other losses are finite there.
 */
const TANGENT = 1e-3;

/** Lower temperatures count as this one; a learned one keeps the gradient by which it comes back up. */
export const COLDEST = 0.02;

/**
 * A contrastive loss as a term of training; its name is the mode. Throws `OptionError` for umap with the cosine similarity,
 * which has no meaning (q may be above 1), and for nce without `logZ`.
 */
export function contrastiveLoss(options: ContrastiveLossOptions): LossTerm {
  const { mode, similarity, attraction, temperature, logZ, logTemperature } = options;
  const cosine = similarity === 'cosine';
  if (cosine && mode === 'umap') {
    throw new OptionError(
      "contrastiveLoss: expected the similarity 'cauchy' with mode 'umap', got 'cosine'; use mode 'neg' for cosines",
    );
  }
  if (mode === 'nce' && logZ === undefined) {
    throw new OptionError(
      "contrastiveLoss: expected logZ with mode 'nce', got none; give the parameter that it trains",
    );
  }
  const pairsOf = contrastivePairs(options);
  const trained: Trainable[] = [logZ, logTemperature].filter((part) => part !== undefined);
  return {
    ...{ name: mode, weight: 1, trained },
    compute({ batch, z, done }: Step) {
      const pairs = pairsOf(batch);
      const fixed = { mode, cosine, factor: temperature, tangent: TANGENT };
      const kappa = mode === 'umap' || mode === 'nce' ? 1 : attraction(done);
      if (tf.getBackend() === 'webgpu') {
        const learned = { logZ: logZ?.variable, logTemperature: logTemperature?.variable };
        return contrastiveByTensors(z, pairs, { ...fixed, kappa, temperature, coldest: COLDEST }, learned);
      }
      const [log, warmth] = [logZ?.valueNow(), logTemperature?.valueNow()];
      const form: ContrastiveForm = {
        ...fixed,
        kappa: log === undefined ? kappa : Math.exp(log),
        temperature: Math.max(COLDEST, warmth === undefined ? temperature : Math.exp(warmth)),
      };
      return inOnePass(z, pairs, form, { logZ, logTemperature });
    },
  };
}

/** Value and gradients in one pass, in a kernel or on the host. */
function inOnePass(
  z: tf.Tensor2D,
  pairs: ContrastivePairs,
  form: ContrastiveForm,
  { logZ, logTemperature }: Pick<ContrastiveLossOptions, 'logZ' | 'logTemperature'>,
): tf.Scalar {
  const learned = [logZ, logTemperature].filter((part) => part !== undefined);
  const warm = form.temperature > COLDEST;
  const loss = tf.customGrad((...inputs: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const save = inputs[inputs.length - 1] as tf.GradSaveFunc;
    const points = inputs[0] as tf.Tensor2D;
    const { value, gradient, byLogKappa, byLogTemperature } =
      contrastiveCosts(points, pairs, form) ?? onHost(points, pairs, form);
    const byParts = learned.map((part) => (part === logZ ? byLogKappa : byLogTemperature));
    save([gradient]);
    return {
      value: tf.scalar(value),
      gradFunc: (dy, saved) => {
        const factor = (dy as tf.Scalar).dataSync<'float32'>()[0]!;
        const byPoints = factor === 1 ? tf.clone(saved[0]!) : tf.mul(saved[0]!, dy);
        const scaled = byParts.map((derivative, i) => {
          const byPart = factor * derivative;
          // A step against the gradient must not lead further below the coldest temperature.
          return tf.scalar(warm || learned[i] === logZ ? byPart : Math.min(0, byPart));
        });
        return [byPoints, ...scaled];
      },
    };
  });
  return loss(z, ...learned.map((part) => part.variable)) as tf.Scalar;
}

function onHost(z: tf.Tensor2D, pairs: ContrastivePairs, form: ContrastiveForm) {
  const gradient = new Float32Array(z.size);
  const found = contrastiveOnHost(z.dataSync<'float32'>(), z.shape[1], pairs, form, gradient);
  return { ...found, gradient: tf.tensor2d(gradient, z.shape) };
}
