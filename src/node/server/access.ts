/** Who may ask, and how many at once. */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requireNode } from '../../core/platform.js';
import type { ServerOptions } from './options.js';

/** Routes that are always answered, so that whoever watches the server can. */
const unlimited = new Set(['/healthz', '/metrics']);
/** Routes that a browser opens, which cannot send the header: the token may stand in the address. */
const pages = new Set(['/', '/events']);

/** Answers 401 without the token. */
export async function requireToken(app: FastifyInstance, token: string): Promise<void> {
  const { createHash, timingSafeEqual } = await requireNode<typeof import('node:crypto')>(
    'crypto',
    'serve',
    'leave the token out',
  );
  // Of one length, and compared in a time that tells nothing.
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = digest(token);
  const given = (request: FastifyRequest) => {
    const header = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const { token: inAddress } = request.query as { token?: unknown };
    return (
      header ?? (pages.has(request.routeOptions.url ?? '') && typeof inAddress === 'string' ? inAddress : '')
    );
  };
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.url === '/healthz' || timingSafeEqual(digest(given(request)), expected)) return;
    return reply
      .code(401)
      .header('WWW-Authenticate', 'Bearer')
      .send({ error: 'expected the token as "Authorization: Bearer …", got none or another' });
  });
}

/** Answers 429 when too many requests are running. Returns how many are. */
export function limitRequests(app: FastifyInstance, { maxRequests }: ServerOptions): () => number {
  let active = 0;
  app.addHook('onRequest', async (request, reply) => {
    const { url = '' } = request.routeOptions;
    if (unlimited.has(url) || url === '/events') return;
    if (active >= maxRequests) {
      return reply
        .code(429)
        .header('Retry-After', '1')
        .send({ error: `expected at most ${maxRequests} requests at once, got more; try again` });
    }
    active++;
    // Closed in any way: answered, aborted by the client, or timed out.
    reply.raw.once('close', () => {
      active--;
    });
    return undefined;
  });
  return () => active;
}
