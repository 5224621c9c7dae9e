/**
 * What SimCLR learns of the digits, as examples/simclr.ts does it: held-out accuracy of a linear classifier with 10 labels a
 * class, on pixels and on the representation; means over choices of the labeled images.
 *
 *     node build/benchmarks/simclr.js [--seeds 1,2,3] [--steps 400] [--choices 5] [--temperature 0.5]
 *
 * The gain is to be at least 3 points, in less than 120 s on two cores.
 */
import { parseArgs } from 'node:util';
import { main } from '../examples/simclr.js';
import { spread, table } from './report.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1,2,3' },
    steps: { type: 'string', default: '400' },
    choices: { type: 'string', default: '5' },
    temperature: { type: 'string', default: '0.5' },
  },
});
const percent = (value: number) => (100 * value).toFixed(1);
const gains: number[] = [];
const records = [];
for (const seed of values.seeds.split(',').map(Number)) {
  const started = performance.now();
  const { pixels, representation } = await main(undefined, {
    seed,
    steps: Number(values.steps),
    choices: Number(values.choices),
    temperature: Number(values.temperature),
  });
  gains.push(100 * (representation - pixels));
  records.push({
    seed,
    'pixels %': percent(pixels),
    'representation %': percent(representation),
    gain: percent(representation - pixels),
    s: ((performance.now() - started) / 1000).toFixed(0),
  });
}
table(records);
console.log(`gain in points: ${spread(gains, 1)}`);
