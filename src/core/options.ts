/** One way to turn a caller's options into complete, checked ones. */
import { describe, OptionError } from './errors.js';

/** Says what is wanted instead when a value does not fit, and nothing when it does. */
export type Rule = (value: unknown) => string | undefined;

/** A whole number in [min, max]. */
export function whole(min: number, max = Number.MAX_SAFE_INTEGER): Rule {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return (value) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `a whole number ${range}`;
}

/** A finite number in [min, max], or (min, max] with `above`. */
export function real(min: number, max = Number.POSITIVE_INFINITY, { above = false } = {}): Rule {
  const low = above ? `above ${min}` : `of at least ${min}`;
  const range = max === Number.POSITIVE_INFINITY ? low : `${low} and at most ${max}`;
  return (value) =>
    typeof value === 'number' &&
    Number.isFinite(value) &&
    value <= max &&
    (above ? value > min : value >= min)
      ? undefined
      : `a number ${range}`;
}

/** One of a list of values. */
export function oneOf(...allowed: readonly string[]): Rule {
  return (value) =>
    allowed.includes(value as string) ? undefined : `one of ${allowed.map((name) => `'${name}'`).join(', ')}`;
}

export const flag: Rule = (value) => (typeof value === 'boolean' ? undefined : 'true or false');

export const callable: Rule = (value) => (typeof value === 'function' ? undefined : 'a function');

/** An object with the given methods: enough to tell a model, an optimizer or a callback from a mistake. */
export function having(what: string, ...methods: readonly string[]): Rule {
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function')
      ? undefined
      : what;
}

/** Any of several rules. */
export function either(...rules: readonly Rule[]): Rule {
  return (value) => {
    const wanted: string[] = [];
    for (const rule of rules) {
      const answer = rule(value);
      if (answer === undefined) return undefined;
      wanted.push(answer);
    }
    return wanted.join(', or ');
  };
}

/** `null` (decide for me), or what the rule wants. */
export function orNull(rule: Rule): Rule {
  return (value) => {
    const answer = value === null ? undefined : rule(value);
    return answer && `${answer}, or null`;
  };
}

/** A list in which every entry fits the rule. */
export function listOf(rule: Rule): Rule {
  return (value) => {
    if (!Array.isArray(value)) return 'an array';
    for (const entry of value) {
      const answer = rule(entry);
      if (answer !== undefined) return `an array in which each entry is ${answer}`;
    }
    return undefined;
  };
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
  rules: { readonly [K in keyof T]: Rule },
  renamed: Readonly<Record<string, string>> = {},
): T {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new OptionError(`${who}: an options object wanted, got ${describe(given)}`);
  }
  const resolved: T = { ...defaults };
  const known = Object.keys(defaults);
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!known.includes(name)) throw new OptionError(`${who}: ${unknown(name, known, renamed)}`);
    if (value === undefined) continue;
    const wanted = rules[name as keyof T](value);
    if (wanted !== undefined)
      throw new OptionError(`${who}: ${name} must be ${wanted}; got ${describe(value)}`);
    resolved[name as keyof T] = value as T[keyof T];
  }
  return resolved;
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
