/** The graph of a fit and its networks as they are trained, for every embedding of a neighbor graph. */

import type { Edges } from '../core/types.js';
import { type GraphInputs, type GraphOptions, neighborGraph } from '../graph/neighborGraph.js';
import { graphNoise } from './graphNoise.js';
import type { FitOptions } from './options/fitOptions.js';
import { trainedNetworks } from './prepare.js';
import type { FitBase, FitContext, FitNetworks } from './records.js';

/** What the main loss is trained on. */
export interface GraphFit {
  readonly edges: Edges;
  readonly networks: FitNetworks;
}

/** Builds the graph of the rows, with the targets in it, and makes the networks ready, with noise by the graph's edges. */
export async function graphFit(
  base: FitBase,
  options: GraphOptions & Pick<FitOptions, 'inputNoise'>,
  inputs: GraphInputs,
  parametric: boolean,
  context: FitContext,
): Promise<GraphFit> {
  const { matrix, projected, random, streams } = base;
  const { pauses, signal } = context;
  const targets = base.classes ? { classes: base.classes.ids } : base.y && { values: base.y };
  const edges = await neighborGraph(matrix, targets, options, { ...inputs, signal }, random, context);
  await pauses.take();
  // A user-supplied encoder is not among the options after loading; but only the default one has a projection.
  const hasProjection = base.projection !== undefined;
  const noise = parametric
    ? graphNoise(projected, edges, options, streams.fork('noise'), hasProjection)
    : undefined;
  await pauses.take();
  return { edges, networks: await trainedNetworks(base, noise) };
}
