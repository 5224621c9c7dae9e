/** From rows and options to everything that a fit of a variational autoencoder needs. */

import type { LossTerm, Matrix, Network } from '../../core/types.js';
import { everyRowSampler, rowSampler } from '../../data/sampler.js';
import { fitDefaults } from '../../fit/options/fitOptions.js';
import { beginFit, prepared } from '../../fit/prepare.js';
import type { FitBase, FitContext, Learned, Prepared } from '../../fit/records.js';
import { type KlWeight, klWeightOf } from '../../losses/klWeight.js';
import { klDivergence, reconstructionNats } from '../../losses/variational.js';
import { withSeededLayers } from '../../networks/seededLayers.js';
import { type DecoderParts, decoderParts, type Likelihood } from '../../networks/variational/decoder.js';
import { type VariationalParts, variationalParts } from '../../networks/variational/encoder.js';
import { type RowStatistics, standardizeRows } from '../../networks/variational/standardization.js';
import { type VampPrior, vampPrior } from '../../networks/variational/vampPrior.js';
import { plateau } from '../../training/plateau.js';
import { suppliedSchedule } from '../../training/schedule.js';
import { streamedForward } from '../../training/streamedForward.js';
import { type VariationalForwardOptions, variationalForward } from '../../training/variationalForward.js';
import { heldOutTest } from './heldOutTest.js';
import { checkUnit, likelihoodFor, outsideOf, statisticsOf, type VaeRows } from './inputs.js';
import type { RunnableVAEOptions } from './logdir.js';
import { makeNetworks } from './networks.js';
import { rowStream, type StreamedRows, scanRows } from './streamed.js';

/** Fitted state of a variational autoencoder. */
export interface VaeLearned extends Learned {
  readonly likelihood: Likelihood;
  /** The learned mixture; undefined for the standard normal prior. */
  readonly prior: VampPrior | undefined;
}

/** Checks everything that can be wrong, and builds networks, losses and plan. */
export async function prepareVae(
  { rows, held, stream }: VaeRows,
  options: RunnableVAEOptions,
  earlier: VaeLearned | undefined,
  context: FitContext,
): Promise<Prepared<VaeLearned>> {
  const { hold, log } = context;
  const { matrix, rowShape } = rows.input;
  const { likelihood, statistics } = await lookAt({ rows, stream, held }, options, earlier, context);
  hold();
  const shared = { ...fitDefaults, ...options, nComponents: options.dimLatent };
  const base = await beginFit(rows, shared, earlier, context, {
    projected: false,
    make: (random) => makeNetworks(options, { rowShape, likelihood, statistics }, random),
  });
  try {
    if (!earlier)
      log(`likelihood: ${likelihood}${options.likelihood === 'auto' ? ', by the range of the values' : ''}`);
    const standardized = (table: Matrix): Matrix =>
      statistics ? { data: standardizeRows(table.data, statistics), shape: table.shape } : table;
    const sample = standardized(matrix);
    const parts = variationalParts(base.encoder.model);
    const decoding = decoderParts(base.decoder!.model);
    const prior = earlier ? earlier.prior : priorOf(options, sample, parts, base);
    const batches = batchesOf({ sample, stream, statistics }, options, base);
    const trained = await trainedParts(base, parts, decoding, batches.threadTable);
    const { terms, weight } = termsOf(options, { likelihood, prior, parts, decoding, core: trained.core });
    const { schedule, rule, ...length } = scheduleOf(options, weight, held, log);
    const ready = prepared(base, base, earlier, {
      ...{ ...length, clipValue: options.clipValue, schedule, watch: [rule.watch], terms },
      forward: batches.forward({
        trunk: trained.trunk,
        head: parts.head,
        random: base.streams.fork('posterior'),
      }),
      // The schedule and the best weights, and the weight of the divergence where it is controlled.
      kept: {
        state: () => ({ rule: rule.kept.state(), weight: weight.state?.() }),
        restore(state) {
          const saved = state as { readonly rule: unknown; readonly weight: unknown };
          weight.restore?.(saved.weight);
          return rule.kept.restore(saved.rule);
        },
      },
      validate: heldOutTest(
        { ...parts, decoder: decoding.core, likelihood, prior, logVariance: decoding.logVariance },
        {
          ...{ held: held && standardized(held), batchSize: options.batchSizeTest },
          random: base.random.fork('validation'),
        },
        context,
      ),
      learned: { likelihood, prior, others: prior && [prior] },
    });
    const release = (kept: boolean) => {
      batches.close();
      ready.release(kept);
    };
    return { ...ready, release };
  } catch (error) {
    base.release(false);
    throw error;
  }
}

/**
 * Chooses the likelihood, and computes the statistics of the columns: of an earlier fit, or of these rows; undefined where rows are
 * used as they are. Throws `DataError` for values that the likelihood does not allow.
 */
async function lookAt(
  { rows, stream, held }: VaeRows,
  { likelihood: asked, featureNormalization }: RunnableVAEOptions,
  earlier: VaeLearned | undefined,
  { pauses, stage }: FitContext,
): Promise<{ readonly likelihood: Likelihood; readonly statistics: RowStatistics | undefined }> {
  const { matrix } = rows.input;
  const scan = stream && (await stage('rows', (progress) => scanRows(stream, pauses, progress)));
  const outside = scan ? scan.outside : await pauses.run(outsideOf(matrix));
  const likelihood = likelihoodFor(earlier?.likelihood ?? asked, outside);
  if (likelihood === 'bernoulli' && held) checkUnit('fit: held-out rows', await pauses.run(outsideOf(held)));
  if (earlier) {
    return {
      likelihood,
      statistics: await variationalParts(earlier.encoder.model).standardization?.statistics(),
    };
  }
  if (!featureNormalization || likelihood === 'bernoulli') return { likelihood, statistics: undefined };
  const statistics = scan ? scan.statistics : await pauses.run(statisticsOf(matrix));
  return { likelihood, statistics };
}

