/** From rows and options to everything that a fit of Parametric UMAP needs. */

import type { Edges, LossTerm, Matrix, Random } from '../../core/types.js';
import { edgeSampler } from '../../data/sampler.js';
import { auxiliaryLosses, reconstructionLines } from '../../fit/auxiliaryLosses.js';
import { type ClassicOptions, classicTraining } from '../../fit/classicLayout.js';
import { graphFit } from '../../fit/graphFit.js';
import { type FitSplit, heldOutGraph, heldOutValidator } from '../../fit/heldOut.js';
import type { FitInputs } from '../../fit/inputs.js';
import { startPoints } from '../../fit/points.js';
import { beginFit, prepared } from '../../fit/prepare.js';
import type { FitContext, Learned, Placement, Prepared } from '../../fit/records.js';
import { batchSizeOf, pointsScheduleOf, trainingLength } from '../../fit/trainingLength.js';
import { warmStart } from '../../fit/warmStart.js';
import { umapLoss } from '../../losses/umap.js';
import { type Curve, fitCurve } from '../../math/curve.js';
import { type ChosenUMAPOptions, chosenOptions, type ParametricUMAPOptions } from './options.js';

/** Fitted state of Parametric UMAP. */
export interface UmapLearned extends Learned {
  readonly curve: Curve;
  /** Undefined only for a model that was saved without it. */
  readonly edges: Edges | undefined;
}

/** Checks everything that can be wrong, and builds graph, networks, losses and plan. It runs everything but the training. */
export async function prepareUmap(
  { rows, held }: FitSplit,
  given: ParametricUMAPOptions,
  earlier: UmapLearned | undefined,
  inputs: FitInputs,
  context: FitContext,
): Promise<Prepared<UmapLearned>> {
  const options = chosenOptions(given);
  const { parametricEmbedding: parametric } = options;
  const base = await beginFit(rows, options, earlier, context, { points: !parametric });
  const { matrix, streams } = base;
  const { pauses, hold } = context;
  try {
    const { edges, networks } = await graphFit(base, options, inputs, parametric, context);
    const curve = curveOf(options);
    const loss = (stream: Random) => umapLossOf(options, curve, stream);
    const heldOut = { name: 'valUmap', loss, graph: heldOutGraph(options, context) };
    const validate = await heldOutValidator(base, networks, held, heldOut, context);
    if (base.reconstruction) {
      context.log(`reconstruction loss: ${reconstructionLines[base.reconstruction.kind]}`);
    }
    const batchSize = batchSizeOf(options, matrix.shape[0]);
    await pauses.take();
    hold();
    const shared = {
      ...{ clipValue: options.clipValue, validate, learned: { curve, edges } },
      describe: { edges, similarity: (d2: number) => 1 / (1 + curve.a * d2 ** curve.b) },
    };
    const allTerms = async () => [
      loss(streams.fork('negatives')),
      ...(await auxiliaryLosses(base, networks, options, edges, inputs, context)),
    ];
    const sampler = edgeSampler(edges, { batchSize, random: streams.fork('edges') });
    if (!parametric) {
      const points = await startPoints(base, edges, options, earlier, context);
      const placement = placementOf(options, curve, matrix);
      const learned = { ...shared.learned, placement };
      const length =
        options.nonParametric === 'sgd'
          ? await classicTraining(
              base,
              networks.encoder,
              edges,
              points,
              classicOptions(options, curve),
              loss,
              context,
            )
          : trainingLength(options, edges, batchSize, pointsScheduleOf);
      return prepared(base, networks, earlier, {
        ...shared,
        ...length,
        sampler,
        terms: await allTerms(),
        learned,
      });
    }
    const start =
      earlier || base.encoder.variables().length === 0
        ? undefined
        : await warmStart(base, networks.encoder, edges, options, { ...options, curve }, context);
    const length = trainingLength(options, edges, batchSize);
    return prepared(base, networks, earlier, {
      ...shared,
      ...length,
      sampler,
      terms: await allTerms(),
      start,
    });
  } catch (error) {
    base.release(false);
    throw error;
  }
}

/** The curve that the options give, or the one that fits their distances. */
export function curveOf(options: Pick<ParametricUMAPOptions, 'a' | 'b' | 'minDist' | 'spread'>): Curve {
  const { a, b } = options;
  return a !== null && b !== null ? { a, b } : fitCurve(options);
}

/** Negatives sampled per positive pair and unit of `negativeSampleRate`: more of them reduce the variance of the gradient. */
const DRAWS_PER_NEGATIVE = 8;

function umapLossOf(options: ChosenUMAPOptions, { a, b }: Curve, random: Random): LossTerm {
  const { negativeSampleRate, repulsionStrength } = options;
  const negativeDraws = Math.ceil(DRAWS_PER_NEGATIVE * negativeSampleRate);
  return umapLoss({ a, b, negativeSampleRate, repulsionStrength, negativeDraws, random });
}

/** The same where one edge at a time is trained: two of half the strength in place of each separate clusters more reliably. */
const DRAWS_PER_NEGATIVE_OF_EDGE = 2;

function classicOptions(options: ChosenUMAPOptions, curve: Curve): ClassicOptions {
  const { nEpochs, nTrainingEpochs, lossReportFrequency, negativeSampleRate, repulsionStrength } = options;
  return {
    ...{ curve, reports: lossReportFrequency * nTrainingEpochs },
    nEpochs: nEpochs === null ? null : nEpochs * nTrainingEpochs,
    negativeSampleRate: Math.round(DRAWS_PER_NEGATIVE_OF_EDGE * negativeSampleRate),
    repulsionStrength: repulsionStrength / DRAWS_PER_NEGATIVE_OF_EDGE,
  };
}

/** How new rows are placed among fitted ones, where there is no network. */
export function placementOf(options: ParametricUMAPOptions, curve: Curve, rows: Matrix): Placement {
  const { nNeighbors, metric, metricParams, localConnectivity, seed } = options;
  const { negativeSampleRate, repulsionStrength } = chosenOptions(options);
  const graph = { nNeighbors, metric, metricParams, localConnectivity };
  return { rows, ...graph, curve, negativeSampleRate, repulsionStrength, seed };
}
