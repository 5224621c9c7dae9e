/** Time that the tests move themselves. */
import { mock } from 'node:test';

/** Runs `use` with a clock that stands still but for what `tick` adds to it, in milliseconds. */
export async function withClock(use: (tick: (milliseconds: number) => void) => Promise<void>): Promise<void> {
  let now = 1e6;
  const clock = mock.method(performance, 'now', () => now);
  try {
    await use((milliseconds) => {
      now += milliseconds;
    });
  } finally {
    clock.mock.restore();
  }
}
