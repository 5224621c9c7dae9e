/** Iterates a source of batches, epoch after epoch, and closes it. */

import { DataError, describe } from '../core/errors.js';
import { isTensor } from './forms.js';

/** A `PairSource` whose batches were not looked at. */
type BatchSource =
  | Iterable<unknown>
  | AsyncIterable<unknown>
  | (() => Iterable<unknown> | AsyncIterable<unknown>);

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

/** A new iterator; undefined for a value that cannot be iterated. */
export function iterate(value: unknown): (() => AnyIterator) | undefined {
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = (value ?? {}) as AsyncIterable<unknown> &
    Iterable<unknown>;
  const start: unknown = later ?? now;
  return typeof start === 'function' ? () => start.call(value) as AnyIterator : undefined;
}

/** Begins an epoch. Tensors in an array are used again and again. */
function startEpoch(source: BatchSource): { iterator: AnyIterator; owned: boolean } {
  const batches: unknown = typeof source === 'function' ? source() : source;
  const start = iterate(batches);
  if (start === undefined) {
    throw new DataError(
      `pairs: expected an iterable or async iterable of batches, got ${describe(batches)}; return one, such as a generator`,
    );
  }
  return { iterator: start(), owned: !Array.isArray(batches) };
}

/** Batches of as many epochs as it takes to have `steps` of them. */
export function pairStream(source: BatchSource, steps: number, signal: AbortSignal | undefined) {
  let epoch: ReturnType<typeof startEpoch> | undefined;
  let pending: Promise<IteratorResult<unknown>> | undefined;
  let count = 0;
  let closed = false;
  const advance = async (): Promise<IteratorResult<unknown>> => {
    signal?.throwIfAborted();
    epoch ??= startEpoch(source);
    const { iterator } = epoch;
    // An iterator that throws is over. `epoch` is what remains to be closed.
    const step = async () => {
      try {
        const result = await iterator.next();
        if (result.done) epoch = undefined;
        return result;
      } catch (error) {
        epoch = undefined;
        throw error;
      }
    };
    pending = step();
    const result = await orAborted(pending, signal);
    pending = undefined;
    return result;
  };
  return {
    async next<T>(read: (batch: unknown, owned: boolean) => Promise<T>): Promise<T | undefined> {
      if (closed) return undefined;
      let result = await advance();
      // The end of an epoch; a source that begins the next one with its end can be iterated no further.
      if (result.done && count > 0) result = await advance();
      if (closed) return undefined;
      if (result.done) throw endsEarly(count, steps);
      count++;
      return read(result.value, epoch!.owned);
    },
    async close(): Promise<void> {
      if (closed) return;
      closed = true;
      const { iterator, owned } = epoch ?? {};
      const late = pending;
      const returned = Promise.resolve(iterator?.return?.());
      if (late === undefined) {
        await returned;
        return;
      }
      // The batch that nobody waits for any longer may never come.
      returned.catch(() => {});
      late.then(
        ({ done, value }) => {
          if (!done && owned) disposeOf(value);
        },
        () => {},
      );
    },
  };
}

function endsEarly(count: number, steps: number): DataError {
  return count === 0
    ? new DataError('pairs: expected at least 1 batch, got 0; yield [first view, second view] once or more')
    : new DataError(
        `pairs: expected ${steps} batches, got ${count}; pass a function that returns a new iterator for every epoch, ` +
          `or train for ${count} steps`,
      );
}

/** The result of a promise; rejects with the signal's reason as soon as it is aborted. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Disposes of the tensors of a batch. */
export function disposeOf(batch: unknown): void {
  if (!Array.isArray(batch)) return;
  for (const view of batch) if (isTensor(view)) view.dispose();
}
