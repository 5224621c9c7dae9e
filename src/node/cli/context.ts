/** What all commands share: where they write, reading a model and a table, and flags of files. */

import { InvalidArgumentError, Option } from 'commander';
import type { LoadedArtifact } from '../../artifact/artifact.js';
import { loadModel } from '../../artifact/model.js';
import { OptionError } from '../../core/errors.js';
import { type AnyEstimator, fromLoaded } from '../../estimators/load.js';
import { type ColumnPlan, unscaledPlan } from '../table/columnPlan.js';
import { formatNames, openTable, type TableFormat } from '../table/openTable.js';
import { planIn } from '../table/savedPlan.js';
import type { Table } from '../table/table.js';

/** Flags that every command has. */
export interface CommonFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly backend?: 'auto' | 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';
}

/** Flags of commands that read a file. */
export interface FileFlags extends CommonFlags {
  readonly format?: string;
  readonly separator?: ',' | ';' | '\t';
  readonly header?: boolean;
}

/** Adds the flags of `FileFlags`. */
export const fileFlags: readonly Option[] = [
  new Option('--format <name>', 'format of the input, where its name does not say it').choices(formatNames),
  new Option('--separator <mark>', 'between the fields of a CSV file: , ; or tab').argParser(separatorOf),
  new Option('--header', 'the first line of a CSV file names the columns'),
  new Option('--no-header', 'it does not'),
];

function separatorOf(text: string): string {
  const mark = text === 'tab' || text === '\\t' ? '\t' : text;
  if (mark === ',' || mark === ';' || mark === '\t') return mark;
  throw new InvalidArgumentError('expected a comma, a semicolon or tab.');
}

/** Parses names between commas, as in a line of CSV: those in double quotes may hold commas. */
export function names(text: string): readonly string[] {
  const found = [...text.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)/g)]
    .slice(0, -1)
    .map(([, inQuotes, plain]) => inQuotes?.replaceAll('""', '"') ?? plain!.trim());
  if (found.length > 0 && found.every((name) => name !== '')) return found;
  throw new InvalidArgumentError('expected names between commas.');
}

/** A whole number of at least `low`. */
export function wholeNumber(low: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= low) return value;
    throw new InvalidArgumentError(`expected an integer of at least ${low}.`);
  };
}

/** Opens the table that a command was given. */
export function inputTable(source: string, flags: FileFlags): Promise<Table> {
  const format: TableFormat = { format: flags.format, separator: flags.separator, header: flags.header };
  return openTable(source, format);
}

/** A model as the command line saves it. */
export interface CommandModel {
  /** What was saved. */
  readonly artifact: LoadedArtifact;
  readonly estimator: AnyEstimator;
  /** How its files become rows; undefined for a model that a program saved. */
  readonly plan: ColumnPlan | undefined;
}

/** Loads a model. Throws `ArtifactError` for what is none. */
export async function readModel(path: string, { backend }: CommonFlags): Promise<CommandModel> {
  const artifact = await loadModel(path);
  const plan = planIn(artifact);
  return { artifact, plan, estimator: await fromLoaded(artifact, backend ? { backend } : {}) };
}

/**
 * The plan of a model for a table. A model that a program saved has none: it takes the only column of vectors, or all columns as
 * they are, if they are as many numbers as its rows have. Throws `DataError`.
 */
export function requirePlan({ estimator, plan }: CommandModel, table: Table): ColumnPlan {
  if (plan) return plan;
  const inputs = estimator.encoder.inputs[0]!.shape.slice(1) as number[];
  return unscaledPlan(table, inputs);
}

/** Writes a line on stderr, unless the command is quiet. */
export function note(flags: CommonFlags, line: string): void {
  if (!flags.quiet) process.stderr.write(`${line}\n`);
}

/** Writes the outcome of a command: lines for people, or one JSON object. */
export function report(
  flags: CommonFlags,
  outcome: Readonly<Record<string, unknown>>,
  lines: readonly string[],
): void {
  if (flags.json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  else for (const line of lines) note(flags, line);
}

/** Throws `OptionError` where the standard output is asked for twice. */
export function checkOutputs(flags: CommonFlags, outputs: readonly (string | undefined)[]): void {
  const printed = outputs.filter((output) => output === '-').length + (flags.json ? 1 : 0);
  if (printed <= 1) return;
  throw new OptionError('-: expected one thing on the standard output, got two; give files for the others');
}
