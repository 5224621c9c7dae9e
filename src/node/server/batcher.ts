/** Puts the rows of waiting requests together, so that they pass the network at once. */

import { joinRows, type RequestRows } from './requestRows.js';

/** Rows that pass together at most; a request of more passes alone. */
const MOST = 4096;

interface Job {
  readonly given: RequestRows;
  readonly resolve: (values: Float32Array) => void;
  readonly reject: (reason: unknown) => void;
}

/** A function of rows that requests share: it runs once at a time, for all that wait. */
export function batcher(
  apply: (given: RequestRows) => Promise<Float32Array>,
): (given: RequestRows) => Promise<Float32Array> {
  const waiting: Job[] = [];
  let running = false;

  return (given) =>
    new Promise((resolve, reject) => {
      waiting.push({ given, resolve, reject });
      if (!running) void work();
    });

  async function work(): Promise<void> {
    running = true;
    // Requests that come in the same turn of the event loop are waiting by then.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) await together(taken());
    running = false;
  }

  function taken(): Job[] {
    let rows = waiting[0]!.given.rows;
    let count = 1;
    while (count < waiting.length && rows + waiting[count]!.given.rows <= MOST)
      rows += waiting[count++]!.given.rows;
    return waiting.splice(0, count);
  }

  async function together(jobs: readonly Job[]): Promise<void> {
    try {
      const given = joinRows(jobs.map((job) => job.given));
      const values = await apply(given);
      const width = values.length / given.rows;
      let at = 0;
      for (const job of jobs) {
        const end = at + job.given.rows * width;
        job.resolve(values.slice(at, end));
        at = end;
      }
    } catch (error) {
      if (jobs.length === 1) return jobs[0]!.reject(error);
      // One of them is at fault, and the others must not suffer from it.
      for (const job of jobs) await together([job]);
    }
  }
}
