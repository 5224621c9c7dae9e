/** `options`: the options of an estimator, with their flags. */

import { Argument, type Command } from 'commander';
import type { CommonFlags } from '../context.js';
import { estimatorRows, optionFlags } from '../flags.js';

/** Adds the command. */
export function addOptions(program: Command): void {
  program
    .command('options')
    .summary('the flags of an estimator')
    .description('Lists the options of an estimator, which are flags of `fit`.')
    .addArgument(
      new Argument('[estimator]', 'umap, contrastive or vae')
        .choices(Object.keys(estimatorRows))
        .default('umap'),
    )
    .action((estimator: string, flags: CommonFlags) => {
      const shown = optionFlags(estimator).filter(({ hidden }) => !hidden);
      const listed = shown.map(({ flags: flag, description }) => ({ flag, description }));
      if (flags.json) process.stdout.write(`${JSON.stringify(listed)}\n`);
      else for (const { flag, description } of listed) process.stdout.write(`${flag}\n    ${description}\n`);
    });
}
