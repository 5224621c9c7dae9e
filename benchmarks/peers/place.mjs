// This library with its defaults, fitted and waiting: for every line that comes in it places the held-out rows five times,
// and says the median of the seconds. For `in_turn.py`.

import { createInterface } from 'node:readline';
import { ParametricUMAP } from '../../build/src/index.js';
import { medianSeconds, readArguments, readData } from './common.mjs';

const options = readArguments();
const { train, heldOut } = readData(options, true);
const model = new ParametricUMAP({ seed: options.seed, backend: options.backend });
await model.fit(train);
await model.transform(heldOut);
console.log('ready');
for await (const _ of createInterface({ input: process.stdin })) {
  const [seconds] = await medianSeconds(() => model.transform(heldOut));
  console.log(seconds);
}
