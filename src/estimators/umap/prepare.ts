/** From rows and options to everything that a fit of Parametric UMAP needs. */

import type { RunStage } from '../../core/stages.js';
import type { Edges, LossTerm, Matrix, Random } from '../../core/types.js';
import { edgeSampler } from '../../data/sampler.js';
import { auxiliaryLosses, reconstructionLines } from '../../fit/auxiliaryLosses.js';
import { graphNoise } from '../../fit/graphNoise.js';
import { type FitSplit, heldOutValidator } from '../../fit/heldOut.js';
import type { FitInputs } from '../../fit/inputs.js';
import { beginFit, prepared, trainedNetworks } from '../../fit/prepare.js';
import type { FitContext, Learned, Prepared } from '../../fit/records.js';
import { batchSizeOf, trainingLength } from '../../fit/trainingLength.js';
import { warmStart } from '../../fit/warmStart.js';
import { neighborGraph } from '../../graph/neighborGraph.js';
import { umapLoss } from '../../losses/umap.js';
import { type Curve, fitCurve } from '../../math/curve.js';
import type { ParametricUMAPOptions } from './options.js';

/** Fitted state of Parametric UMAP. */
export interface UmapLearned extends Learned {
  readonly curve: Curve;
  /** Undefined only for a model that was saved without it. */
  readonly edges: Edges | undefined;
}

/** Checks everything that can be wrong, and builds graph, networks, losses and plan. It runs everything but the training. */
export async function prepareUmap(
  { rows, held }: FitSplit,
  options: ParametricUMAPOptions,
  earlier: UmapLearned | undefined,
  inputs: FitInputs,
  context: FitContext,
): Promise<Prepared<UmapLearned>> {
  const base = await beginFit(rows, options, earlier, context);
  const { matrix, projected, random, streams } = base;
  const { pauses, hold } = context;
  try {
    const targets = base.classes ? { classes: base.classes.ids } : base.y && { values: base.y };
    const graphInputs = { ...inputs, signal: context.signal };
    const edges = await neighborGraph(matrix, targets, options, graphInputs, random, context);
    await pauses.take();
    // A user-supplied encoder is not among the options after loading; but only the default one has a projection.
    const hasProjection = base.projection !== undefined;
    const noise = graphNoise(projected, edges, options, streams.fork('noise'), hasProjection);
    await pauses.take();
    const networks = await trainedNetworks(base, noise);
    const curve =
      options.a !== null && options.b !== null ? { a: options.a, b: options.b } : fitCurve(options);
    const loss = (stream: Random) => umapLossOf(options, curve, stream);
    const heldOut = { name: 'valUmap', loss, graph: heldOutGraph(options, context) };
    const validate = await heldOutValidator(base, networks, held, heldOut, context);
    if (base.reconstruction) {
      context.log(`reconstruction loss: ${reconstructionLines[base.reconstruction.kind]}`);
    }
    const batchSize = batchSizeOf(options, matrix.shape[0]);
    await pauses.take();
    hold();
    const start =
      earlier || base.encoder.variables().length === 0
        ? undefined
        : await warmStart(base, networks.encoder, edges, options, { ...options, curve }, context);
    return prepared(base, networks, earlier, {
      ...trainingLength(options, edges, batchSize),
      ...{ clipValue: options.clipValue, start, validate },
      sampler: edgeSampler(edges, { batchSize, random: streams.fork('edges') }),
      terms: [
        loss(streams.fork('negatives')),
        ...(await auxiliaryLosses(base, networks, options, edges, inputs, context)),
      ],
      describe: { edges, similarity: (d2) => 1 / (1 + curve.a * d2 ** curve.b) },
      learned: { curve, edges },
    });
  } catch (error) {
    base.release(false);
    throw error;
  }
}

/** Negatives sampled per positive pair and unit of `negativeSampleRate`: more of them reduce the variance of the gradient. */
const DRAWS_PER_NEGATIVE = 8;

function umapLossOf(options: ParametricUMAPOptions, { a, b }: Curve, random: Random): LossTerm {
  const { negativeSampleRate, repulsionStrength } = options;
  const negativeDraws = Math.ceil(DRAWS_PER_NEGATIVE * negativeSampleRate);
  return umapLoss({ a, b, negativeSampleRate, repulsionStrength, negativeDraws, random });
}

/** The graph of held-out rows, without targets. */
function heldOutGraph(options: ParametricUMAPOptions, { signal }: FitContext) {
  return (held: Matrix, random: Random, stage: RunStage): Promise<Edges> => {
    const nNeighbors = Math.min(options.nNeighbors, held.shape[0]);
    const metric = options.metric === 'precomputed' ? 'euclidean' : options.metric;
    const graph = { ...options, nNeighbors, metric };
    return neighborGraph(held, undefined, graph, { signal }, random, { log() {}, stage });
  };
}
