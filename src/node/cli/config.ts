/** Flags from a JSON file. */

import type { Command } from 'commander';
import { messageOf } from '../../artifact/json.js';
import { describe, OptionError } from '../../core/errors.js';
import { closest } from '../../core/options.js';
import { fileSystem } from '../npy.js';

/** Completes the flags of a command by those of the file that `--config` names; what is typed wins. Throws `OptionError`. */
export async function withConfig(command: Command): Promise<Command> {
  const { config } = command.opts<{ config?: string }>();
  if (config === undefined) return command;
  const known = command.options.map((option) => option.attributeName());
  for (const [name, value] of Object.entries(await readConfig(config))) {
    const option = command.options.find((each) => each.attributeName() === name);
    if (option === undefined || name === 'config') {
      const likely = closest(name, known);
      throw new OptionError(
        `${config}: unknown flag '${name}'${likely ? `; did you mean '${likely}'?` : '; see --help for the names'}`,
      );
    }
    if (command.getOptionValueSource(name) === 'cli') continue;
    command.setOptionValueWithSource(name, parsed(config, name, value, option.parseArg), 'config');
  }
  return command;
}

/** A value of the file, by the same rules as one that is typed: all but flags are given as text or as numbers, lists and objects. */
function parsed(
  config: string,
  name: string,
  value: unknown,
  parse: ((text: string, previous: never) => unknown) | undefined,
): unknown {
  if (parse === undefined) return value;
  const text =
    typeof value === 'string'
      ? value
      : Array.isArray(value) && value.every(isText)
        ? value.join(',')
        : JSON.stringify(value);
  try {
    return parse(text, undefined as never);
  } catch (cause) {
    throw new OptionError(`${config}: ${name}: ${messageOf(cause)}`, { cause });
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Reads the file. Throws `OptionError` for one that is missing or is no JSON object. */
export async function readConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  const fs = await fileSystem('read --config');
  let found: unknown;
  try {
    found = JSON.parse(await fs.readFile(path, 'utf8'));
  } catch (cause) {
    throw new OptionError(
      `--config: expected a JSON file, got an error: ${messageOf(cause)}; check the file`,
      {
        cause,
      },
    );
  }
  if (typeof found === 'object' && found !== null && !Array.isArray(found))
    return found as Record<string, unknown>;
  throw new OptionError(`--config: expected an object, got ${describe(found)}; write {"name": value}`);
}
