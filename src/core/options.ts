/** One way to turn a caller's options into complete, checked ones. */
import { describe, OptionError } from './errors.js';
import type { Rule } from './rules.js';

/**
 * All that is to be said about one option but its type and its long description, which its interface has: defaults,
 * checks and their messages, tables of the docs and tests of wrong values are made from it.
 */
export interface OptionRow<T> {
  readonly default: T;
  readonly rule: Rule;
  /** Its meaning in one line, as in the table of the docs (Markdown without links). */
  readonly help: string;
}

/** A row for each field of an options interface, in the order in which they are listed. */
export type OptionRows<T> = { readonly [K in keyof T]-?: OptionRow<T[K]> };

/** A rule for each option. */
export type OptionRules<T> = { readonly [K in keyof T]-?: Rule };

/** The frozen defaults of some rows. */
export function defaultsOf<T extends object>(rows: OptionRows<T>): Readonly<T> {
  return Object.freeze(columnOf<T, T>(rows, (row) => row.default));
}

export function rulesOf<T extends object>(rows: OptionRows<T>): OptionRules<T> {
  return columnOf<T, OptionRules<T>>(rows, (row) => row.rule);
}

function columnOf<T extends object, Column>(
  rows: OptionRows<T>,
  read: (row: OptionRow<T[keyof T]>) => unknown,
): Column {
  const entries = Object.entries<OptionRow<T[keyof T]>>(rows).map(([name, row]) => [name, read(row)]);
  return Object.fromEntries(entries) as Column;
}

/**
 * Completes `given` from `defaults` and checks every value; neither object is touched. An option left out or
 * `undefined` takes its default. Throws `OptionError` for unknown names (with the likely one: a snake_case name
 * gets its camelCase one, and `renamed` says what a name of the Python original became) and values out of range.
 */
export function resolveOptions<T extends object>(
  who: string,
  given: Partial<T> | undefined,
  defaults: Readonly<T>,
  rules: NoInfer<OptionRules<T>>,
  renamed: Readonly<Record<string, string>> = {},
): T {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new OptionError(`${who}: expected an options object, got ${describe(given)}`);
  }
  const resolved: T = { ...defaults };
  const known = Object.keys(defaults);
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!known.includes(name)) throw new OptionError(`${who}: ${unknown(name, known, renamed)}`);
    if (value === undefined) continue;
    const rule = rules[name as keyof T];
    if (!rule.accepts(value)) throw new OptionError(`${who}: ${name}: ${refusal(rule, value)}`);
    resolved[name as keyof T] = value as T[keyof T];
  }
  return resolved;
}

function refusal(rule: Rule, value: unknown): string {
  const advice = rule.advice?.(value);
  return `expected ${rule.text}, got ${describe(value)}${advice === undefined ? '' : `; ${advice}`}`;
}

function unknown(name: string, known: readonly string[], renamed: Readonly<Record<string, string>>): string {
  const camel = name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  if (Object.hasOwn(renamed, camel)) return `unknown option '${name}': ${renamed[camel]}`;
  const likely = known.includes(camel) ? camel : closest(camel, known);
  if (likely !== undefined) return `unknown option '${name}'; did you mean '${likely}'?`;
  return `unknown option '${name}'; options are ${known.join(', ')}`;
}

/** The name within a third of its length in edits, if any. */
export function closest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
