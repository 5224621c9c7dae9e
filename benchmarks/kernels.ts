/**
 * A training step, kernel by kernel: 2,000 rows x columns -> 100 -> 100 -> 100 -> 2, dense ReLU layers,
 * gradients of a quadratic loss, Adam.
 * Then parts of a step that have custom kernels: the UMAP loss and the contrastive ones, products that skip zeros, and the rows of a batch.
 *
 *   node build/benchmarks/kernels.js [columns, default 64 784] [--profile]
 *
 * --profile adds milliseconds per step by kernel. Every line is the best of 40 steps, in one process one after
 * the other, so compare lines of one run.
 *
 * Milliseconds per step on one shared AMD EPYC (Zen 4) core with a second one for TensorFlow, one run each:
 *
 *                                       Node.js 20          Node.js 24
 *                                      64      784         64      784 columns
 *   wasm, stock kernels              90.4    225.0       79.7    257.4
 *   wasm, training kernels           10.4     26.3        9.2     27.6
 *   ... and adamStep                  9.6     25.5        8.3     21.6
 *   tensorflow 2.21 (npm run native) 12.6     20.5       12.4     20.9
 *
 * Another day, Node.js 20, 64 columns: training kernels 10.9, and adamStep 10.2; one of our threads 9.8, two 5.0, four on
 * the same two cores 5.0; tensorflow 7.3, and adamStep 5.8, since Adam and the UMAP loss moved to the host and ReLU's
 * gradient, bias sums and products got operations of their own (45 per step instead of 191).
 *
 * A whole step of a fit of 60,000 rows (two cores, WebAssembly, Node.js 20) took 12.0 ms before threads and takes 6.4:
 * forward and back 4.9, UMAP loss 0.65, edges drawn 0.43 (0.70 with a branch in it), waiting for rows that the workers
 * fetch 0.09 (0.83 to gather them here), Adam 0.10.
 *
 * With stars of three edges, zeros skipped and forty negatives an edge it takes 3.9 ms on a quiet machine: forward and back
 * 1.65, UMAP loss 0.9, edges drawn 0.2, waiting for threads 0.2. A step of the table above: one of our threads 7.9, two 4.4.
 * With what is not 0 listed without a branch and the loss in 32-bit floats 3.2 to 3.7 ms where it was 3.8 to 4.4 in the same hour.
 * On native TensorFlow 4.4 ms where it was 4.9 (four runs each, in turn), since no operation of its own is left in a step
 * and edges are drawn while the threads take the gradient back.
 *
 *   (Node.js 20)
 *   UMAP loss in JavaScript           4.73        pairLoss     0.88, in 32-bit floats 0.53
 *   contrastive losses, 1,000 pairs of 1,334 points, per step on a busy machine, neg / infonce
 *   2 columns, 1 / (1 + d^2): 5 negatives 0.10 / 0.09 (in JavaScript 0.36 / 0.87), 500 1.25 / 1.02, all 3.9 / 3.3
 *   2 columns, cosine:        5 negatives 0.13 / 0.16 (in JavaScript 0.55 / 0.54), 500 1.60 / 1.45, all 5.0 / 4.7
 *   128 columns, cosine:      5 negatives 1.0 / 1.0 (in JavaScript 8.9 / 9.1), 500 58 / 55, all 61 / 62 (139 / 160 row by row)
 *   rows of a batch, copied twice     0.14     1.45
 *   hostRows                          0.10     0.37
 *
 * At 64 columns the matrix products took 87.2 ms of the stock step and take 8.7 ms of ours: 34 GFLOP/s, from Node.js
 * 22 on more, with fused multiply-add. The rest went from 3.2 to 0.9 ms: bias gradients (Sum) 0.90 to 0.09, Identity
 * 0.68 to 0.01, same-type Cast 0.25 to 0.00, and adamStep in place of some 100 small operations.
 */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { adamStep, createAdam } from '../src/backend/adam.js';
