/** `inspect`: what a saved model is. */

import type { Command } from 'commander';
import { shortList } from '../../table/table.js';
import { type CommandModel, type CommonFlags, readModel } from '../context.js';
import { estimatorRows } from '../flags.js';

const flagNames: Readonly<Record<string, string>> = {
  ParametricUMAP: 'umap',
  ContrastiveEmbedding: 'contrastive',
  CompressionVAE: 'vae',
};

/** Adds the command. */
export function addInspect(program: Command): void {
  program
    .command('inspect')
    .summary('what a saved model is')
    .description(
      'Prints what a saved model is: estimator, columns, networks, options that are not the default, last losses.',
    )
    .argument('<model>', 'directory of the model')
    .addHelpText('after', '\nExample:\n  $ parametric-umap inspect model/')
    .action(inspect);
}

async function inspect(path: string, flags: CommonFlags): Promise<void> {
  const model = await readModel(path, flags);
  try {
    const found = described(model);
    const text = flags.json ? JSON.stringify(found) : linesOf(found).join('\n');
    process.stdout.write(`${text}\n`);
  } finally {
    model.estimator.dispose();
  }
}

/** What a saved model is. */
export function described({ artifact, estimator, plan }: CommandModel): Readonly<Record<string, unknown>> {
  const { encoder, history, options } = estimator;
  const rows = estimatorRows[flagNames[artifact.kind]!]!;
  const chosen = Object.entries(options).filter(
    ([name, value]) =>
      Object.hasOwn(rows, name) && JSON.stringify(value) !== JSON.stringify(rows[name]!.default),
  );
  return {
    estimator: artifact.kind,
    version: artifact.libraryVersion,
    rowShape: encoder.inputs[0]!.shape.slice(1),
    dimensions: encoder.outputs[0]!.shape.at(-1),
    networks: Object.keys(artifact.networks),
    parameters: encoder.countParams(),
    columns: plan?.features.map(({ name, kind }) => ({ name, kind })) ?? null,
    label: plan?.label ?? null,
    id: plan?.id ?? null,
    scaling: plan?.scaling ?? null,
    missing: plan?.missing ?? null,
    graph: artifact.graph !== undefined,
    options: Object.fromEntries(chosen),
    losses: Object.fromEntries(Object.entries(history).map(([name, values]) => [name, values.at(-1)])),
    reports: history.loss?.length ?? 0,
  };
}

function linesOf(found: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(found)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.padEnd(12)}${shown(value)}`);
}

function shown(value: unknown): string {
  if (Array.isArray(value)) {
    const names = value.map((each) =>
      typeof each === 'object' ? (each as { name: string }).name : String(each),
    );
    return shortList(names);
  }
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value as object).map(([name, each]) => `${name}=${JSON.stringify(each)}`);
  return entries.join('  ') || 'none';
}
