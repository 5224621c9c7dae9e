/** The other process of the checks: fits or loads an estimator and writes the map of `groups()` to a file. */
import { writeFile } from 'node:fs/promises';
import { embeddingOf, titleOf } from '../checks/subject.js';
import { subjects } from '../subjects.js';
import type { ChildTask } from './child.js';
import { groups } from './data.js';

const task = JSON.parse(process.argv[2]!) as ChildTask & { out: string };
const subject = subjects.find((each) => titleOf(each) === task.title)!;
const estimator =
  task.load === undefined ? subject.create(task.options ?? {}) : await subject.load(task.load);
if (task.load === undefined || task.fit) await estimator.fit(groups());
await writeFile(task.out, new Uint8Array((await embeddingOf(estimator, groups())).buffer));
