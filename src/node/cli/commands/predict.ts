/** `predict`: labels for new rows, by the classifier of a model. */

import type { Command } from 'commander';
import { OptionError } from '../../../core/errors.js';
import { CompressionVAE } from '../../../estimators/vae/compressionVae.js';
import { batches, carriedColumns, type RowCounts } from '../../table/embedTable.js';
import type { Cell } from '../../table/table.js';
import { type OutputTable, outputFormat, writeTable } from '../../table/writeTable.js';
import {
  checkOutputs,
  type FileFlags,
  fileFlags,
  inputTable,
  readModel,
  report,
  requirePlan,
} from '../context.js';
import { keepFlag, outFormat } from '../embedding.js';

interface PredictFlags extends FileFlags {
  readonly out: string;
  readonly outFormat?: string;
  readonly keep?: readonly string[];
  readonly proba?: boolean;
}

/** Adds the command. */
export function addPredict(program: Command): void {
  const command = program
    .command('predict')
    .summary('labels for new rows')
    .description(
      'Predicts the label of each row, with a model that was fitted with --classifier and --label.',
    )
    .argument('<model>', 'directory of the model')
    .argument('<source>', 'file, folder, SQL in quotes, or - for CSV on the standard input')
    .requiredOption('--out <file>', 'write the labels: .csv, .tsv, .jsonl, .parquet, or - for CSV')
    .option('--proba', 'also the probability of each label');
  for (const flag of [outFormat, keepFlag, ...fileFlags]) command.addOption(flag);
  command.addHelpText(
    'after',
    `
Example:
  $ parametric-umap fit species.csv --label species --classifier --out model/
  $ parametric-umap predict model/ new.csv --out labels.csv`,
  );
  command.action(predict);
}

async function predict(path: string, source: string, flags: PredictFlags): Promise<void> {
  const format = outputFormat(flags.out, flags.outFormat);
  checkOutputs(flags, [flags.out]);
  const model = await readModel(path, flags);
  const { estimator } = model;
  if (estimator instanceof CompressionVAE) {
    throw new OptionError(
      'predict: expected a model with a classifier, got a vae; fit umap or contrastive with --classifier',
    );
  }
  const table = await inputTable(source, flags);
  try {
    const plan = requirePlan(model, table);
    const classes = estimator.classes.map(String);
    const numeric = estimator.classes.every((label) => typeof label === 'number');
    const keep = carriedColumns(table, plan, flags.keep ?? null, format);
    const counts: RowCounts = { rows: 0, dropped: 0 };
    const output: OutputTable = {
      columns: [
        ...keep.map((name) => {
          const type = table.columns.find((column) => column.name === name)?.type;
          return { name, type: type === 'number' ? ('number' as const) : ('text' as const) };
        }),
        { name: 'predicted', type: numeric ? 'number' : 'text' },
        ...(flags.proba ? classes.map((name) => ({ name: `p_${name}`, type: 'number' as const })) : []),
      ],
      blocks: (async function* () {
        for await (const { data, shape, carried } of batches(table, plan, keep, counts)) {
          const labels: Cell[] = await estimator.predict({ data, shape });
          const proba = flags.proba ? await estimator.predictProba({ data, shape }) : [];
          const columns = flags.proba ? classes.map((_, c) => proba.map((row) => row[c]!)) : [];
          yield { rows: shape[0]!, values: [...carried, labels, ...columns] };
        }
      })(),
    };
    const rows = await writeTable(flags.out, output, format);
    const lines = flags.out === '-' ? [] : [`labels: ${flags.out} (${rows} rows)`];
    report(flags, { model: path, rows, dropped: counts.dropped, out: flags.out }, lines);
  } finally {
    estimator.dispose();
    await table.close?.();
  }
}