import { useBackend } from '../src/backend/choose.js';
import { contrastiveCosts } from '../src/backend/contrastiveLoss.js';
import * as dense from '../src/backend/dense/binary.js';
import type { DenseKernels } from '../src/backend/dense/layout.js';
import { copyRows, hostRows } from '../src/backend/gatherRows.js';
import { pairLoss } from '../src/backend/pairLoss.js';
import { createRandom } from '../src/core/random.js';
import { quickerModule } from '../src/core/wasmModule.js';
import { contrastiveOnHost } from '../src/losses/contrastiveHost.js';
import { contrastivePairs } from '../src/losses/contrastiveNegatives.js';
import { drawNegatives, pairTable } from '../src/losses/negatives.js';
import { crossEntropy } from '../src/losses/umap.js';
import { mlp } from '../src/networks/mlp.js';
import { networkOf } from '../src/networks/network.js';
import { withThreads } from '../src/networks/threaded.js';

const rows = 2000;
const warmUp = 15;
const steps = 40;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { profile: { type: 'boolean', default: false } },
});

/** One way to do the step: what to prepare, and which Adam. */
interface Contestant {
  readonly name: string;
  readonly prepare: () => Promise<unknown>;
  readonly fused: boolean;
  /** Threads that pass rows through the layers; default: operations of TensorFlow.js do. */
  readonly threads?: number;
}

const contestants: Contestant[] = [
  {
    name: 'wasm, stock kernels',
    prepare: async () => {
      await import('@tensorflow/tfjs-backend-wasm');
      await tf.setBackend('wasm');
    },
    fused: false,
  },
  { name: 'wasm, training kernels', prepare: () => useBackend('wasm'), fused: false },
  { name: 'wasm, training kernels, adamStep', prepare: () => useBackend('wasm'), fused: true },
  { name: 'tensorflow', prepare: () => useBackend('tensorflow'), fused: false },
  { name: 'tensorflow, adamStep', prepare: () => useBackend('tensorflow'), fused: true },
];

/** The same network, its passes computed by threads. */
for (const threads of [1, 2, 4])
  contestants.push({
    name: `wasm, ${threads} of our threads, adamStep`,
    prepare: () => useBackend('wasm'),
    fused: true,
    threads,
  });

const wanted = positionals.length > 0 ? positionals.map(Number) : [64, 784];
for (const contestant of contestants) {
  try {
    await contestant.prepare();
  } catch (error) {
    console.log(`${contestant.name}: skipped (${(error as Error).message})`);
    continue;
  }
  for (const columns of wanted) {
    const { threads } = contestant;
    const [step, close] = threads
      ? await threaded(columns, threads)
      : [network(columns, contestant.fused), () => {}];
    const best = await time(step);
    console.log(`${contestant.name}, ${columns} columns: ${best.toFixed(1)} ms a step`);
    if (values.profile) await profile(step);
    close();
  }
}

await useBackend('wasm');
await comparePairLoss();
await compareContrastive();
await compareSparse();
for (const columns of wanted) await compareRows(columns);

/** The UMAP loss and its gradient: 1,000 positive and 40,000 negative pairs of 1,334 points, 2 columns, drawn each time. */
async function comparePairLoss(): Promise<void> {
  const random = createRandom(2);
  const [a, b] = [1.5769, 0.8951];
  const points = 1334;
  const some = () => Int32Array.from({ length: 1000 }, () => random.integer(points));
  const batch = {
    rows: new Int32Array(points),
    rowCount: points,
    heads: some(),
    tails: some(),
    pairCount: 1000,
    tailsPerHead: 3,
  };
  const table = pairTable({ negativeSampleRate: 5, negativeDraws: 40, random });
  const z = tf.tensor2d(
    Float32Array.from({ length: 2 * points }, () => 4 * random.normal()),
    [points, 2],
  );
  const plain = await time(async () => {
    table.fill(batch);
    drawNegatives(table);
    const gradient = new Float32Array(z.size);
    crossEntropy(z.dataSync<'float32'>(), 2, table, a, b, gradient);
    tf.tensor2d(gradient, z.shape).dispose();
  });
  const curve = {
    a,
    b,
    tiny: 1e-12,
    tangent: 1e-3,
    farthest: (1e4 / a) ** (1 / b),
    pull: b / ((1e4 / a) ** (1 / b) * 10001),
  };
  const kernel = await time(async () => {
    table.fill(batch);
    pairLoss(z, table, curve)!.gradient.dispose();
  });
  console.log(`UMAP loss: in JavaScript ${plain.toFixed(2)} ms, pairLoss ${kernel.toFixed(2)} ms`);
}

