/** The main loss of a contrastive embedding, from its options. */

import type { Edges, LossTerm, Random } from '../../core/types.js';
import type { Description, Learned } from '../../fit/records.js';
import { COLDEST, contrastiveLoss, type Similarity } from '../../losses/contrastive.js';
import { edgeRows } from '../../math/sparse.js';
import { readScalars, scalarParameter } from '../../networks/scalar.js';
import type { ContrastiveOptions } from './options.js';
import { attractionOf, type Start } from './spectrum.js';

type Numbers = NonNullable<Learned['numbers']>;

/** What a loss depends on beside the options. */
export interface LossContext {
  /** Rows of the fit. */
  readonly rows: number;
  /** Positive pairs per step. */
  readonly batchSize: number;
  /** The graph, whose neighbors may be excluded from the negatives; undefined for pairs without a graph. */
  readonly edges: Edges | undefined;
  /** Numbers learned in an earlier fit. */
  readonly earlier: Numbers | undefined;
  /** Where the training starts from. */
  readonly start: Start;
  readonly random: Random;
  /** Takes the learned numbers, to free them where the fit fails; see `FitBase`. */
  own(part: { dispose(): void }): void;
}

/** The loss, and what belongs to it. */
export interface MainLoss {
  readonly term: LossTerm;
  /** The same loss on held-out rows, with negatives of its own: its neighbors are not those of the graph. */
  heldOut(random: Random): LossTerm;
  /** Numbers that the loss learns: log Z and the log of the temperature. */
  readonly numbers: Numbers;
  /** The numbers in force, for progress reports. */
  inForce(done: number): Promise<Record<string, number>>;
  /** What callbacks may read. */
  readonly describe: Description;
}

/** Negatives per positive pair where the user gives no number. InfoNCE's sum approximates that over all pairs. */
const NEGATIVES = { umap: 5, neg: 20, nce: 5, infonce: 100, infonceAlt: 100 } as const;

/** Part of the rows that t-SNE's normalization usually comes to, times the squared number of rows. */
const USUAL_NORMALIZATION = 100;

export async function lossOf(options: ContrastiveOptions, context: LossContext): Promise<MainLoss> {
  const { lossMode: mode, similarity, temperature, learnTemperature } = options;
  const { rows, batchSize, edges, random, start } = context;
  const negativeSamples = options.negativeSamples ?? NEGATIVES[mode];
  const drawn = negativeSamples === 'full' ? Math.min(rows, 2 * batchSize) - 2 : negativeSamples;
  const attraction = attractionOf(options, rows, Math.max(1, drawn), start);
  // Points have a gradient of their few pairs alone, which a mean over the batch would make tiny. Adam does not mind.
  const summed = !options.parametric && options.optimizer === 'sgd';
  const numbers = await learnedNumbers(options, context);
  for (const number of Object.values(numbers)) context.own(number);
  const shared = {
    ...{ mode, similarity, negativeSamples, attraction, temperature },
    aggregation: summed ? ('sum' as const) : ('mean' as const),
    ...{ logZ: numbers.normalization, logTemperature: numbers.temperature },
  };
  const excluded = options.excludeNeighbors && edges ? edgeRows(edges) : undefined;
  return {
    term: contrastiveLoss({ ...shared, excluded, random }),
    heldOut: (stream) => contrastiveLoss({ ...shared, random: stream }),
    numbers,
    describe: {
      numbers: () => numbersOf(numbers),
      ...similarities[similarity](temperature),
    },
    async inForce(done) {
      const learned = await numbersOf(numbers);
      const usesTemperature = similarity === 'cosine' && !learnTemperature;
      return {
        ...(mode !== 'umap' && mode !== 'nce' && { kappa: attraction(done) }),
        ...(usesTemperature && { temperature }),
        ...learned,
      };
    },
  };
}

/** The similarities of two positions by their squared distance, for callbacks; cosines are of positions of length 1. */
const similarities: Readonly<Record<Similarity, (temperature: number) => Description>> = {
  cauchy: () => ({ similarity: (squared) => 1 / (1 + squared) }),
  cosine: (fixed) => ({
    // |a - b|² = 2 - 2 cos(a, b) for a and b of length 1.
    similarity: (squared, { temperature = fixed }) => Math.exp((1 - squared / 2) / temperature),
    unitLength: true,
  }),
};

/** The numbers that the loss learns, as their logarithms, from where an earlier fit has left them. */
async function learnedNumbers(
  { lossMode, temperature, learnTemperature, normalization }: ContrastiveOptions,
  { rows, earlier }: LossContext,
): Promise<Numbers> {
  const firsts: Record<string, number> = {};
  if (lossMode === 'nce') firsts.normalization = normalization ?? Math.min(1, USUAL_NORMALIZATION / rows);
  // From below the coldest temperature it would have to come up first.
  if (learnTemperature) firsts.temperature = Math.max(COLDEST, temperature);
  const starts: [name: string, start: number][] = [];
  for (const [name, first] of Object.entries(firsts)) {
    starts.push([name, (await earlier?.[name]?.value()) ?? Math.log(first)]);
  }
  return Object.fromEntries(starts.map(([name, start]) => [name, scalarParameter(start, name)]));
}

/** Learned numbers by name, as they act. */
export async function numbersOf(numbers: Numbers = {}): Promise<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(await readScalars(numbers)).map(([name, log]) => {
      const value = Math.exp(log);
      return [name, name === 'temperature' ? Math.max(COLDEST, value) : value];
    }),
  );
}
