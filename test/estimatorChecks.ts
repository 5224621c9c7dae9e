/**
 * What every estimator of this library must do, in the spirit of scikit-learn's `check_estimator`: one line in a
 * test file, `checkEstimator(subject)`, runs them all on a new one.
 */
import { test } from 'node:test';
import { failureChecks } from './checks/failure.js';
import { inputChecks } from './checks/input.js';
import { lifeChecks } from './checks/life.js';
import { memoryChecks } from './checks/memory.js';
import { optionChecks } from './checks/options.js';
import { repeatChecks } from './checks/repeat.js';
import { savingChecks } from './checks/saving.js';
import { type Check, has, type Subject, titleOf } from './checks/subject.js';
import { useThreads } from './helpers/threads.js';

/** All checks by name. */
export const estimatorChecks: Readonly<Record<string, Check>> = {
  ...optionChecks,
  ...inputChecks,
  ...lifeChecks,
  ...repeatChecks,
  ...failureChecks,
  ...memoryChecks,
  ...savingChecks,
};

/** Whether a check has nothing to do with what a fit learns. */
const stateless = (name: string) => name in optionChecks || name in inputChecks;

/** Whether a check is of what a fit opens and frees, which worker threads are part of. */
const threaded = (name: string) => name in memoryChecks || name in failureChecks;

/** Registers a test for each check that applies to the subject. */
export function checkEstimator(subject: Subject): void {
  for (const [name, check] of Object.entries(estimatorChecks)) {
    if (subject.learnsMore && stateless(name)) continue;
    if (!has(subject, check.needs)) continue;
    test(`${titleOf(subject)}: ${name}`, async () => {
      useThreads(threaded(name) && subject.variant === undefined ? undefined : 1);
      await check(subject);
    });
  }
}
