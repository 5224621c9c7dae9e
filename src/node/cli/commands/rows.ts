/** `inverse` and `sample`: rows in data space, written with the columns of the file that the model was fitted on. */

import type { Command } from 'commander';
import { DataError, OptionError } from '../../../core/errors.js';
import type { MatrixInput } from '../../../data/matrix.js';
import { CompressionVAE } from '../../../estimators/vae/compressionVae.js';
import type { ColumnPlan } from '../../table/columnPlan.js';
import { coordinateNames } from '../../table/embedTable.js';
import { columnsOf, decodedNames, decodeRows, plannedBlocks } from '../../table/encodeRows.js';
import type { Table } from '../../table/table.js';
import { type OutputTable, outputFormat, writeTable } from '../../table/writeTable.js';
import {
  type CommandModel,
  checkOutputs,
  type FileFlags,
  fileFlags,
  inputTable,
  readModel,
  report,
  wholeNumber,
} from '../context.js';
import { outFormat } from '../embedding.js';

interface RowFlags extends FileFlags {
  readonly out: string;
  readonly outFormat?: string;
}

interface SampleFlags extends RowFlags {
  readonly count: number;
  readonly seed?: string;
}

/** Adds the commands. */
export function addRows(program: Command): void {
  const inverse = program
    .command('inverse')
    .summary('rows for places on a map')
    .description(
      'Gives rows for places on the map, from the columns x and y of a file (z1, z2 and so on beyond three dimensions), or from its ' +
        'only column of vectors. Needs a model with a decoder: --parametric-reconstruction, or --estimator vae.',
    )
    .argument('<model>', 'directory of the model')
    .argument('<source>', 'file, SQL in quotes, or - for CSV on the standard input')
    .requiredOption('--out <file>', 'write the rows: .csv, .tsv, .jsonl, .parquet, .npy, or - for CSV');
  for (const flag of [outFormat, ...fileFlags]) inverse.addOption(flag);
  inverse.addHelpText('after', '\nExample:\n  $ parametric-umap inverse model/ places.csv --out rows.csv');
  inverse.action(invert);

  program
    .command('sample')
    .summary('new rows from a variational autoencoder')
    .description('Draws new rows from the prior of a variational autoencoder.')
    .argument('<model>', 'directory of the model')
    .requiredOption('--out <file>', 'write the rows: .csv, .tsv, .jsonl, .parquet, .npy, or - for CSV')
    .option('--count <n>', 'number of rows', wholeNumber(1), 100)
    .option('--seed <seed>', 'equal seeds draw equal rows (default: that of the model)')
    .addOption(outFormat)
    .addHelpText('after', '\nExample:\n  $ parametric-umap sample model/ --count 1000 --out rows.csv')
    .action(sample);
}

async function invert(path: string, source: string, flags: RowFlags): Promise<void> {
  const format = outputFormat(flags.out, flags.outFormat);
  checkOutputs(flags, [flags.out]);
  const model = await readModel(path, flags);
  const table = await inputTable(source, flags);
  try {
    const { estimator } = model;
    const plan = placesPlan(table, estimator.encoder.outputs[0]!.shape.at(-1)!);
    const decoded = async function* () {
      for await (const { rows } of plannedBlocks(table, plan, [])) {
        yield await estimator.inverseTransform({ data: Float32Array.from(rows.data), shape: rows.shape });
      }
    };
    const rows = await writeTable(flags.out, rowTable(model, decoded()), format);
    report(flags, { model: path, rows, out: flags.out }, outLines(flags.out, rows));
  } finally {
    model.estimator.dispose();
    await table.close?.();
  }
}

function outLines(out: string, rows: number): readonly string[] {
  return out === '-' ? [] : [`rows: ${out} (${rows} rows)`];
}

/** Reads the coordinates of an embedding, as they are. */
function placesPlan(table: Table, dimensions: number): ColumnPlan {
  const vectors = table.columns.filter(({ type }) => type === 'vector');
  const plain = { label: null, id: null, scaling: 'none', missing: 'error' } as const;
  const numbers = {
    shift: new Float64Array(dimensions),
    factor: new Float64Array(dimensions).fill(1),
    mean: new Float64Array(dimensions),
  };
  if (vectors.length === 1) {
    const feature = { name: vectors[0]!.name, kind: 'vector', width: dimensions } as const;
    return { features: [feature], ...plain, ...numbers };
  }
  const features = coordinateNames(dimensions).map((name) => ({ name, kind: 'number', width: 1 }) as const);
  const lacking = features.find(({ name }) => !table.columns.some((column) => column.name === name));
  if (lacking === undefined) return { features, ...plain, ...numbers };
  throw new DataError(
    `${table.name}: expected columns ${features.map(({ name }) => name).join(', ')} with places on the map, got no ${lacking.name}; rename them`,
  );
}

/** Rows that a decoder gives, as a table with the columns of the model, scaled back. */
function rowTable({ plan, estimator }: CommandModel, blocks: AsyncIterable<MatrixInput>): OutputTable {
  const width = (estimator.encoder.inputs[0]!.shape.slice(1) as number[]).reduce((a, b) => a * b, 1);
  const names = decodedNames(plan, width);
  const text = new Set(plan?.features.filter(({ kind }) => kind === 'onehot').map(({ name }) => name));
  return {
    columns: names.map((name) => ({ name, type: text.has(name) ? 'text' : 'number' })),
    blocks: (async function* () {
      for await (const block of blocks) {
        const { data, shape } = block as { data: Float32Array; shape: readonly number[] };
        const rows = shape[0]!;
        yield { rows, values: plan ? decodeRows(data, rows, plan) : columnsOf(data, rows) };
      }
    })(),
  };
}

async function sample(path: string, flags: SampleFlags): Promise<void> {
  const format = outputFormat(flags.out, flags.outFormat);
  checkOutputs(flags, [flags.out]);
  const model = await readModel(path, flags);
  try {
    const { estimator } = model;
    if (!(estimator instanceof CompressionVAE)) {
      throw new OptionError('sample: expected a model of --estimator vae, got another; fit one');
    }
    const drawn = async function* () {
      const rows = await estimator.sample(
        flags.count,
        flags.seed === undefined ? {} : { seed: seedOf(flags.seed) },
      );
      const flat = rows.map((row) => row.flat(Number.POSITIVE_INFINITY) as number[]);
      yield { data: Float32Array.from(flat.flat()), shape: [rows.length, flat[0]!.length] };
    };
    const rows = await writeTable(flags.out, rowTable(model, drawn()), format);
    report(flags, { model: path, rows, out: flags.out }, outLines(flags.out, rows));
  } finally {
    model.estimator.dispose();
  }
}

/** A seed as typed: a whole number or a text. */
function seedOf(text: string): number | string {
  const value = Number(text);
  return Number.isInteger(value) && text.trim() !== '' ? value : text;
}
