/** What an estimator must have to be checked, the data it is checked on, and small tools of the checks. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Progress } from '../../src/core/types.js';
import type { MatrixInput, SameForm } from '../../src/data/matrix.js';
import { run } from '../helpers/child.js';
import { flat, groups } from '../helpers/data.js';
import { withDirectory } from '../helpers/files.js';

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
    const { stdout, stderr } = await run(process.execPath, [child, JSON.stringify({ ...task, out })]);
    const bytes = await readFile(out);
    return { map: new Float32Array(Uint8Array.from(bytes).buffer), printed: stdout + stderr };
  });
}