/** Contrastive losses and their gradients: 1,000 pairs of 1,334 points, with few and many negatives drawn each time. */
async function compareContrastive(): Promise<void> {
  const random = createRandom(4);
  const points = 1334;
  const some = () => Int32Array.from({ length: 1000 }, () => random.integer(points));
  const batch = {
    ...{ rows: new Int32Array(points), rowCount: points, heads: some(), tails: some(), pairCount: 1000 },
    tailsPerHead: 3,
  };
  for (const [columns, cosine] of [
    [2, false],
    [2, true],
    [128, true],
  ] as const) {
    const z = tf.tensor2d(
      Float32Array.from({ length: columns * points }, () => 4 * random.normal()),
      [points, columns],
    );
    for (const mode of ['neg', 'infonce'] as const) {
      for (const negativeSamples of [5, 500, 'full'] as const) {
        const pairsOf = contrastivePairs({ negativeSamples, aggregation: 'mean', random });
        const form = { mode, cosine, kappa: 1, temperature: 0.5, factor: 0.5, tangent: 1e-3 };
        const kernel = await time(async () => contrastiveCosts(z, pairsOf(batch), form)!.gradient.dispose());
        const name = `${mode}, ${cosine ? 'cosine' : 'Cauchy'}, ${columns} columns, ${negativeSamples} negatives`;
        console.log(`${name}: ${kernel.toFixed(2)} ms`);
        if (negativeSamples !== 5) continue;
        const plain = await time(async () => {
          contrastiveOnHost(z.dataSync(), columns, pairsOf(batch), form, new Float32Array(z.size));
        });
        console.log(`${name} in JavaScript: ${plain.toFixed(2)} ms`);
      }
    }
    z.dispose();
  }
}

/**
 * 200 rows of 100 values, some of them 0, times 100 x 100 weights: by the register tile, and zeros skipped. Other rows each
 * time, as in training: a processor soon knows by heart where the zeros of the same rows are.
 */
async function compareSparse(): Promise<void> {
  const memory = new WebAssembly.Memory({ initial: 500, maximum: 65536, shared: true });
  const { instance } = await WebAssembly.instantiate(quickerModule(dense), { env: { memory } });
  const run = instance.exports as unknown as DenseKernels;
  const random = createRandom(5);
  const floats = new Float32Array(memory.buffer);
  const [b, c, scratch, a] = [1, 2, 3, 4].map((place) => place * 2 ** 20) as [number, number, number, number];
  for (let i = 0; i < 10_000; i++) floats[b / 4 + i] = random.normal();
  const size = 20_000;
  const blocks = 300;
  for (const share of [0.15, 0.25, 0.37, 0.5, 0.6, 1]) {
    const values = floats.subarray(a / 4, a / 4 + blocks * size);
    for (let i = 0; i < values.length; i++) values[i] = random.next() < share ? random.normal() : 0;
    // Ten blocks at a time, from first to last and again.
    let block = 0;
    const ten = (product: (from: number) => void) =>
      time(async () => {
        for (let i = 0; i < 10; i++) product(a + 4 * size * (block++ % blocks));
      });
    const whole =
      (await ten((from) => run.gemm(200, 100, 100, from, 400, 4, b, 400, 4, c, 0, 0, 0, scratch))) / 10;
    const skipping = (await ten((from) => run.sparseProduct(200, 100, 100, from, b, c, 0, 0, scratch))) / 10;
    console.log(
      `product, ${100 * share} % not 0: ${whole.toFixed(3)} ms, zeros skipped ${skipping.toFixed(3)} ms`,
    );
  }
}

/** 2,000 rows of a table on the host, into a tensor. */
async function compareRows(columns: number): Promise<void> {
  const random = createRandom(3);
  const table = { data: new Float32Array(10 * rows * columns).fill(1), shape: [10 * rows, columns] } as const;
  const ids = Int32Array.from({ length: rows }, () => random.integer(10 * rows));
  const twice = await time(async () => {
    const gathered = new Float32Array(rows * columns);
    copyRows(table, ids, rows, gathered);
    tf.tensor2d(gathered, [rows, columns]).dispose();
  });
  const once = await time(async () => hostRows(table, ids, rows, [columns])!.dispose());
  console.log(`rows of ${columns}: copied twice ${twice.toFixed(2)} ms, hostRows ${once.toFixed(2)} ms`);
}

