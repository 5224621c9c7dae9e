/** The stages of a fit besides its training, which take most of the time before the first report. */

/** All stages, in the order in which a fit comes to them. None has all of them. */
export const stages = [
  'rows',
  'principal components',
  'neighbors',
  'graph',
  'held-out rows',
  'first layout',
  'layout refinement',
  'label spreading',
  'warm start',
] as const;

/**
 * A stage of a fit, in plain words:
 *
 * - `rows`: reading a source of rows, block by block
 * - `principal components`: those of the rows, which the default encoder is trained on
 * - `neighbors`: the search for the nearest neighbors
 * - `graph`: the weighted graph, with the targets in it
 * - `held-out rows`: neighbors and graph of the rows of `validation`
 * - `first layout`: the layout that `init` names
 * - `layout refinement`: UMAP without a network, on that layout
 * - `label spreading`: labels of unlabeled rows for a classifier
 * - `warm start`: a short training of the encoder on the refined layout
 */
export type Stage = (typeof stages)[number];

/** Takes the part of a computation that is done, from 0 to 1. */
export type PartDone = (done: number) => void;

/** Runs a stage. Tells its start, the parts done that `run` reports, and its end. */
export type RunStage = <T>(stage: Stage, run: (progress: PartDone) => Promise<T>) => Promise<T>;

/** Runs stages and tells nobody. */
export const untold: RunStage = (_, run) => run(() => {});
