/** Trains a map of CSV text in a worker, so that the page stays alive. */

import { ParametricUMAP } from 'parametric-umap';
import { readCsv } from 'parametric-umap/node';

/** What the page sends: text to learn from, or the wish to stop with what was learned. */
export type ToWorker = { readonly kind: 'train'; readonly text: string } | { readonly kind: 'stop' };

/** What the worker sends. */
export type FromWorker =
  | { readonly kind: 'progress'; readonly done: number; readonly what: string }
  | {
      readonly kind: 'done';
      readonly map: Float32Array;
      readonly classes: Int32Array | undefined;
      readonly stopped: boolean;
      readonly rows: number;
    }
  | { readonly kind: 'failed'; readonly message: string };

const scope = globalThis as unknown as {
  addEventListener(type: 'message', listener: (event: { data: ToWorker }) => void): void;
  postMessage(message: FromWorker): void;
};

let stopped = false;

scope.addEventListener('message', ({ data }) => {
  if (data.kind === 'stop') stopped = true;
  else
    train(data.text).catch((error: Error) => scope.postMessage({ kind: 'failed', message: error.message }));
});

async function train(text: string): Promise<void> {
  stopped = false;
  const separator = text.split(/\r?\n/, 1)[0]!.includes('\t') ? '\t' : ',';
  const label = labelColumn(text, separator);
  const { data, labels } = await readCsv(text, { separator, label });
  const rows = standardized(data.data, data.shape);
  const onStage = (what: string, done = 0) =>
    scope.postMessage({ kind: 'progress', done: 0, what: `${what}, ${Math.round(100 * done)} %` });
  const umap = new ParametricUMAP({ lossReportFrequency: 20, callbacks: [{ onStage }] });
  const input = { data: rows, shape: data.shape };
  try {
    for await (const { step, steps } of umap.steps(input)) {
      scope.postMessage({ kind: 'progress', done: step / steps, what: 'training' });
      if (stopped) break;
    }
    const { data: map } = await umap.transform(input);
    const names = [...new Set<number | string>(labels)];
    const classes = labels && Int32Array.from<number | string>(labels, (name) => names.indexOf(name));
    scope.postMessage({ kind: 'done', map, classes, stopped, rows: data.shape[0] });
  } finally {
    umap.dispose();
  }
}

/** A column named as labels are, or the first one whose value in the second line is no number; null for none. */
function labelColumn(text: string, separator: string): string | null {
  const [head = [], first = []] = text
    .split(/\r?\n/, 2)
    .map((line) => line.split(separator).map((field) => field.trim()));
  const named = head.findIndex((name) => /^(label|class|target)$/i.test(name));
  const at = named >= 0 ? named : first.findIndex((field) => field !== '' && Number.isNaN(Number(field)));
  return head[at] ?? null;
}

/** Columns of mean 0 and deviation 1. */
function standardized(values: Float32Array, [rows, columns]: readonly [number, number]): Float32Array {
  const out = new Float32Array(values.length);
  for (let c = 0; c < columns; c++) {
    let mean = 0;
    for (let row = 0; row < rows; row++) mean += values[row * columns + c]! / rows;
    let variance = 0;
    for (let row = 0; row < rows; row++) variance += (values[row * columns + c]! - mean) ** 2 / rows;
    const factor = variance > 0 ? 1 / Math.sqrt(variance) : 0;
    for (let row = 0; row < rows; row++) {
      out[row * columns + c] = (values[row * columns + c]! - mean) * factor;
    }
  }
  return out;
}
