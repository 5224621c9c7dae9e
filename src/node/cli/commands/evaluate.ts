/** `evaluate`: how well a model shows the rows of a file. */

import type { Command } from 'commander';
import { DataError, NotFittedError } from '../../../core/errors.js';
import { createRandom } from '../../../core/random.js';
import type { Matrix } from '../../../core/types.js';
import { CompressionVAE } from '../../../estimators/vae/compressionVae.js';
import { distanceCorrelation, knnAccuracy, silhouette, trustworthiness } from '../../../metrics/scores.js';
import { batches, type RowCounts } from '../../table/embedTable.js';
import type { Cell } from '../../table/table.js';
import {
  type CommandModel,
  type FileFlags,
  fileFlags,
  inputTable,
  readModel,
  requirePlan,
  wholeNumber,
} from '../context.js';
import { labelsOf } from '../embedding.js';

interface EvaluateFlags extends FileFlags {
  readonly rows: number;
  readonly label?: string;
}

/** Adds the command. */
export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .summary('scores of a map')
    .description(
      'Scores the map of a file: trustworthiness (neighbors on the map are neighbors among the rows), correlation of distances, and with ' +
        'labels the accuracy of the 5 nearest neighbors and the silhouette; with a decoder the error of reconstructed rows.',
    )
    .argument('<model>', 'directory of the model')
    .argument('<source>', 'file, folder, SQL in quotes, or - for CSV on the standard input')
    .option('--rows <n>', 'most rows to score, evenly spaced', wholeNumber(20), 5000)
    .option('--label <column>', 'column with labels (default: that of the fit)');
  for (const flag of fileFlags) command.addOption(flag);
  command.addHelpText('after', '\nExample:\n  $ parametric-umap evaluate model/ heldout.csv --json');
  command.action(evaluate);
}

async function evaluate(path: string, source: string, flags: EvaluateFlags): Promise<void> {
  const model = await readModel(path, flags);
  const table = await inputTable(source, flags);
  try {
    const plan = requirePlan(model, table);
    const label = flags.label ?? plan.label;
    const labeled =
      label !== null && (flags.label !== undefined || table.columns.some(({ name }) => name === label));
    const counts: RowCounts = { rows: 0, dropped: 0 };
    const rows: Rows = { parts: [], labels: [], rowShape: [], every: 1 };
    let seen = 0;
    for await (const { data, shape, carried } of batches(table, plan, labeled ? [label!] : [], counts)) {
      rows.rowShape = shape.slice(1);
      const width = data.length / shape[0]!;
      for (let row = 0; row < shape[0]!; row++, seen++) {
        if (seen % rows.every !== 0) continue;
        rows.parts.push(data.slice(row * width, (row + 1) * width));
        if (labeled) rows.labels.push(carried[0]![row]!);
        if (rows.parts.length <= flags.rows) continue;
        rows.every *= 2;
        rows.parts = rows.parts.filter((_, i) => i % 2 === 0);
        rows.labels = rows.labels.filter((_, i) => i % 2 === 0);
      }
    }
    const scores = await scoresOf(model, rows, labeled);
    const outcome = { rows: counts.rows, dropped: counts.dropped, scored: rows.parts.length, ...scores };
    if (flags.json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
    else for (const [name, value] of Object.entries(outcome)) print(name, value);
  } finally {
    model.estimator.dispose();
    await table.close?.();
  }
}

interface Rows {
  parts: Float64Array[];
  labels: Cell[];
  rowShape: readonly number[];
  every: number;
}

function print(name: string, value: number): void {
  const shown = Number.isInteger(value) ? String(value) : value.toFixed(4);
  process.stdout.write(`${name.padEnd(24)}${shown.padStart(12)}\n`);
}

async function scoresOf(
  { estimator }: CommandModel,
  { parts, labels, rowShape }: Rows,
  labeled: boolean,
): Promise<Readonly<Record<string, number>>> {
  const rows = parts.length;
  if (rows < 20) {
    throw new DataError(`evaluate: expected at least 20 rows, got ${rows}; give a file with more`);
  }
  const width = parts[0]!.length;
  const data = new Float64Array(rows * width);
  for (const [i, part] of parts.entries()) data.set(part, i * width);
  const flat = { data, shape: [rows, width] };
  const z = await estimator.transform({ data, shape: [rows, ...rowShape] });
  const nNeighbors = Math.min(15, Math.floor((rows - 1) / 2) - 1);
  const scores: Record<string, number> = {
    trustworthiness: trustworthiness(flat, z, { nNeighbors }),
    distanceCorrelation: distanceCorrelation(flat, z),
  };
  const known = labels.filter((label) => label !== null);
  if (labeled && known.length === rows && new Set(known).size > 1 && new Set(known).size < rows) {
    const named = labelsOf(labels);
    scores.knnAccuracy = halvesAccuracy(z as Matrix, named);
    scores.silhouette = silhouette(z, named);
  }
  const back = await estimator.inverseTransform(z).catch((error: unknown) => {
    if (error instanceof NotFittedError) return undefined;
    throw error;
  });
  if (back) scores.reconstructionError = meanSquares(data, back.data as Float32Array);
  if (estimator instanceof CompressionVAE) {
    const bound = await estimator.elbo({ data, shape: [rows, ...rowShape] });
    scores.elbo = bound.reduce((sum, value) => sum + value / rows, 0);
  }
  return scores;
}

/** Accuracy of one half of the rows, drawn at random, among the other half. */
function halvesAccuracy(
  { data, shape: [rows, columns] }: Matrix,
  labels: readonly (string | number)[],
): number {
  const random = createRandom('evaluate');
  const shuffled = Array.from({ length: rows }, (_, row) => ({ row, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ row }) => row);
  const half = (numbers: readonly number[]) => {
    const part = new Float32Array(numbers.length * columns);
    for (const [i, row] of numbers.entries()) {
      part.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
    }
    return {
      points: { data: part, shape: [numbers.length, columns] as const },
      names: numbers.map((row) => labels[row]!),
    };
  };
  const middle = rows >> 1;
  const [train, test] = [half(shuffled.slice(0, middle)), half(shuffled.slice(middle))];
  return knnAccuracy({
    train: train.points,
    trainLabels: train.names,
    test: test.points,
    testLabels: test.names,
  });
}

/** Mean squared difference, in scaled numbers. */
function meanSquares(a: Float64Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum / a.length;
}
