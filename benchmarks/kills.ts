/**
 * Kills fits of every estimator at random moments with SIGKILL: in training, in writing of checkpoints, in saving. Each goes on in
 * a new process with `resume`, through a first fit, a saved model, and a second fit of that model:
 *
 *     node build/benchmarks/kills.js [--kills 70] [--seed 1] [--every 1]
 *
 * Prints how many fits ended with the bits of one that nobody disturbed, and how many directories could not be read after a kill.
 */
import { parseArgs } from 'node:util';
import { createRandom } from '../src/core/random.js';
import { type Subject, titleOf } from '../test/checks/subject.js';
import { type KillCount, killAtRandom } from '../test/helpers/kills.js';
import { subjects } from '../test/subjects.js';
import { table } from './report.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '70' },
    seed: { type: 'string', default: '1' },
    every: { type: 'string', default: '1' },
  },
});

/** Long enough a training that most kills come in it, and for a network the default start, which it is trained on first. */
function optionsOf(subject: Subject): Readonly<Record<string, unknown>> {
  const { init: _, ...others } = subject.quick;
  return { ...(subject.traits.parametric ? others : subject.quick), ...subject.epochs(100) };
}

const each = Math.ceil(Number(values.kills) / subjects.length);
const counts: (KillCount & { estimator: string })[] = [];
for (const subject of subjects) {
  const title = titleOf(subject);
  const task = { title, options: optionsOf(subject), everySteps: Number(values.every) };
  const count = await killAtRandom(task, each, createRandom(`${values.seed} ${title}`));
  counts.push({ estimator: title, ...count });
  console.log(JSON.stringify(counts.at(-1)));
}
table(counts.map((count) => ({ ...count })));
const sum = (name: 'kills' | 'ended' | 'equal' | 'unreadable') =>
  counts.reduce((total, count) => total + count[name], 0);
console.log(
  `${sum('kills')} kills: ${sum('equal')} of ${sum('ended')} resumed fits ended with the same bits, ` +
    `${sum('unreadable')} directories were unreadable`,
);
if (sum('equal') !== sum('ended') || sum('unreadable') > 0) process.exitCode = 1;
