/** The command line: all commands, and what becomes of errors. */

import { Command, CommanderError, Option } from 'commander';
import { messageOf } from '../../artifact/json.js';
import { libraryVersion } from '../../artifact/manifest.js';
import {
  ArtifactError,
  DataError,
  NotFittedError,
  OptionError,
  UnavailableError,
} from '../../core/errors.js';
import { addCompletion } from './commands/completion.js';
import { addEvaluate } from './commands/evaluate.js';
import { addExport } from './commands/export.js';
import { addFit } from './commands/fit.js';
import { addInspect } from './commands/inspect.js';
import { addOptions } from './commands/options.js';
import { addPlot } from './commands/plot.js';
import { addPredict } from './commands/predict.js';
import { addRows } from './commands/rows.js';
import { addServe } from './commands/serve.js';
import { addTransform } from './commands/transform.js';
import { readConfig } from './config.js';
import { estimatorRows } from './flags.js';

/** Exit code of a wrong command line, file or model, which the user can correct. */
const WRONG = 2;
/** Exit code of any other failure. */
const FAILED = 1;

/** Runs the command line with arguments as in `process.argv.slice(2)`, and returns the exit code. */
export async function runProgram(args: readonly string[]): Promise<number> {
  // A reader of the standard output that has ended, such as `head`, ends the command quietly.
  process.stdout.once('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? 0 : FAILED),
  );
  try {
    await makeProgram(await estimatorIn(args)).parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG;
    const wrong = isUsers(error);
    tell(error, wrong, args.includes('--json'));
    return wrong ? WRONG : FAILED;
  }
}

/** The commands, with the flags of one estimator. */
function makeProgram(estimator: string): Command {
  const program = new Command('parametric-umap')
    .description('Maps of data by neural networks: learn one from a file, and use it for new rows.')
    .version(libraryVersion, '--version')
    .showSuggestionAfterError()
    .exitOverride()
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false });
  const add = [
    addTransform,
    addRows,
    addPredict,
    addEvaluate,
    addPlot,
    addInspect,
    addExport,
    addServe,
    addOptions,
    addCompletion,
  ];
  addFit(program, estimator);
  for (const each of add) each(program);
  for (const command of program.commands) {
    command
      .exitOverride()
      .showHelpAfterError(`(parametric-umap ${command.name()} --help shows what there is)`);
    if (['options', 'completion'].includes(command.name())) {
      if (command.name() === 'options') command.option('--json', 'print JSON');
      continue;
    }
    command
      .option('--json', 'print the outcome, or an error, as one line of JSON')
      .option('--quiet', 'print nothing but results and errors');
    // Of `fit` it is an option of the estimator.
    if (command.name() !== 'fit') command.addOption(backendFlag);
  }
  return program.addHelpText(
    'after',
    `
Example:
  $ parametric-umap fit species.csv --label species --out model/ --plot map.html
  $ parametric-umap transform model/ new.csv --out map.csv`,
  );
}

const backendFlag = new Option('--backend <name>', 'of TensorFlow.js').choices([
  'auto',
  'tensorflow',
  'webgpu',
  'wasm',
  'cpu',
]);

/** The estimator that the arguments or their `--config` name. */
async function estimatorIn(args: readonly string[]): Promise<string> {
  const value = (flag: string) => {
    const at = args.findIndex((arg) => arg === flag || arg.startsWith(`${flag}=`));
    if (at < 0) return undefined;
    return args[at]!.includes('=') ? args[at]!.slice(flag.length + 1) : args[at + 1];
  };
  const named = value('--estimator') ?? (await configured(value('--config')));
  return named !== undefined && Object.hasOwn(estimatorRows, named) ? named : 'umap';
}

async function configured(config: string | undefined): Promise<string | undefined> {
  if (config === undefined) return undefined;
  // An error is told when the command reads the file.
  const { estimator } = await readConfig(config).catch(() => ({}) as Readonly<Record<string, unknown>>);
  return typeof estimator === 'string' ? estimator : undefined;
}

/** Whether the user can correct an error: a wrong option or file, or a package that is missing. */
function isUsers(error: unknown): boolean {
  const kinds = [OptionError, DataError, ArtifactError, NotFittedError, UnavailableError];
  if (kinds.some((kind) => error instanceof kind)) return true;
  return ['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR'].includes((error as NodeJS.ErrnoException)?.code ?? '');
}

function tell(error: unknown, wrong: boolean, json: boolean): void {
  const message = messageOf(error).trim();
  if (json) process.stderr.write(`${JSON.stringify({ error: message })}\n`);
  else if (wrong || !(error instanceof Error)) process.stderr.write(`error: ${message}\n`);
  else process.stderr.write(`error: ${error.stack ?? message}\n`);
}
