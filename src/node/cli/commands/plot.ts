/** `plot`: a picture of the file of a map, or of the training of a model. */

import type { Command } from 'commander';
import { manifestName } from '../../../artifact/manifest.js';
import { OptionError } from '../../../core/errors.js';
import { historySvg } from '../../../plot/historySvg.js';
import { fileSystem } from '../../npy.js';
import { type Cell, type Choice, columnAt, type Table } from '../../table/table.js';
import { type FileFlags, fileFlags, inputTable, readModel, report } from '../context.js';
import { checkOutputNames, labelsOf, writePicture } from '../embedding.js';

interface PlotFlags extends FileFlags {
  readonly out: string;
  readonly label?: string;
  readonly x: string;
  readonly y: string;
  readonly title?: string;
}

/** Adds the command. */
export function addPlot(program: Command): void {
  const command = program
    .command('plot')
    .summary('draw the file of a map')
    .description(
      'Draws the file of a map as a page or a picture. Of a saved model it draws the losses of the training (.svg).',
    )
    .argument('<source>', 'file with columns x and y, .npy of two columns, or the directory of a model')
    .requiredOption('--out <file>', '.html or .svg')
    .option('--label <column>', 'column that colors the points')
    .option('--x <column>', 'column of the horizontal axis', 'x')
    .option('--y <column>', 'column of the vertical axis', 'y')
    .option('--title <text>', 'title of the picture');
  for (const flag of fileFlags) command.addOption(flag);
  command.addHelpText('after', '\nExample:\n  $ parametric-umap plot map.csv --label species --out map.html');
  command.action(plot);
}

async function plot(source: string, flags: PlotFlags): Promise<void> {
  checkOutputNames({ plot: flags.out });
  const fs = await fileSystem('plot');
  if (await fs.stat(`${source}/${manifestName}`).catch(() => undefined)) return plotHistory(source, flags);
  const table = await inputTable(source, flags);
  try {
    const { data, labels } = await readPoints(table, flags);
    const { label = null, title = table.name } = flags;
    await writePicture(flags.out, { data, labels: labels && labelsOf(labels) }, { title, label });
    report(flags, { points: data.length / 2, out: flags.out }, [
      `picture: ${flags.out} (${data.length / 2} points)`,
    ]);
  } finally {
    await table.close?.();
  }
}

/** The points of a map in a file, and their labels. Throws `DataError` for columns that the file lacks. */
export async function readPoints(
  table: Table,
  { x, y, label }: Pick<PlotFlags, 'x' | 'y' | 'label'>,
): Promise<{ readonly data: Float32Array; readonly labels: Cell[] | undefined }> {
  const vector = table.columns.findIndex(({ type }) => type === 'vector');
  const choices: Choice[] =
    vector >= 0 ? [{ at: vector }] : [{ at: columnAt(table, x, '--x') }, { at: columnAt(table, y, '--y') }];
  if (label !== undefined) choices.push({ at: columnAt(table, label, '--label'), asCells: true });
  const text = choices.slice(0, vector >= 0 ? 1 : 2).find(({ at }) => table.columns[at]!.type === 'text');
  if (text) {
    throw new OptionError(
      `plot: expected numbers in ${table.columns[text.at]!.name}, got text; name other columns (--x, --y)`,
    );
  }
  const points: number[] = [];
  const labels: Cell[] = [];
  for await (const { rows, values } of table.blocks(choices)) {
    for (let row = 0; row < rows; row++) {
      const position = vector >= 0 ? (values[0]![row] as ArrayLike<number>) : undefined;
      points.push(
        position ? position[0]! : (values[0]![row] as number),
        position ? position[1]! : (values[1]![row] as number),
      );
      if (label !== undefined) labels.push(values.at(-1)![row] as Cell);
    }
  }
  return { data: Float32Array.from(points), labels: label === undefined ? undefined : labels };
}

async function plotHistory(path: string, flags: PlotFlags): Promise<void> {
  if (!/\.svg$/i.test(flags.out)) {
    throw new OptionError(
      `${flags.out}: expected a name that ends in .svg for the losses of a model, got another`,
    );
  }
  const { estimator } = await readModel(path, flags);
  try {
    const fs = await fileSystem('plot');
    await fs.writeFile(
      flags.out,
      historySvg(estimator.history, { title: flags.title ?? path, xLabel: 'report' }),
    );
    report(flags, { model: path, out: flags.out }, [`picture: ${flags.out}`]);
  } finally {
    estimator.dispose();
  }
}
