/** `serve`: a saved model as a server. */

import { type Command, Option } from 'commander';
import type { Background } from '../../server/liveMap.js';
import { type ServerOptions, serverDefaults } from '../../server/options.js';
import { serveModel } from '../../server/server.js';
import { openTable } from '../../table/openTable.js';
import { type CommonFlags, note, readModel, report, wholeNumber } from '../context.js';
import { labelsOf } from '../embedding.js';
import { described } from './inspect.js';
import { readPoints } from './plot.js';

interface ServeFlags extends CommonFlags, Omit<ServerOptions, 'token'> {
  readonly token?: string;
  readonly map?: string;
  readonly label?: string;
}

/** Adds the command. */
export function addServe(program: Command): void {
  const { host, port, maxBytes, maxRows, maxRequests, timeout } = serverDefaults;
  program
    .command('serve')
    .summary('a model as a server for new rows')
    .description(
      'Serves a saved model: POST /transform, /inverse, /predict with JSON, CSV or .npy; GET /model, /healthz, /metrics; and / is the ' +
        'map, on which posted rows appear. Needs npm install fastify prom-client. Ends on Ctrl-C or SIGTERM, after the requests that run.',
    )
    .argument('<model>', 'directory of the model')
    .option('--host <address>', 'where to listen; 0.0.0.0 for all of the network', host)
    .option('--port <n>', '0 for a free one', wholeNumber(0), port)
    .addOption(
      new Option('--token <text>', 'clients must send it as "Authorization: Bearer …"').env(
        'PARAMETRIC_UMAP_TOKEN',
      ),
    )
    .option('--map <file>', 'show the map of this file too, such as that of fit --embedding')
    .option('--label <column>', 'column of that file which colors the points')
    .option('--max-rows <n>', 'most rows of a request', wholeNumber(1), maxRows)
    .option('--max-bytes <n>', 'most bytes of a request', wholeNumber(1), maxBytes)
    .option(
      '--max-requests <n>',
      'most requests at once; others are answered 429',
      wholeNumber(1),
      maxRequests,
    )
    .option('--timeout <seconds>', 'for a request to come, and to be answered', wholeNumber(1), timeout)
    .addHelpText(
      'after',
      `
Example:
  $ parametric-umap serve model/ --map map.csv --label species
  $ curl localhost:${port}/transform -H 'Content-Type: text/csv' --data-binary @new.csv`,
    )
    .action(serve);
}

async function serve(path: string, flags: ServeFlags): Promise<void> {
  const background = flags.map === undefined ? undefined : await backgroundOf(flags.map, flags.label);
  const read = await readModel(path, flags);
  try {
    const model = { ...read, description: described(read), background };
    const server = await serveModel(model, { ...flags, token: flags.token ?? null }, (line) =>
      note(flags, line),
    );
    report(flags, { model: path, url: server.url }, [`serving ${path} at ${server.url}`]);
    await ended();
    note(flags, 'ending, after the requests that run');
    await server.close();
  } finally {
    read.estimator.dispose();
  }
}

/** Waits for Ctrl-C or SIGTERM. A second one ends the process at once. */
function ended(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

async function backgroundOf(file: string, label: string | undefined): Promise<Background> {
  const table = await openTable(file);
  try {
    const { data, labels } = await readPoints(table, {
      x: 'x',
      y: 'y',
      ...(label !== undefined && { label }),
    });
    const options = { labels: labels && labelsOf(labels), legendTitle: label };
    return { points: { data, shape: [data.length / 2, 2] }, options };
  } finally {
    await table.close?.();
  }
}
