/** `fit`: from a file to a model, an embedding and a picture. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import { toFiles } from '../../../artifact/artifact.js';
import { saveDirectory } from '../../../artifact/directory.js';
import { OptionError } from '../../../core/errors.js';
import { ContrastiveEmbedding } from '../../../estimators/contrastive/contrastiveEmbedding.js';
import type { AnyEstimator } from '../../../estimators/load.js';
import { ParametricUMAP } from '../../../estimators/umap/parametricUmap.js';
import { CompressionVAE } from '../../../estimators/vae/compressionVae.js';
import { stopOnInterrupt } from '../../stopOnInterrupt.js';
import { type ColumnOptions, type ColumnPlan, chooseColumns, planWidth } from '../../table/columnPlan.js';
import { type LearnedTable, learnColumns } from '../../table/learnColumns.js';
import { withPlan } from '../../table/savedPlan.js';
import type { Cell, Table } from '../../table/table.js';
import { withConfig } from '../config.js';
import {
  checkOutputs,
  type FileFlags,
  fileFlags,
  inputTable,
  names,
  note,
  report,
  wholeNumber,
} from '../context.js';
import { checkOutputNames, type OutputFlags, outputFlags, writeOutputs } from '../embedding.js';
import { estimatorRows, optionFlags } from '../flags.js';

const estimators: Readonly<Record<string, new (options: object) => AnyEstimator>> = {
  umap: ParametricUMAP,
  contrastive: ContrastiveEmbedding,
  vae: CompressionVAE,
};

/** Flags of `fit` beside those of the estimator. */
export interface FitFlags extends FileFlags, OutputFlags, Omit<ColumnOptions, 'label' | 'id'> {
  readonly estimator: string;
  readonly out?: string;
  readonly label?: string;
  readonly id?: string;
  readonly validation?: number;
  readonly sampleRows?: number | null;
  readonly checkpoint?: string;
  readonly checkpointSeconds?: number;
  readonly resume?: boolean;
  readonly graph: boolean;
  readonly supervised?: boolean;
  readonly classifier?: boolean;
  readonly verbose?: boolean;
}

/** Adds the command, with the flags of the estimator that the arguments name. */
export function addFit(program: Command, estimator: string): void {
  const command = program
    .command('fit')
    .summary('learn a map from a file or a query')
    .description('Learns a map from the rows of a file, a folder of .npy files, or a query in SQL.')
    .argument('<source>', 'file, folder, SQL in quotes, or - for CSV on the standard input')
    .addOption(
      new Option('--estimator <name>', 'umap, contrastive or vae')
        .choices(Object.keys(estimators))
        .default('umap'),
    )
    .option('--out <model>', 'save the model in this directory')
    .option('--label <column>', 'column with labels, which color the picture and go into the files')
    .option('--id <column>', 'column that names the rows')
    .option('--columns <names>', 'columns to learn from, between commas (default: all others)', names)
    .option('--exclude <names>', 'columns to leave out, between commas', names)
    .addOption(new Option('--encode <how>', 'take columns of text').choices(['onehot']))
    .addOption(
      new Option('--scale <how>', 'of number columns (default: standard; none for vectors)').choices([
        'standard',
        'minmax',
        'none',
      ]),
    )
    .addOption(
      new Option('--missing <what>', 'rows with a missing value: an error, left out, or the mean')
        .choices(['error', 'drop', 'mean'])
        .default('error'),
    )
    .option('--supervised', 'let the labels shape the map, and --classifier predict them')
    .option('--validation <share>', 'share of rows to hold out, between 0 and 1', share)
    .option('--sample-rows <n|all>', 'rows to learn from (default: up to 200000)', sampleRowsOf)
    .option('--checkpoint <dir>', 'save the training there while it runs')
    .option('--checkpoint-seconds <n>', 'seconds between two checkpoints', wholeNumber(1))
    .option('--resume', 'go on from the checkpoint after an interruption')
    .option('--no-graph', 'save the model without its neighbor graph, which only later fits need')
    .option(
      '--config <file.json>',
      'flags from a file: {"estimator": "vae", "numSteps": 5000, "label": "species"}',
    )
    .option('--verbose', 'print what is chosen and the progress, also where stderr is no terminal');
  for (const flag of [...outputFlags, ...fileFlags]) command.addOption(flag);
  for (const flag of optionFlags(estimator)) command.addOption(flag.hideHelp());
  command.addHelpText(
    'after',
    `
Options of the estimator are flags too: \`parametric-umap options ${estimator}\` lists them.

Examples:
  $ parametric-umap fit species.csv --label species --out model/ --embedding map.csv --plot map.html
  $ parametric-umap fit "SELECT * FROM 'flights.parquet' WHERE year = 2024" --id flight --out model/
  $ parametric-umap fit images.npy --estimator vae --num-steps 20000 --out model/`,
  );
  command.action((source: string, _flags: FitFlags) => fit(source, command));
}

function share(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError('expected a number between 0 and 1.');
}

function sampleRowsOf(text: string): number | null {
  return text === 'all' ? null : wholeNumber(2)(text);
}

