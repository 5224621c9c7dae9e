/**
 * Rules for values, as records: error messages take the text, a command line the kind, the range and the choices,
 * tests the values that must be rejected.
 */
import { describe } from './errors.js';

export interface Rule {
  /** `either`: several rules, in `alternatives`. `any`: no check, for what is checked where it is used. */
  readonly kind:
    | 'integer'
    | 'number'
    | 'choice'
    | 'flag'
    | 'text'
    | 'function'
    | 'object'
    | 'list'
    | 'either'
    | 'any';
  /** What is expected, as used in messages: `an integer of at least 2`. */
  readonly text: string;
  readonly accepts: (value: unknown) => boolean;
  /** Values that must be rejected, at least one for each way to be wrong. Never `undefined`, which means "default". */
  readonly bad: readonly unknown[];
  /** What to do, for values that are wrong in a known way. */
  readonly advice?: (value: unknown) => string | undefined;
  /** Range of integers and numbers. */
  readonly min?: number;
  readonly max?: number;
  /** The range excludes `min`. */
  readonly above?: boolean;
  readonly choices?: readonly string[];
  /** `null` is accepted. */
  readonly nullable?: boolean;
  /** Rule for each entry of a list. */
  readonly entry?: Rule;
  readonly alternatives?: readonly Rule[];
}

/** An integer in [min, max]. */
export function integer(min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER): Rule {
  const low = min === Number.MIN_SAFE_INTEGER ? '' : ` of at least ${min}`;
  const range = max === Number.MAX_SAFE_INTEGER ? low : ` from ${min} to ${max}`;
  const within = Math.min(max, Math.max(min, 0));
  return {
    kind: 'integer',
    text: `an integer${range}`,
    accepts: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
    bad: [
      min - 1,
      max + 1,
      within + 0.5,
      Number.NaN,
      Infinity,
      `${within}`,
      BigInt(within),
      null,
      true,
      [within],
      {},
    ],
    min,
    max,
  };
}

/** A finite number in [min, max], or (min, max] with `above`. */
export function number(min: number, max = Number.POSITIVE_INFINITY, { above = false } = {}): Rule {
  const low = above ? `above ${min}` : `of at least ${min}`;
  const range = max === Number.POSITIVE_INFINITY ? low : `${low} and at most ${max}`;
  const within = Math.min(max, min + 1);
  const outside = [...(above ? [min] : []), min - 1e-6, ...(Number.isFinite(max) ? [max + 1e-6] : [])];
  return {
    kind: 'number',
    text: `a number ${range}`,
    accepts: (value) =>
      typeof value === 'number' &&
      Number.isFinite(value) &&
      value <= max &&
      (above ? value > min : value >= min),
    bad: [...outside, Number.NaN, Infinity, -Infinity, `${within}`, null, true, [within], {}],
    min,
    max,
    above,
  };
}

/** A finite number above 0. */
export const positive: Rule = number(0, Number.POSITIVE_INFINITY, { above: true });

/** One of some strings. */
export function choice(...choices: readonly string[]): Rule {
  return {
    kind: 'choice',
    text: `one of ${choices.map((name) => `'${name}'`).join(', ')}`,
    accepts: (value) => choices.includes(value as string),
    bad: ['', `${choices[0]} `, 0, null, true, [choices[0]], {}],
    choices,
  };
}

export const flag: Rule = {
  kind: 'flag',
  text: 'true or false',
  accepts: (value) => typeof value === 'boolean',
  bad: [0, 1, 'true', 'false', '', null, [], {}],
};

/** Text, not empty unless told otherwise. */
export function text(what = 'text', { empty = false } = {}): Rule {
  return {
    kind: 'text',
    text: what,
    accepts: (value) => typeof value === 'string' && (empty || value !== ''),
    bad: [...(empty ? [] : ['']), 0, null, true, ['text'], {}],
  };
}

export const callable: Rule = {
  kind: 'function',
  text: 'a function',
  accepts: (value) => typeof value === 'function',
  bad: ['function', 0, null, true, [], {}],
};

/** Any object or array. */
export function object(what = 'an object'): Rule {
  return {
    kind: 'object',
    text: what,
    accepts: (value) => typeof value === 'object' && value !== null,
    bad: [null, 0, 'object', true, () => ({})],
  };
}

/** An object with the given methods: enough to recognize a model, an optimizer or a callback. */
export function hasMethods(what: string, ...methods: readonly string[]): Rule {
  const lackingOne = methods.map((missing) =>
    Object.fromEntries(methods.map((method) => [method, method === missing ? true : () => {}])),
  );
  return {
    kind: 'object',
    text: what,
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function'),
    bad: [null, 0, 'object', true, () => {}, [], {}, ...lackingOne],
  };
}

/** An object that has the given keys, its own or inherited. */
export function withKeys(what: string, ...keys: readonly string[]): Rule {
  return {
    kind: 'object',
    text: what,
    accepts: (value) => typeof value === 'object' && value !== null && keys.every((key) => key in value),
    bad: [null, 0, 'object', true, () => ({}), {}, Object.fromEntries(keys.slice(1).map((key) => [key, 1]))],
  };
}

/** No check: what is valid depends on other values, and is checked where these are known. */
export const anything: Rule = { kind: 'any', text: 'anything', accepts: () => true, bad: [] };

/** Any of several rules. */
export function either(...alternatives: readonly Rule[]): Rule {
  return {
    kind: 'either',
    text: alternatives.map((rule) => rule.text).join(', or '),
    accepts: (value) => alternatives.some((rule) => rule.accepts(value)),
    // A value that one rule rejects may be accepted by another.
    bad: alternatives.flatMap((rule) =>
      rule.bad.filter((value) => !alternatives.some((other) => other !== rule && other.accepts(value))),
    ),
    advice: (value) => firstOf(alternatives, (rule) => rule.advice?.(value)),
    nullable: alternatives.some((rule) => rule.nullable === true),
    alternatives,
  };
}

/** `null` (choose automatically), or what the rule accepts. */
export function orNull(rule: Rule): Rule {
  return {
    ...rule,
    text: `${rule.text}, or null`,
    accepts: (value) => value === null || rule.accepts(value),
    bad: rule.bad.filter((value) => value !== null),
    nullable: true,
  };
}

/** An array in which every entry fits the rule. */
export function listOf(entry: Rule): Rule {
  return {
    kind: 'list',
    text: `an array in which each entry is ${entry.text}`,
    accepts: (value) => Array.isArray(value) && value.every((each) => entry.accepts(each)),
    bad: [null, 0, 'list', true, {}, ...entry.bad.map((value) => [value])],
    advice: (value) => {
      if (!Array.isArray(value)) return undefined;
      const wrong = value.findIndex((each) => !entry.accepts(each));
      return entry.advice?.(value[wrong]) ?? `entry ${wrong} is ${describe(value[wrong])}`;
    },
    entry,
  };
}

function firstOf<T, U>(items: readonly T[], find: (item: T) => U | undefined): U | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
