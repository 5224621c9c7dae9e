/** The process that is killed: fits, saves, loads, fits on, saves, and writes the map. Begun again, it goes on where it was. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadModel } from '../../src/artifact/model.js';
import { embeddingOf, titleOf } from '../checks/subject.js';
import { subjects } from '../subjects.js';
import { groups } from './data.js';
import { type KillTask, places } from './kills.js';

const { title, options, everySteps, directory } = JSON.parse(process.argv[2]!) as KillTask;
const subject = subjects.find((each) => titleOf(each) === title)!;
const place = (name: string) => path.join(directory, name);
const checkpoint = { path: place(places.checkpoint), everySteps };
const inputs = { resume: true };
const rows = groups();

process.stdout.write('begins\n');
if (!existsSync(place(places.first))) {
  const estimator = subject.create({ ...options, checkpoint });
  await estimator.fit(rows, null, inputs);
  await estimator.save(place(places.first));
  estimator.dispose();
}
const loaded = await subject.fromArtifact(await loadModel(place(places.first), subject.name), { checkpoint });
await loaded.fit(rows, null, inputs);
// Twice, since a saved model that is replaced is the harder case.
for (let i = 0; i < 2; i++) await loaded.save(place(places.second));
await writeFile(place(places.map), new Uint8Array((await embeddingOf(loaded, rows)).buffer));
