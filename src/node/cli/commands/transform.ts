/** `transform`: places the rows of a file on the map of a saved model. */

import type { Command } from 'commander';
import { OptionError } from '../../../core/errors.js';
import {
  checkOutputs,
  type FileFlags,
  fileFlags,
  inputTable,
  readModel,
  report,
  requirePlan,
} from '../context.js';
import {
  checkOutputNames,
  keepFlag,
  type OutputFlags,
  outFormat,
  plotFlag,
  writeOutputs,
} from '../embedding.js';

interface TransformFlags extends FileFlags, Omit<OutputFlags, 'embedding' | 'embeddingFormat'> {
  readonly out?: string;
  readonly outFormat?: string;
}

/** Adds the command. */
export function addTransform(program: Command): void {
  const command = program
    .command('transform')
    .summary('place new rows on a map')
    .description('Places the rows of a file on the map of a saved model, whatever the size of the file.')
    .argument('<model>', 'directory of the model')
    .argument('<source>', 'file, folder, SQL in quotes, or - for CSV on the standard input')
    .option('--out <file>', 'write the map: .csv, .tsv, .jsonl, .parquet, .npy, or - for CSV');
  for (const flag of [outFormat, plotFlag, keepFlag, ...fileFlags]) command.addOption(flag);
  command.addHelpText(
    'after',
    `
Examples:
  $ parametric-umap transform model/ new.csv --out map.csv
  $ parametric-umap transform model/ all.parquet --out map.parquet
  $ cat new.csv | parametric-umap transform model/ - --out -`,
  );
  command.action(transform);
}

async function transform(path: string, source: string, flags: TransformFlags): Promise<void> {
  const { out: embedding, outFormat: embeddingFormat, plot } = flags;
  if (embedding === undefined && plot === undefined) {
    throw new OptionError('transform: expected --out or --plot, got neither; say what to write');
  }
  checkOutputs(flags, [embedding]);
  const outputs = { ...flags, embedding, embeddingFormat };
  checkOutputNames(outputs);
  const model = await readModel(path, flags);
  const table = await inputTable(source, flags);
  try {
    const counts = await writeOutputs(model.estimator, table, requirePlan(model, table), outputs);
    const outcome = { model: path, ...counts, out: embedding ?? null, plot: plot ?? null };
    report(flags, outcome, [
      ...(embedding && embedding !== '-' ? [`embedding: ${embedding} (${counts!.rows} rows)`] : []),
      ...(plot ? [`picture: ${plot}`] : []),
    ]);
  } finally {
    model.estimator.dispose();
    await table.close?.();
  }
}
