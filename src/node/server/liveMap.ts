/** The map of a server: a page on which posted rows appear, told by server-sent events. */

import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Points } from '../../plot/data.js';
import { type LivePoints, type ScatterPageOptions, scatterPage } from '../../plot/scatterHtml.js';

/** Positions that are shown at most; the oldest go first. */
const MOST = 10_000;
/** Positions in one event at most. */
const MOST_AT_ONCE = 2_000;
/** Milliseconds between two events. */
const PAUSE = 200;
/** Readers at once. */
const MOST_READERS = 100;

/** What the map shows from the start, such as the rows of the fit. */
export interface Background {
  readonly points: Points;
  readonly options: ScatterPageOptions;
}

/** Takes positions for the map. */
export interface LiveMap {
  add(z: Float32Array, dimensions: number): void;
}

/** Adds the page and the stream of events. */
export function addLiveMap(app: FastifyInstance, background: Background | undefined, title: string): LiveMap {
  const recent: [x: number, y: number][] = [];
  const readers = new Set<FastifyReply>();
  let fresh: [x: number, y: number][] = [];
  const live: LivePoints = { events: 'events', name: 'posted' };
  const points = background?.points ?? [];
  const subtitle = 'Rows that are posted to /transform appear here.';
  const page = scatterPage(points, { title, subtitle, ...background?.options }, live);

  const timer = setInterval(() => {
    if (fresh.length === 0) return;
    const event = eventOf(fresh.splice(0, MOST_AT_ONCE));
    for (const { raw } of readers) if (!raw.writableNeedDrain) raw.write(event);
  }, PAUSE);
  timer.unref();

  app.get('/', async (_, reply) => reply.type('text/html').send(page));
  app.get('/events', async (request, reply) => {
    if (readers.size >= MOST_READERS) {
      return reply
        .code(429)
        .send({ error: `expected at most ${MOST_READERS} readers, got more; close some` });
    }
    reply.hijack();
    reply.raw.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    reply.raw.write(`retry: 1000\n\n${recent.length > 0 ? eventOf(recent.slice(-MOST)) : ''}`);
    readers.add(reply);
    request.raw.once('close', () => readers.delete(reply));
    return reply;
  });
  app.addHook('preClose', async () => {
    clearInterval(timer);
    for (const { raw } of readers) raw.end();
  });

  return {
    add(z, dimensions) {
      const rows = z.length / dimensions;
      for (let row = Math.max(0, rows - MOST); row < rows; row++) {
        // A map of one dimension is a line.
        const point: [number, number] = [z[row * dimensions]!, dimensions > 1 ? z[row * dimensions + 1]! : 0];
        recent.push(point);
        if (readers.size > 0) fresh.push(point);
      }
      // Not at each request, since it moves all of them.
      if (recent.length > 2 * MOST) recent.splice(0, recent.length - MOST);
      if (fresh.length > MOST) fresh = fresh.slice(-MOST);
    },
  };
}

function eventOf(points: readonly (readonly number[])[]): string {
  const rounded = points.map((point) => point.map((value) => Number(value.toPrecision(6))));
  return `data: ${JSON.stringify(rounded)}\n\n`;
}
