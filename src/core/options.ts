/** Completes and checks options. */
import { describe, OptionError } from './errors.js';
import type { Rule } from './rules.js';

/**
 * One option. Defaults, checks and their messages, the tables of the docs and the tests of wrong values are made from
 * it. Its type and its full description stand in the interface of the options.
 */
export interface OptionRow<T> {
  readonly default: T;
  readonly rule: Rule;
  /** Its meaning in one line, for the table of the docs (Markdown without links). */
  readonly help: string;
}

/** A row for each field of an options interface, in the order in which they are listed. */
export type OptionRows<T> = { readonly [K in keyof T]-?: OptionRow<T[K]> };

/** A rule for each option. */
export type OptionRules<T> = { readonly [K in keyof T]-?: Rule };

/** The default of each option, frozen. */
export function defaultsOf<T extends object>(rows: OptionRows<T>): Readonly<T> {
  return Object.freeze(columnOf<T, T>(rows, (row) => row.default));
}

/** The rule of each option. */
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
 * Completes `given` from `defaults` and checks every value, without changing either object. An option that is missing
 * or `undefined` takes its default. `caller` is named in messages. `renamed` maps names of the Python original to the
 * name here. Throws `OptionError` for values that break their rule and for unknown names, with the most similar known
 * name (snake_case is compared as camelCase).
 */
export function resolveOptions<T extends object>(
  caller: string,
  given: Partial<T> | undefined,
  defaults: Readonly<T>,
  rules: NoInfer<OptionRules<T>>,
  renamed: Readonly<Record<string, string>> = {},
): T {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new OptionError(
      `${caller}: expected an options object, got ${describe(given)}; pass { name: value } or nothing`,
    );
  }
  const resolved: T = { ...defaults };
  const known = Object.keys(defaults);
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!known.includes(name)) throw new OptionError(`${caller}: ${unknown(name, known, renamed)}`);
    if (value === undefined) continue;
    const rule = rules[name as keyof T];
    if (!rule.accepts(value)) throw new OptionError(`${caller}: ${name}: ${refusal(rule, value)}`);
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

/** The known name with the smallest edit distance, if that is at most 2 or a third of the length of `name`. */
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

/** Levenshtein distance. */
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