/** Where batches come from: rows in memory, or a table of one batch that a stream fills. */
function batchesOf(
  {
    sample,
    stream,
    statistics,
  }: {
    readonly sample: Matrix;
    readonly stream: StreamedRows | undefined;
    readonly statistics: RowStatistics | undefined;
  },
  options: Pick<RunnableVAEOptions, 'batchSize'>,
  { streams }: FitBase,
) {
  const count = stream?.rows ?? sample.shape[0];
  const batchSize = Math.min(options.batchSize, count);
  const random = streams.fork('rows');
  type Parts = Omit<VariationalForwardOptions, 'matrix' | 'sampler'>;
  if (!stream) {
    const sampler = rowSampler(count, { batchSize, random });
    const forward = (parts: Parts) => variationalForward({ ...parts, matrix: sample, sampler });
    return { forward, threadTable: sample, close() {} };
  }
  const columns = sample.shape[1];
  const table: Matrix = { data: new Float32Array(batchSize * columns), shape: [batchSize, columns] };
  const batches = rowStream(stream, table.data, batchSize, statistics, random);
  const sampler = everyRowSampler(batchSize, batchSize);
  return {
    forward: (parts: Parts) =>
      streamedForward(variationalForward({ ...parts, matrix: table, sampler }), batches),
    threadTable: undefined,
    close: () => void batches.close().catch(() => {}),
  };
}

/** The two losses, and the weight of the second. */
function termsOf(
  options: RunnableVAEOptions,
  {
    likelihood,
    prior,
    parts,
    decoding,
    core,
  }: {
    readonly likelihood: Likelihood;
    readonly prior: VampPrior | undefined;
    readonly parts: VariationalParts;
    readonly decoding: DecoderParts;
    readonly core: Network;
  },
) {
  const weight = klWeightOf(options.klWeight, options.dimLatent);
  const analytic = parts.head.flowLength === 0;
  const terms = [
    reconstructionNats({ decoder: core, likelihood, logVariance: decoding.logVariance }),
    klDivergence({ prior, analytic, weight, freeBits: options.freeBits }),
  ] as readonly LossTerm[];
  return { terms, weight };
}

/** Steps and reports, the learning rate, and the rule that lowers it and keeps the best weights. */
function scheduleOf(
  options: RunnableVAEOptions,
  weight: KlWeight,
  held: Matrix | undefined,
  log: (line: string) => void,
) {
  const { learningRate, lrScheduling, lrSchedulingSteps, lrSchedulingFactor, lrSchedulingMin } = options;
  const length = lengthOf(options, held);
  const own = typeof learningRate === 'number' ? undefined : learningRate;
  const rule = plateau({
    ...{ rate: typeof learningRate === 'number' ? learningRate : 0, log, reports: length.reports },
    cost: costOf(weight, options.freeBits * options.dimLatent),
    falls: lrScheduling && !own,
    ...{ window: lrSchedulingSteps, factor: lrSchedulingFactor, least: lrSchedulingMin },
  });
  return { ...length, rule, schedule: own ? suppliedSchedule(own, length.steps) : rule.schedule };
}

/** What training makes small, of held-out rows where there are any: nats below `free` cost nothing. */
function costOf(weight: KlWeight, free: number) {
  return (losses: Readonly<Record<string, number>>, done: number): number | undefined => {
    const { kl = Number.NaN, reconstruction = Number.NaN } = losses;
    const { valKl = kl, valReconstruction = reconstruction } = losses;
    const factor = weight.settled(done, kl);
    return factor === undefined ? undefined : valReconstruction + factor * Math.max(valKl, free);
  };
}

/** The learned prior with pseudo-rows drawn from the rows; undefined for the standard normal. */
function priorOf(
  { prior, pseudoInputs }: RunnableVAEOptions,
  { data, shape: [rows, columns] }: Matrix,
  { trunk, head }: VariationalParts,
  { random, own }: FitBase,
): VampPrior | undefined {
  if (prior === 'normal') return undefined;
  const stream = random.fork('pseudo-rows');
  const drawn = new Float32Array(pseudoInputs * columns);
  for (let i = 0; i < pseudoInputs; i++) {
    const row = stream.integer(rows) * columns;
    drawn.set(data.subarray(row, row + columns), i * columns);
  }
  const made = vampPrior({ trunk, head, pseudoInputs: { data: drawn, shape: [pseudoInputs, columns] } });
  own(made);
  return made;
}

/** Trunk and decoder as they are trained: on worker threads where they can be, with seeded dropout. */
async function trainedParts(
  { threaded, streams }: FitBase,
  { trunk }: VariationalParts,
  { core }: DecoderParts,
  table: Matrix | undefined,
): Promise<{ readonly trunk: Network; readonly core: Network }> {
  const seeded = (network: Network, name: string) =>
    withSeededLayers(network, streams.fork(`${name} layers`));
  return {
    trunk: seeded(await threaded(trunk, table ? { table } : {}), 'encoder'),
    core: seeded(await threaded(core, { differentiable: true }), 'decoder'),
  };
}

/** Share of the rows of a training that may pass the networks for tests. */
const TESTED = 0.2;

/** Gradient steps, and reports with a test each. */
function lengthOf(
  { numSteps, testEvery, batchSize }: RunnableVAEOptions,
  held: Matrix | undefined,
): { steps: number; reports: number } {
  const cheap = Math.ceil((held?.shape[0] ?? 0) / batchSize / TESTED);
  const every = testEvery ?? Math.max(50, cheap);
  return { steps: numSteps, reports: Math.max(1, Math.round(numSteps / every)) };
}
