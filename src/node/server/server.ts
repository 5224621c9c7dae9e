/** A model as a server: rows are posted, and embeddings, rows or labels come back. */

import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify';
import { DataError, NotFittedError, OptionError } from '../../core/errors.js';
import { importPackage } from '../../core/platform.js';
import type { MatrixInput } from '../../data/matrix.js';
import type { AnyEstimator } from '../../estimators/load.js';
import { CompressionVAE } from '../../estimators/vae/compressionVae.js';
import { type ColumnPlan, unscaledPlan } from '../table/columnPlan.js';
import { coordinateNames } from '../table/embedTable.js';
import { columnsOf, decodedNames, decodeRows } from '../table/encodeRows.js';
import { limitRequests, requireToken } from './access.js';
import { batcher } from './batcher.js';
import { addLiveMap, type Background } from './liveMap.js';
import { addMetrics } from './metrics.js';
import { installAdvice, type ServerOptions } from './options.js';
import { nested, send } from './replies.js';
import { formOf, type RequestRows, requestRows, TooManyRows } from './requestRows.js';

/** What is served. */
export interface ServedModel {
  readonly estimator: AnyEstimator;
  readonly plan: ColumnPlan | undefined;
  /** What `GET /model` tells. */
  readonly description: object;
  /** What the map shows from the start. Default: nothing. */
  readonly background?: Background | undefined;
}

/** A server that listens. */
export interface ModelServer {
  /** Its address, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes no more requests, answers those that run, and ends. The model stays the caller's. */
  close(): Promise<void>;
}

/** Starts a server. `log` takes the errors that are not a client's. Throws `UnavailableError` without fastify or prom-client. */
export async function serveModel(
  model: ServedModel,
  options: ServerOptions,
  log: (line: string) => void,
): Promise<ModelServer> {
  const { fastify } = await importPackage<typeof import('fastify')>('fastify', 'serve', installAdvice);
  const wait = options.timeout * 1000;
  const app: FastifyInstance = fastify({
    ...{ bodyLimit: options.maxBytes, requestTimeout: wait, handlerTimeout: wait },
    // How often Node.js looks for requests that take too long to come.
    http: { connectionsCheckingInterval: Math.min(wait, 5_000) },
    ...{ keepAliveTimeout: 5_000, forceCloseConnections: 'idle', exposeHeadRoutes: false },
  });
  app.server.headersTimeout = wait;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
  answerErrors(app, log);
  if (options.token !== null) await requireToken(app, options.token);
  const metrics = await addMetrics(app, limitRequests(app, options));
  addRoutes(app, model, options, metrics.countRows);
  const url = await app.listen({ host: options.host, port: options.port });
  return { url, close: () => app.close() };
}

function answerErrors(app: FastifyInstance, log: (line: string) => void): void {
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      error: `expected POST /transform, /inverse or /predict, or GET /model, /healthz, /metrics or /, got ${request.method} ${request.url.slice(0, 80)}`,
    }),
  );
  app.setErrorHandler((error: FastifyError, _, reply) => {
    const status = statusOf(error);
    if (status === 500) log(error.stack ?? error.message);
    // Flags of the command line are no advice for a client.
    const message = error.message.replace(/; [^;]*--\w[^;]*$/, '');
    return reply
      .code(status)
      .send({ error: status === 500 ? 'internal error; see the log of the server' : message });
  });
}

function statusOf(error: FastifyError): number {
  if (error instanceof TooManyRows) return 413;
  if ([DataError, OptionError, NotFittedError].some((kind) => error instanceof kind)) return 400;
  return error.statusCode ?? 500;
}

