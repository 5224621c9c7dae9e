/** Thread pools for inference, kept open between calls. */

import type { DenseLayer } from '../backend/dense/layout.js';
import { type DensePool, openDensePool } from '../backend/dense/pool.js';
import { cores } from '../core/platform.js';
import type * as tf from '../core/tf.js';
import type { Network } from '../core/types.js';
import { layersOnHost } from './threaded.js';

/** Multiplications (rows times weights) from which on several threads repay their start. */
const MIN_PARALLEL = 2 ** 28;
/**
 * Below `SMALL_MODEL` weights, copying them to the pool is negligible. Above, copying pays off only if there is at
 * least one row per `WEIGHTS_PER_ROW` weights.
 */
const SMALL_MODEL = 2 ** 17;
const WEIGHTS_PER_ROW = 2 ** 15;
/** Milliseconds for which an idle pool is kept open. */
const IDLE_MS = 5000;

/** An open pool, for the layers that the model had when it was opened. */
interface OpenPool {
  readonly pool: Promise<DensePool | undefined>;
  readonly layers: string;
  readonly threads: number;
  idleTimer?: ReturnType<typeof setTimeout>;
  /** Data ids of the weights that the pool has; assigning a tensor to a variable changes its data id. */
  weightIds: readonly object[];
  /** Settled when the last of its users, who take turns, is done. */
  turn: Promise<void>;
}
const openPools = new WeakMap<tf.LayersModel, OpenPool>();

/**
 * Calls `use` with a pool that holds the current weights of the network, and returns its result. `rows` is the number of
 * rows that it will encode. The pool is kept open for a few seconds after the call. Undefined, without a call, where
 * `withThreads` has no pool, or if copying the weights costs more than encoding so few rows.
 */
export async function withPool<T>(
  network: Network,
  rows: number,
  use: (pool: DensePool) => Promise<T>,
): Promise<T | undefined> {
  const layers = layersOnHost(network);
  const weights = network.variables();
  const size = weights.reduce((sum, weight) => sum + weight.size, 0);
  if (layers === undefined || (size > SMALL_MODEL && rows * WEIGHTS_PER_ROW < size)) return undefined;
  const threads = rows * size < MIN_PARALLEL ? 1 : await cores();
  const entry = openPoolFor(network.model, layers, threads);
  const pool = await entry.pool;
  if (pool === undefined) return undefined;
  const before = entry.turn;
  let done = () => {};
  entry.turn = new Promise((resolve) => {
    done = resolve;
  });
  await before;
  try {
    if (openPools.get(network.model) !== entry) {
      // An earlier user has closed it, or has replaced it by one with more threads.
      close(network.model, entry);
      return await withPool(network, rows, use);
    }
    clearTimeout(entry.idleTimer);
    if (weights.some(({ dataId }, i) => dataId !== entry.weightIds[i])) {
      pool.setWeights(weights.map((weight) => weight.dataSync<'float32'>()));
      entry.weightIds = weights.map(({ dataId }) => dataId);
    }
    const result = await use(pool);
    entry.idleTimer = setTimeout(() => close(network.model, entry), IDLE_MS);
    entry.idleTimer.unref?.();
    return result;
  } catch (error) {
    // The pool itself may have failed.
    close(network.model, entry);
    throw error;
  } finally {
    done();
  }
}

/** The pool that is open, if it has the same layers and enough threads; else a new one in its place. */
function openPoolFor(model: tf.LayersModel, layers: DenseLayer[], threads: number): OpenPool {
  const existing = openPools.get(model);
  const key = JSON.stringify(layers);
  if (existing && existing.layers === key && existing.threads >= threads) {
    clearTimeout(existing.idleTimer);
    return existing;
  }
  const pool = openDensePool(layers, { threads, gradients: 'none' });
  const entry: OpenPool = { pool, layers: key, threads, weightIds: [], turn: Promise.resolve() };
  // The previous pool is closed by its last user.
  openPools.set(model, entry);
  return entry;
}

function close(model: tf.LayersModel, entry: OpenPool): void {
  if (openPools.get(model) === entry) openPools.delete(model);
  void entry.pool.then((pool) => pool?.close());
}