async function time(step: () => Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < warmUp + steps; i++) {
    const start = performance.now();
    await step();
    if (i >= warmUp) best = Math.min(best, performance.now() - start);
  }
  return best;
}

/** The network with its data; returns its training step. */
function network(columns: number, fused: boolean): () => Promise<void> {
  const random = createRandom(1);
  const normals = (a: number, b: number, scale: number) =>
    tf.tensor2d(
      Float32Array.from({ length: a * b }, () => random.normal() * scale),
      [a, b],
    );
  const widths = [columns, 100, 100, 100, 2];
  const weights = widths
    .slice(1)
    .map((width, i) => tf.variable(normals(widths[i]!, width, (2 / widths[i]!) ** 0.5)));
  const biases = widths.slice(1).map((width) => tf.variable(tf.zeros([width])));
  const variables = [...weights, ...biases];
  const x = normals(rows, columns, 1);
  const loss = () => {
    let h: tf.Tensor2D = x;
    for (let i = 0; i < weights.length; i++) {
      const activation = i < weights.length - 1 ? 'relu' : 'linear';
      const b = weights[i] as unknown as tf.Tensor2D;
      h = tf.fused.matMul({ a: h, b, bias: biases[i]!, activation }) as tf.Tensor2D;
    }
    return tf.square(h).mean<tf.Scalar>();
  };
  const optimizer = tf.train.adam(1e-3);
  const state = createAdam(variables);
  return async () => {
    const { value, grads } = tf.variableGrads(loss);
    if (fused) {
      const gradients = variables.map(({ name }) => grads[name]!);
      adamStep(state, variables, gradients, { learningRate: 1e-3 });
    } else {
      optimizer.applyGradients(Object.entries(grads).map(([name, tensor]) => ({ name, tensor })));
    }
    tf.dispose(grads);
    await value.data();
    value.dispose();
  };
}

/** The same step with the passes computed by threads, and what ends them. */
async function threaded(
  columns: number,
  threads: number,
): Promise<[step: () => Promise<void>, close: () => void]> {
  const random = createRandom(1);
  const model = mlp({ inputShape: [columns], outputShape: [2], random, name: 'encoder' });
  const { network: encoder, close } = await withThreads(networkOf(model, 'encoder', true), { threads });
  const x = tf.tensor2d(
    Float32Array.from({ length: rows * columns }, () => random.normal()),
    [rows, columns],
  );
  const variables = encoder.variables();
  const state = createAdam(variables);
  const step = async () => {
    const { value, grads } = tf.variableGrads(
      () => tf.square(encoder.apply(x, true)).mean<tf.Scalar>(),
      variables,
    );
    const gradients = variables.map(({ name }) => grads[name]!);
    adamStep(state, variables, gradients, { learningRate: 1e-3 });
    tf.dispose(grads);
    await value.data();
    value.dispose();
  };
  return [step, close];
}

/** Times each kernel by wrapping it. */
async function profile(step: () => Promise<void>): Promise<void> {
  const spent = new Map<string, { calls: number; ms: number }>();
  const originals = tf.getKernelsForBackend(tf.getBackend());
  for (const kernel of originals) {
    replace(kernel, (call) => {
      const start = performance.now();
      const result = kernel.kernelFunc(call);
      const entry = spent.get(kernel.kernelName) ?? { calls: 0, ms: 0 };
      spent.set(kernel.kernelName, { calls: entry.calls + 1, ms: entry.ms + performance.now() - start });
      return result;
    });
  }
  for (let i = 0; i < steps; i++) await step();
  for (const kernel of originals) replace(kernel, kernel.kernelFunc);
  const lines = [...spent].sort((a, b) => b[1].ms - a[1].ms).slice(0, 12);
  for (const [name, { calls, ms }] of lines) {
    console.log(
      `    ${name.padEnd(24)}${(calls / steps).toFixed(1).padStart(6)} calls${(ms / steps).toFixed(2).padStart(8)} ms`,
    );
  }
}

function replace(kernel: tf.KernelConfig, kernelFunc: tf.KernelFunc): void {
  tf.unregisterKernel(kernel.kernelName, kernel.backendName);
  tf.registerKernel({ ...kernel, kernelFunc });
}