function addRoutes(
  app: FastifyInstance,
  { estimator, plan, description, background }: ServedModel,
  { maxRows }: ServerOptions,
  countRows: (route: string, rows: number) => void,
): void {
  const rowShape = estimator.encoder.inputs[0]!.shape.slice(1) as number[];
  const dimensions = estimator.encoder.outputs[0]!.shape.at(-1)!;
  const map = addLiveMap(app, background, 'Map of the served model');
  const read = (request: FastifyRequest, own: ColumnPlan | undefined, shape: readonly number[]) => {
    const form = formOf(request.headers['content-type'] ?? 'application/json');
    if (!form || !(request.body instanceof Uint8Array)) {
      throw new DataError(
        'body: expected application/json, text/csv or application/x-npy, got ' +
          `${form ? 'nothing' : request.headers['content-type']}; say it by Content-Type`,
      );
    }
    return requestRows(request.body, form, own, shape, maxRows);
  };
  const through = (apply: (rows: MatrixInput) => Promise<MatrixInput>, shape: readonly number[]) =>
    batcher(async ({ data, rows }) => {
      const { data: values } = (await apply({ data, shape: [rows, ...shape] })) as {
        data: ArrayLike<number>;
      };
      return values instanceof Float32Array ? values : Float32Array.from(values);
    });

  const embed = through((rows) => estimator.transform(rows), rowShape);
  app.post('/transform', async (request, reply) => {
    const given = await read(request, plan, rowShape);
    const z = await embed(given);
    countRows('/transform', given.rows);
    map.add(z, dimensions);
    return send(request, reply, {
      ...{ rows: given.rows, columns: coordinateNames(dimensions), values: columnsOf(z, given.rows) },
      json: () => ({ embedding: nested(z, given.rows) }),
    });
  });

  const decode = through((places) => estimator.inverseTransform(places), [dimensions]);
  const width = rowShape.reduce((product, size) => product * size, 1);
  const names = decodedNames(plan, width);
  app.post('/inverse', async (request, reply) => {
    const places = await read(request, placesPlan(dimensions), [dimensions]);
    const data = await decode(places);
    countRows('/inverse', places.rows);
    const values = plan ? decodeRows(data, places.rows, plan) : columnsOf(data, places.rows);
    return send(request, reply, {
      ...{ rows: places.rows, columns: names, values },
      json: () => ({
        columns: names,
        rows: Array.from({ length: places.rows }, (_, row) => values.map((column) => column[row])),
      }),
    });
  });

  if (estimator instanceof CompressionVAE) {
    app.post('/predict', (_, reply) =>
      reply.code(404).send({ error: 'a vae has no classifier; serve another model' }),
    );
  } else addPredict(app, estimator, (request) => read(request, plan, rowShape), rowShape, countRows);
  app.get('/model', async () => description);
  app.get('/healthz', async () => ({ status: 'ok' }));
}

/** Coordinates by the names of the columns of a map, or as they stand. */
function placesPlan(dimensions: number): ColumnPlan {
  const columns = coordinateNames(dimensions).map((name) => ({ name, type: 'number' as const }));
  const table = { name: 'body', columns, blocks: () => ({}) as AsyncIterable<never> };
  return unscaledPlan(table, [dimensions]);
}

function addPredict(
  app: FastifyInstance,
  estimator: Exclude<AnyEstimator, CompressionVAE>,
  read: (request: FastifyRequest) => Promise<RequestRows>,
  rowShape: readonly number[],
  countRows: (route: string, rows: number) => void,
): void {
  const classify = batcher(async ({ data, rows }) =>
    Float32Array.from((await estimator.predictProba({ data, shape: [rows, ...rowShape] })).flat()),
  );
  app.post('/predict', async (request, reply) => {
    if (estimator.classes.length === 0) {
      return reply.code(404).send({ error: 'this model has no classifier; fit one with --classifier' });
    }
    const given = await read(request);
    const probabilities = nested(await classify(given), given.rows);
    countRows('/predict', given.rows);
    const labels = probabilities.map((row) => estimator.classes[row.indexOf(Math.max(...row))]!);
    return send(request, reply, {
      rows: given.rows,
      columns: ['predicted', ...estimator.classes.map((name) => `p_${name}`)],
      values: [labels, ...estimator.classes.map((_, c) => probabilities.map((row) => row[c]!))],
      json: () => ({ labels, classes: estimator.classes, probabilities }),
    });
  });
}