async function fit(source: string, command: Command): Promise<void> {
  const flags = (await withConfig(command)).opts<FitFlags>();
  checkFlags(flags);
  const options = estimatorOptions(flags);
  const estimator = new estimators[flags.estimator]!(options);
  const table = await inputTable(source, flags);
  let learned: LearnedTable | undefined;
  try {
    learned = await learnColumns(table, chooseColumns(table, flags));
    describeRows(learned, flags, table);
    await fitModel(estimator, learned, flags);
    if (flags.out !== undefined) await saveModelWithPlan(flags.out, estimator, learned.plan, flags.graph);
    const counts = await writeOutputs(estimator, table, learned.plan, flags);
    const { loss = [] } = estimator.history;
    report(flags, outcomeOf(flags, learned, loss.at(-1), counts), [
      ...(flags.out === undefined ? [] : [`model: ${flags.out}`]),
      ...(flags.embedding && flags.embedding !== '-'
        ? [`embedding: ${flags.embedding} (${counts!.rows} rows)`]
        : []),
      ...(flags.plot ? [`picture: ${flags.plot}`] : []),
    ]);
  } finally {
    estimator.dispose();
    await learned?.close();
    await table.close?.();
  }
}

function checkFlags(flags: FitFlags): void {
  if (flags.out === undefined && flags.embedding === undefined && flags.plot === undefined) {
    throw new OptionError('fit: expected --out, --embedding or --plot, got none of them; say what to write');
  }
  checkOutputs(flags, [flags.embedding]);
  checkOutputNames(flags);
  if (flags.resume && flags.checkpoint === undefined) {
    throw new OptionError('--resume: expected --checkpoint, got none; give the directory of the checkpoint');
  }
  const usesLabels = flags.supervised || flags.classifier;
  if (usesLabels && flags.label === undefined) {
    throw new OptionError(
      '--supervised, --classifier: expected --label, got none; name the column of labels',
    );
  }
  if (flags.supervised && flags.estimator === 'vae') {
    throw new OptionError(
      '--supervised: expected --estimator umap or contrastive, got vae; leave one of them out',
    );
  }
}

/** The flags that are options of the estimator. */
function estimatorOptions(flags: FitFlags): object {
  const { checkpoint: path, checkpointSeconds: everySeconds } = flags;
  const given = Object.entries(flags).filter(([name]) =>
    Object.hasOwn(estimatorRows[flags.estimator]!, name),
  );
  const options: Record<string, unknown> = Object.fromEntries(given);
  delete options.checkpoint;
  return {
    ...options,
    ...(path !== undefined && { checkpoint: { path, ...(everySeconds && { everySeconds }) } }),
    verbose: flags.verbose ?? (process.stderr.isTTY === true && !flags.quiet),
    callbacks: [stopOnInterrupt()],
  };
}

function describeRows({ plan, rows, dropped }: LearnedTable, flags: FitFlags, table: Table): void {
  const width = planWidth(plan);
  const scaled = {
    standard: 'numbers scaled to mean 0 and deviation 1 (--scale)',
    minmax: 'numbers scaled to 0 to 1 (--scale)',
    none: 'numbers as they are (--scale)',
  }[plan.scaling];
  note(
    flags,
    `${table.name}: ${rows.rows} rows of ${width} ${width === 1 ? 'number' : 'numbers'}; ${scaled}`,
  );
  if (dropped > 0) note(flags, `${dropped} rows left out, since a value was missing`);
}

async function fitModel(
  estimator: AnyEstimator,
  { rows, labels }: LearnedTable,
  flags: FitFlags,
): Promise<void> {
  const { validation, resume, sampleRows, supervised } = flags;
  const inputs = {
    ...(validation !== undefined && { validation }),
    ...(sampleRows !== undefined && { sampleRows }),
    ...(resume && { resume }),
  };
  const learns = supervised || flags.classifier;
  await estimator.fit(rows, learns ? targetsOf(labels!) : null, inputs);
}

/** Labels for a fit: numbers if all are, else text; a missing label is unknown. */
function targetsOf(labels: readonly Cell[]): (number | string | null)[] {
  const numbers = labels.map((label) => (label === null ? null : Number(label)));
  if (numbers.every((value) => value === null || Number.isFinite(value))) return numbers;
  return labels.map((label) => (label === null ? null : String(label)));
}

async function saveModelWithPlan(
  path: string,
  estimator: AnyEstimator,
  plan: ColumnPlan,
  includeGraph: boolean,
): Promise<void> {
  const artifact = await estimator.toArtifact({ includeGraph });
  await saveDirectory(path, await toFiles(withPlan(artifact, plan)));
}

function outcomeOf(
  flags: FitFlags,
  { plan, rows, dropped }: LearnedTable,
  loss: number | undefined,
  counts: { readonly rows: number } | undefined,
): Readonly<Record<string, unknown>> {
  return {
    estimator: flags.estimator,
    rows: rows.rows,
    dropped,
    columns: planWidth(plan),
    scaling: plan.scaling,
    loss: loss ?? null,
    model: flags.out ?? null,
    embedding: flags.embedding ?? null,
    embedded: counts?.rows ?? null,
    plot: flags.plot ?? null,
  };
}
