/**
 * How many threads a fit may use. Maps do not depend on it, but a worker thread takes longer to start than a fit of some hundred
 * rows takes, and other test files use the other cores.
 */
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

const { availableParallelism } = os;

/** Lets later fits use so many threads; undefined: as many as there are cores. */
export function useThreads(count?: number): void {
  os.availableParallelism = count === undefined ? availableParallelism : () => count;
  syncBuiltinESMExports();
}
