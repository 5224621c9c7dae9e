/**
 * New data without the map drifting: a map of the digits 0 to 8, then the 9s, with and without landmarks.
 *
 *     node build/benchmarks/landmarks.js [--seeds 1,2,3] [--fraction 0.1] [--weight 0.01]
 *
 * "moved" is the mean distance that rows of the first fit move, divided by the spread of the first map (the root mean square
 * distance from its center). "9s among 9s" is the share of the five nearest neighbors of a 9, on the map of all
 * rows, that are 9s.
 */
import { parseArgs } from 'node:util';
import type { Matrix } from '../src/core/types.js';
import { ParametricUMAP } from '../src/estimators/umap/parametricUmap.js';
import { digits, take } from './data.js';
import { spread, table } from './report.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1,2,3' },
    fraction: { type: 'string', default: '0.1' },
    weight: { type: 'string' },
  },
});
const all = await digits();
const numbered = [...all.labels.keys()];
const old = take(
  all,
  numbered.filter((i) => all.labels[i] !== 9),
);
const nines = take(
  all,
  numbered.filter((i) => all.labels[i] === 9),
);

const records = [];
for (const landmarks of [true, false]) {
  const moved: number[] = [];
  const among: number[] = [];
  for (const seed of values.seeds.split(',').map(Number)) {
    const umap = new ParametricUMAP({ seed });
    const before = await umap.fitTransform(old.rows);
    if (landmarks) {
      const landmarkLossWeight = values.weight === undefined ? undefined : Number(values.weight);
      await umap.addLandmarks(old.rows, { fraction: Number(values.fraction), landmarkLossWeight });
    }
    await umap.fit(nines.rows);
    const after = await umap.transform(old.rows);
    moved.push(meanMove(before, after) / radius(before));
    among.push(purity(after, await umap.transform(nines.rows)));
    umap.dispose();
  }
  records.push({
    landmarks: landmarks ? `${values.fraction} of the rows` : 'none',
    'moved / spread': spread(moved, 3),
    '9s among 9s': spread(among, 3),
  });
}
table(records);

function meanMove(a: Matrix, b: Matrix): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i += 2) {
    sum += Math.hypot(a.data[i]! - b.data[i]!, a.data[i + 1]! - b.data[i + 1]!);
  }
  return sum / a.shape[0];
}

function radius({ data, shape }: Matrix): number {
  const center = [0, 0];
  data.forEach((value, i) => {
    center[i % 2]! += value / shape[0];
  });
  let squares = 0;
  data.forEach((value, i) => {
    squares += (value - center[i % 2]!) ** 2;
  });
  return Math.sqrt(squares / shape[0]);
}

/** Share of the new rows' five nearest neighbors, among old and new rows, that are new. */
function purity(oldMap: Matrix, newMap: Matrix): number {
  const points = Float32Array.of(...oldMap.data, ...newMap.data);
  const olds = oldMap.shape[0];
  const news = newMap.shape[0];
  let own = 0;
  for (let i = olds; i < olds + news; i++) {
    const near = Array.from({ length: olds + news }, (_, j) => ({
      j,
      d: Math.hypot(points[2 * i]! - points[2 * j]!, points[2 * i + 1]! - points[2 * j + 1]!),
    })).filter(({ j }) => j !== i);
    near.sort((a, b) => a.d - b.d);
    own += near.slice(0, 5).filter(({ j }) => j >= olds).length;
  }
  return own / (5 * news);
}
