/** Counts of a server for Prometheus, by `prom-client`. */

import type { FastifyInstance } from 'fastify';
import { importPackage } from '../../core/platform.js';
import { installAdvice } from './options.js';

/** What the server counts. */
export interface Metrics {
  /** Rows that passed a model. */
  countRows(route: string, rows: number): void;
}

/** Counts requests, and adds `/metrics`. `active` tells how many requests are running. */
export async function addMetrics(app: FastifyInstance, active: () => number): Promise<Metrics> {
  const { default: client } = await importPackage<{ default: typeof import('prom-client') }>(
    'prom-client',
    'serve',
    installAdvice,
  );
  const registers = [new client.Registry()];
  client.collectDefaultMetrics({ register: registers[0]! });
  const requests = new client.Counter({
    ...{ name: 'parametric_umap_requests_total', help: 'Requests by route and status', registers },
    labelNames: ['route', 'status'],
  });
  const seconds = new client.Histogram({
    ...{ name: 'parametric_umap_request_seconds', help: 'Time of requests by route', registers },
    labelNames: ['route'],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  const rows = new client.Counter({
    ...{ name: 'parametric_umap_rows_total', help: 'Rows that passed the model by route', registers },
    labelNames: ['route'],
  });
  new client.Gauge({
    ...{ name: 'parametric_umap_active_requests', help: 'Requests that are running', registers },
    collect() {
      this.set(active());
    },
  });
  app.addHook('onResponse', async (request, reply) => {
    // Other paths would make a label for each text that somebody sends.
    const route = request.routeOptions.url ?? 'other';
    requests.inc({ route, status: reply.statusCode });
    seconds.observe({ route }, reply.elapsedTime / 1000);
  });
  app.get('/metrics', async (_, reply) =>
    reply.type(registers[0]!.contentType).send(await registers[0]!.metrics()),
  );
  return { countRows: (route, count) => rows.inc({ route }, count) };
}
