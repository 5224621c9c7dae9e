/** Options of the server of a model. */

/** Where it listens, and what it takes. */
export interface ServerOptions {
  /** Address. Default `127.0.0.1`: this machine alone. */
  readonly host: string;
  /** Port; 0 for a free one. Default 8080. */
  readonly port: number;
  /** What clients must send as `Authorization: Bearer …`; null for nothing. Default null. */
  readonly token: string | null;
  /** Most bytes of a body. Default 16 MiB. */
  readonly maxBytes: number;
  /** Most rows of a request. Default 100,000. */
  readonly maxRows: number;
  /** Most requests at once; others are answered 429. Default 64. */
  readonly maxRequests: number;
  /** Seconds in which a request must have come, and in which it is answered. Default 30. */
  readonly timeout: number;
}

export const serverDefaults: ServerOptions = {
  ...{ host: '127.0.0.1', port: 8080, token: null, timeout: 30 },
  ...{ maxBytes: 2 ** 24, maxRows: 100_000, maxRequests: 64 },
};

/** What to do where a package of the server is missing. */
export const installAdvice = 'install what serving needs: npm install fastify prom-client';
