/** Flags of the command line, made from the option rows of an estimator. */

import { InvalidArgumentError, Option } from 'commander';
import { describe } from '../../core/errors.js';
import type { OptionRow } from '../../core/options.js';
import type { Rule } from '../../core/rules.js';
import { contrastiveRows } from '../../estimators/contrastive/options.js';
import { parametricUmapRows } from '../../estimators/umap/options.js';
import { compressionVaeRows } from '../../estimators/vae/options.js';

type Rows = Readonly<Record<string, OptionRow<unknown>>>;

/** The option rows of each estimator, by its name on the command line. */
export const estimatorRows: Readonly<Record<string, Rows>> = {
  umap: parametricUmapRows,
  contrastive: contrastiveRows,
  vae: compressionVaeRows,
};

/** Options that hold rows or code, and those that have flags of their own. */
const without = new Set([
  'checkpoint',
  'reconstructionValidation',
  'encoder',
  'decoder',
  'callbacks',
  'verbose',
]);

/** `nNeighbors` as it is written on a command line: `n-neighbors`. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The flags of an estimator, and the name of the option that each sets. */
export function optionFlags(estimator: string): readonly Option[] {
  return Object.entries(estimatorRows[estimator]!)
    .filter(([name, { rule }]) => !without.has(name) && fitsText(rule))
    .flatMap(([name, row]) => flagsOf(name, row));
}

/** Whether a value of the rule can be written as text. */
function fitsText(rule: Rule): boolean {
  return rule.kind !== 'function';
}

function flagsOf(name: string, { default: preset, rule, help }: OptionRow<unknown>): readonly Option[] {
  const flag = `--${kebab(name)}`;
  const text = help.replaceAll('`', '');
  // Of either a flag or a network, a command line has the flag.
  if (rule.kind === 'flag' || rule.alternatives?.[0]?.kind === 'flag') {
    const shown = preset === true ? [`--no-${kebab(name)}`, flag] : [flag, `--no-${kebab(name)}`];
    return shown.map((each, i) => (i === 0 ? new Option(each, text) : new Option(each).hideHelp()));
  }
  const option = new Option(`${flag} <${placeholder(rule)}>`, `${text} (default: ${JSON.stringify(preset)})`);
  return [option.argParser((value) => parsed(value, rule))];
}

function placeholder(rule: Rule): string {
  if (rule.choices && rule.choices.join('|').length <= 32) return rule.choices.join('|');
  const names = { integer: 'n', number: 'x', list: 'a,b,…', object: 'json', choice: 'name' } as const;
  return names[rule.kind as keyof typeof names] ?? 'value';
}

/** The value that a text stands for under the rule. Throws commander's error with what is expected. */
function parsed(text: string, rule: Rule): unknown {
  for (const value of readings(text)) if (rule.accepts(value)) return value;
  const [first] = readings(text);
  const advice = rule.advice?.(first);
  throw new InvalidArgumentError(
    `expected ${rule.text}, got ${describe(text)}${advice ? `; ${advice}` : ''}.`,
  );
}

/** What a text may mean: JSON (a number, null, a list, an object), a list without brackets, or the text itself. */
function readings(text: string): readonly unknown[] {
  const json = (given: string): readonly unknown[] => {
    try {
      return [JSON.parse(given)];
    } catch {
      return [];
    }
  };
  return [...json(text), ...json(`[${text}]`), text];
}
