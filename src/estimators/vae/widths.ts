/** Widths of the default networks. */

/** Least and most units of the first hidden layer, and least of the last one. */
const FIRST = [64, 1024] as const;
const LAST = 32;

/**
 * Units of the three hidden layers of the default encoder for rows of `columns` values and a latent space of `dimLatent`.
 *
 * The first layer has the largest power of two that is at most `columns`, from 64 to 1,024. The last one has a quarter of it, or the
 * least power of two that is twice `dimLatent` where that is more, from 32 to the first. The middle one has half the first, or as many
 * as the last: [512, 256, 128] for the 784 columns of MNIST.
 */
export function defaultWidths(columns: number, dimLatent: number): number[] {
  const first = Math.min(FIRST[1], Math.max(FIRST[0], 2 ** Math.floor(Math.log2(columns))));
  const wide = 2 ** Math.ceil(Math.log2(2 * dimLatent));
  const last = Math.min(first, Math.max(LAST, first / 4, wide));
  return [first, Math.max(first / 2, last), last];
}
