/** Writing an embedding as a file and as a picture. */

import { Option } from 'commander';
import { OptionError } from '../../core/errors.js';
import type { AnyEstimator } from '../../estimators/load.js';
import { scatterHtml } from '../../plot/scatterHtml.js';
import { scatterSvg } from '../../plot/scatterSvg.js';
import { fileSystem } from '../npy.js';
import type { ColumnPlan } from '../table/columnPlan.js';
import {
  carriedColumns,
  type EmbeddedBlock,
  embeddingTable,
  embedTable,
  type RowCounts,
} from '../table/embedTable.js';
import type { Cell, Table } from '../table/table.js';
import { outputFormat, outputFormats, writeTable } from '../table/writeTable.js';
import { type CommonFlags, names, note } from './context.js';

/** Flags of commands that write an embedding. */
export interface OutputFlags extends CommonFlags {
  readonly embedding?: string;
  readonly embeddingFormat?: string;
  readonly plot?: string;
  readonly keep?: readonly string[];
}

export const plotFlag: Option = new Option('--plot <file>', 'draw the map: .html or .svg');
export const keepFlag: Option = new Option(
  '--keep <names>',
  'columns that go into the file, or all (default: id and label; Parquet: all)',
).argParser(names);
/** For commands with `--out`. */
export const outFormat: Option = new Option(
  '--out-format <name>',
  'format of the output, where its name does not say it',
).choices(outputFormats);

/** All of `OutputFlags`. */
export const outputFlags: readonly Option[] = [
  new Option('--embedding <file>', 'write the map: .csv, .tsv, .jsonl, .parquet, .npy, or - for CSV'),
  new Option('--embedding-format <name>', 'its format, where the name does not say it').choices(
    outputFormats,
  ),
  plotFlag,
  keepFlag,
];

/** Most points of a picture; of more, evenly spaced ones are drawn. */
const MOST_POINTS = 1_000_000;

/** Throws `OptionError` for names of outputs that say no format, before any work. */
export function checkOutputNames({ embedding, embeddingFormat, plot }: OutputFlags): void {
  if (embedding !== undefined) outputFormat(embedding, embeddingFormat);
  if (plot !== undefined) pictureFormat(plot);
}

/** Embeds a table, once, and writes what the flags ask for. Returns the number of rows; undefined where nothing is asked for. */
export async function writeOutputs(
  estimator: AnyEstimator,
  table: Table,
  plan: ColumnPlan,
  flags: OutputFlags,
): Promise<RowCounts | undefined> {
  const { embedding, plot } = flags;
  if (embedding === undefined && plot === undefined) return undefined;
  const format = embedding === undefined ? null : outputFormat(embedding, flags.embeddingFormat);
  const chosen = carriedColumns(table, plan, flags.keep ?? null, format);
  const { label } = plan;
  const colors = plot !== undefined && label !== null && table.columns.some(({ name }) => name === label);
  const carry = colors && !chosen.includes(label) ? [...chosen, label] : chosen;
  const counts: RowCounts = { rows: 0, dropped: 0 };
  const points = plot === undefined ? undefined : pointCollector(colors ? carry.indexOf(label) : -1);
  const blocks = collected(embedTable(estimator, table, plan, carry, counts), points);
  if (embedding === undefined) for await (const _ of blocks);
  else {
    const dimensions = estimator.encoder.outputs[0]!.shape.at(-1)!;
    await writeTable(embedding, embeddingTable(blocks, dimensions, table, chosen, carry, plan.id), format!);
  }
  if (points) await writePicture(plot!, points.take(), { label, title: table.name });
  if (counts.dropped > 0)
    note(flags, `${counts.dropped} rows left out of the map, since a value was missing`);
  return counts;
}

async function* collected(
  blocks: AsyncIterable<EmbeddedBlock>,
  points: PointCollector | undefined,
): AsyncGenerator<EmbeddedBlock, void, void> {
  for await (const block of blocks) {
    points?.add(block);
    yield block;
  }
}

/** Points of a picture, and their labels. */
export interface PicturePoints {
  readonly data: Float32Array;
  readonly labels: (string | number)[] | undefined;
}

interface PointCollector {
  add(block: EmbeddedBlock): void;
  take(): PicturePoints;
}

/** Collects the first two coordinates of every row, or of evenly spaced ones where there are too many. */
function pointCollector(labelAt: number): PointCollector {
  let xy: number[] = [];
  let labels: Cell[] = [];
  let every = 1;
  let seen = 0;
  return {
    add({ rows, z, dimensions, carried }) {
      if (dimensions < 2) {
        throw new OptionError(
          '--plot: expected an embedding of at least 2 dimensions, got 1; leave --plot out',
        );
      }
      for (let row = 0; row < rows; row++, seen++) {
        if (seen % every !== 0) continue;
        xy.push(z[row * dimensions]!, z[row * dimensions + 1]!);
        if (labelAt >= 0) labels.push(carried[labelAt]![row]!);
        if (xy.length <= 2 * MOST_POINTS) continue;
        every *= 2;
        xy = xy.filter((_, i) => (i >> 1) % 2 === 0);
        labels = labels.filter((_, i) => i % 2 === 0);
      }
    },
    take: () => ({ data: Float32Array.from(xy), labels: labelAt < 0 ? undefined : labelsOf(labels) }),
  };
}

/** Labels of a picture: numbers if all are numbers, else text; none is empty. */
export function labelsOf(cells: readonly Cell[]): (string | number)[] {
  const numbers = cells.map((cell) => (cell === null ? Number.NaN : Number(cell)));
  if (numbers.every((value, i) => cells[i] === null || Number.isFinite(value))) return numbers;
  return cells.map((cell) => (cell === null ? '' : String(cell)));
}

function pictureFormat(path: string): 'html' | 'svg' {
  if (/\.html?$/i.test(path)) return 'html';
  if (/\.svg$/i.test(path)) return 'svg';
  throw new OptionError(`${path}: expected a name that ends in .html or .svg, got another; give one of them`);
}

/** Draws points. */
export async function writePicture(
  path: string,
  { data, labels }: PicturePoints,
  { title, label }: { readonly title: string; readonly label: string | null },
): Promise<void> {
  const points = { data, shape: [data.length / 2, 2] };
  const options = { title: label === null ? title : `${title}, by ${label}`, ...(labels && { labels }) };
  const picture = pictureFormat(path) === 'html' ? scatterHtml(points, options) : scatterSvg(points, options);
  const fs = await fileSystem('draw a picture');
  await fs.writeFile(path, picture);
}
