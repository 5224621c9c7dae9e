/** What an estimator must have to be checked, the data it is checked on, and small tools of the checks. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createRandom } from '../../src/core/random.js';
import type { Matrix, Progress } from '../../src/core/types.js';
import type { MatrixInput, SameForm } from '../../src/data/matrix.js';

/** The contract of `ARCHITECTURE.md` as far as the checks use it. */
export interface Estimator {
  readonly options: Readonly<Record<string, unknown>> | object;
  readonly history: Readonly<Record<string, readonly number[]>>;
  fit(X: MatrixInput, y?: null, inputs?: { signal?: AbortSignal }): Promise<unknown>;
  fitTransform<X extends MatrixInput>(X: X): Promise<SameForm<X>>;
  fit_transform<X extends MatrixInput>(X: X): Promise<SameForm<X>>;
  steps(X: MatrixInput, y?: null, inputs?: { signal?: AbortSignal }): AsyncGenerator<Progress, void, void>;
  transform<X extends MatrixInput>(X: X, options?: { batchSize?: number }): Promise<SameForm<X>>;
  inverseTransform<Z extends MatrixInput>(Z: Z): Promise<SameForm<Z>>;
  inverse_transform<Z extends MatrixInput>(Z: Z): Promise<SameForm<Z>>;
  save(directory: string): Promise<void>;
  dispose(): void;
}

/** One estimator class under check. */
export interface Subject {
  /** Its name in `src/index.ts`. */
  readonly name: string;
  /** Plain options that make a fit on 60 rows quick, with at least three reports. */
  readonly quick: Readonly<Record<string, unknown>>;
  /** Options besides that make `inverseTransform` work. */
  readonly inverse: Readonly<Record<string, unknown>>;
  /** A new estimator with exactly these options. */
  create(options: Readonly<Record<string, unknown>>): Estimator;
  load(directory: string): Promise<Estimator>;
}

/** One check: passes, or throws. */
export type Check = (subject: Subject) => Promise<void>;

/** `count` rows of three groups, `columns` wide, the same at every call. */
export function groups(count = 60, columns = 6, seed = 'groups'): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, i) =>
    // 32-bit numbers, so that every form of the rows holds the same.
    Array.from({ length: columns }, (_, c) =>
      Math.fround(((i % 3) - 1) * (c % 2 === 0 ? 2 : 1) + 0.4 * random.normal()),
    ),
  );
}

/** The same rows, flat. */
export function flat(rows: readonly (readonly number[])[]): Matrix {
  return { data: Float32Array.from(rows.flat()), shape: [rows.length, rows[0]!.length] };
}

/** An estimator with the quick options. */
export function quickly(subject: Subject, options: Readonly<Record<string, unknown>> = {}): Estimator {
  return subject.create({ ...subject.quick, ...options });
}

/** A fitted one: the caller disposes it. */
export async function fitted(
  subject: Subject,
  options: Readonly<Record<string, unknown>> = {},
  rows: MatrixInput = groups(),
): Promise<Estimator> {
  const estimator = quickly(subject, options);
  await estimator.fit(rows);
  return estimator;
}

/** The places of rows as one array. */
export async function places(estimator: Estimator, rows: readonly (readonly number[])[]) {
  return (await estimator.transform(flat(rows))).data;
}

/** Fits, takes the map, and frees everything. */
export async function mapFrom(
  subject: Subject,
  options: Readonly<Record<string, unknown>> = {},
  rows: number[][] = groups(),
): Promise<Float32Array> {
  const estimator = await fitted(subject, options, rows);
  try {
    return await places(estimator, rows);
  } finally {
    estimator.dispose();
  }
}

export function assertFinite(values: ArrayLike<number>): void {
  const wrong = Array.from(values).findIndex((value) => !Number.isFinite(value));
  assert.equal(wrong, -1, `value ${wrong} of the map is ${values[wrong]}`);
}

/** Largest difference relative to the spread of `a`. */
export function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  let spread = 1e-6;
  let difference = 0;
  for (let i = 0; i < a.length; i++) {
    spread = Math.max(spread, Math.abs(a[i]!));
    difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
  }
  return difference / spread;
}

/** Runs `use` with the path of a fresh directory that is removed afterwards. */
export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'estimator-checks-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What another process is to do; see `child.ts`. */
export interface ChildTask {
  readonly name: string;
  /** Options of an estimator to fit, */
  readonly options?: Readonly<Record<string, unknown>>;
  /** or the directory of one to load; `fit` then goes on with the fit. */
  readonly load?: string;
  readonly fit?: boolean;
}

/** The map of `groups()` that another process makes, and all that it printed. */
export async function inAnotherProcess(task: ChildTask): Promise<{ map: Float32Array; printed: string }> {
  return withDirectory(async (directory) => {
    const out = path.join(directory, 'map.bin');
    const child = fileURLToPath(new URL('./child.js', import.meta.url));
    const run = promisify(execFile);
    const { stdout, stderr } = await run(process.execPath, [child, JSON.stringify({ ...task, out })]);
    const bytes = await readFile(out);
    return { map: new Float32Array(Uint8Array.from(bytes).buffer), printed: stdout + stderr };
  });
}
