/** The other process of the checks: fits or loads an estimator and writes the map of `groups()` to a file. */
import { writeFile } from 'node:fs/promises';
import * as library from '../../src/index.js';
import { groups } from '../helpers/data.js';
import { type ChildTask, type Estimator, places } from './subject.js';

interface EstimatorClass {
  new (options: object): Estimator;
  load(directory: string): Promise<Estimator>;
}

const task = JSON.parse(process.argv[2]!) as ChildTask & { out: string };
const Class = (library as unknown as Record<string, EstimatorClass>)[task.name]!;
const estimator = task.load === undefined ? new Class(task.options ?? {}) : await Class.load(task.load);
if (task.load === undefined || task.fit) await estimator.fit(groups());
await writeFile(task.out, new Uint8Array((await places(estimator, groups())).buffer));
