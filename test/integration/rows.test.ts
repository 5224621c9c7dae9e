/** Fits on rows that are hard to hold: far from 0, large, small, at the bound of a metric, in another unit, without a link. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../src/backend/choose.js';
import { ArtifactError, DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import type { MatrixInput } from '../../src/data/matrix.js';
import type { Targets } from '../../src/data/targets.js';
import type { ParametricUMAPOptions } from '../../src/estimators/umap/options.js';
import { ParametricUMAP } from '../../src/estimators/umap/parametricUmap.js';
import type { FitInputs } from '../../src/fit/inputs.js';
import { trustworthiness } from '../../src/metrics/scores.js';
import { saying } from '../helpers/assert.js';
import { logged } from '../helpers/child.js';
import { flat } from '../helpers/data.js';
import { useThreads } from '../helpers/threads.js';
import { brief } from '../subjects/parametricUmap.js';

await useBackend();
useThreads(1);

const random = createRandom(11);
/** The rows of the issue: 300 x 6 of a normal deviate plus 5 where the column is the row's remainder by 3. */
const rows = Array.from({ length: 300 }, (_, i) =>
  Array.from({ length: 6 }, (_, c) => random.normal() + (c === i % 3 ? 5 : 0)),
);
const trust = (table: number[][], map: number[][]) => trustworthiness(flat(table), flat(map));
const times = (size: number) => rows.map((row) => row.map((value) => value * size));

/** A fit of a graph and little else. */
async function graphOf(
  X: MatrixInput,
  options: Partial<ParametricUMAPOptions>,
  y?: Targets,
  inputs?: FitInputs,
) {
  const umap = await new ParametricUMAP({ ...brief, ...options }).fit(X, y, inputs);
  const { graph } = umap;
  umap.dispose();
  return graph;
}

test('timestamps are distinguished, embedded, saved, rebuilt and learned on', async () => {
  const stamps = Array.from({ length: 400 }, (_, i) => [1.7e12 + 1000 * i]);
  const folder = await mkdtemp(path.join(tmpdir(), 'parametric-umap-rows-'));
  const umap = new ParametricUMAP({ parametricReconstruction: true, verbose: true });
  let map: number[][] = [];
  const text = await logged(async () => {
    map = await umap.fitTransform(stamps);
  });
  assert.match(text, /32-bit numbers cannot hold.*centered/);
  assert.equal(new Set(map.map(String)).size, 400);
  assert.ok(
    trust(
      stamps.map((_, i) => [i]),
      map,
    ) > 0.99,
  );
  assert.deepEqual([...umap.rowFrame!.shift], [1.7e12 + 200_000]);
  // Alone, the encoder gets rows in their frame.
  const framed = stamps.map(([value]) => [value! - umap.rowFrame!.shift[0]!]);
  const places = umap.encoder.predict(tf.tensor2d(framed)) as tf.Tensor2D;
  places.arraySync().forEach((place, i) => {
    assert.ok(Math.hypot(place[0]! - map[i]![0]!, place[1]! - map[i]![1]!) < 1e-3);
  });
  // Within a twentieth of the 400 seconds.
  const rebuilt = await umap.inverseTransform(map);
  const errors = rebuilt.map(([value], i) => Math.abs(value! - stamps[i]![0]!));
  assert.ok(errors.reduce((a, b) => a + b) / 400 < 20_000);
  const url = pathToFileURL(path.join(folder, 'by url'));
  await umap.save(url);
  await umap.save(path.join(folder, 'by path'));
  for (const place of [url, url.href, path.join(folder, 'by path'), path.join(folder, 'by url')]) {
    const loaded = await ParametricUMAP.load(place, { verbose: false });
    assert.deepEqual(await loaded.transform(stamps), map);
    assert.deepEqual(loaded.rowFrame, umap.rowFrame);
    if (place === url) {
      await loaded.addLandmarks(stamps, { fraction: 0.2 });
      await loaded.fit(stamps);
      assert.ok(
        trust(
          stamps.map((_, i) => [i]),
          await loaded.transform(stamps),
        ) > 0.99,
      );
    }
    loaded.dispose();
  }
  umap.dispose();
  await rm(folder, { recursive: true });
});

test('a model is saved to a disk, and nowhere else', async () => {
  const umap = await new ParametricUMAP(brief).fit(rows);
  for (const place of [
    'https://example.org/model',
    new URL('https://example.org/model'),
    7,
    null,
    undefined,
  ]) {
    await assert.rejects(umap.save(place as string), saying(ArtifactError, 'save', 'file: URL'));
    await assert.rejects(ParametricUMAP.load(place as string), saying(ArtifactError, 'load', 'file: URL'));
  }
  umap.dispose();
});

test('the map does not depend on the unit, however large or small', async () => {
  const usual = await new ParametricUMAP().fit(rows);
  const { head, weight } = usual.graph;
  const wanted = trust(rows, await usual.transform(rows));
  usual.dispose();
  for (const size of [1e19, 1e-25, 1e-39]) {
    const X = times(size);
    const umap = new ParametricUMAP();
    const map = await umap.fitTransform(X);
    assert.deepEqual(umap.graph.head, head, `${size}`);
    umap.graph.weight.forEach((value, edge) => {
      assert.ok(Math.abs(value - weight[edge]!) < 1e-4, `${size}: ${value} for ${weight[edge]}`);
    });
    assert.ok(trust(rows, map) > wanted - 0.02, `${size}: ${trust(rows, map)} for ${wanted}`);
    umap.dispose();
  }
});

test('an error about rows that are used unchanged advises how to mend them', async () => {
  const stamps = Array.from({ length: 60 }, (_, i) => [1.7e12 + 1000 * i, i]);
  const encoder = tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 2 })] });
  const own: Partial<ParametricUMAPOptions>[] = [
    { encoder },
    { metric: (a, b) => Math.abs(a[0]! - b[0]!) },
    { metric: 'cosine' },
  ];
  for (const options of own) {
    await assert.rejects(
      new ParametricUMAP({ ...brief, ...options }).fit(stamps),
      saying(DataError, 'column 0', 'subtract 17000000'),
    );
  }
  await assert.rejects(
    new ParametricUMAP({ ...brief, disconnectionDistance: 1 }).fit(times(1e19)),
    saying(DataError, 'multiply', 'disconnectionDistance'),
  );
  const umap = await new ParametricUMAP(brief).fit(stamps.map(([, i]) => [i!, i!]));
  await assert.rejects(umap.fit(stamps), saying(DataError, 'column 0', 'the first fit'));
  umap.dispose();
});

test('documents that share no word with anyone have no edges, under hellinger', async () => {
  const words = 400;
  // 188 documents of 20 words out of 60, and 12 of 20 words of their own, which no other has.
  const documents = Array.from({ length: 200 }, (_, i) => {
    const document = new Float32Array(words);
    for (let w = 0; w < 20; w++) {
      document[i < 188 ? random.integer(60) : 60 + (i - 188) * 20 + w]! += 1 + random.integer(4);
    }
    return document;
  });
  for (const neighbors of ['exact', 'nndescent'] as const) {
    const { head, tail } = await graphOf(documents, { metric: 'hellinger', neighbors });
    assert.ok(head.length > 0 && head.every((id) => id < 188) && tail.every((id) => id < 188), neighbors);
  }
});

test('haversine refuses degrees with the conversion, and takes the poles and the date line', async () => {
  const degrees = Array.from({ length: 60 }, () => [180 * random.next() - 90, 360 * random.next() - 180]);
  await assert.rejects(
    new ParametricUMAP({ ...brief, metric: 'haversine' }).fit(degrees),
    saying(DataError, 'latitude', 'radians', 'Math.PI / 180'),
  );
  await assert.rejects(
    new ParametricUMAP({ ...brief, metric: 'haversine' }).fit(degrees.map(([, b]) => [1, b! + 200])),
    saying(DataError, 'longitude', 'radians'),
  );
  const radians = degrees.map((row) => row.map((value) => (value * Math.PI) / 180));
  radians[0] = [Math.PI / 2, Math.PI];
  radians[1] = [-Math.PI / 2, 2 * Math.PI];
  assert.ok((await graphOf(radians, { metric: 'haversine' })).head.length > 0);
});

test('a later fit in another unit is logged, one on the same data is not', async () => {
  const umap = new ParametricUMAP({ ...brief, verbose: true });
  assert.doesNotMatch(await logged(() => umap.fit(rows)), /outside/);
  assert.doesNotMatch(await logged(() => umap.fit(rows.slice(0, 100))), /outside/);
  for (const size of [1000, 1 / 1000]) {
    assert.match(
      await logged(() => umap.fit(times(size))),
      /rows: they lie outside what the network was scaled for/,
    );
  }
  assert.match(await logged(() => umap.fit(rows.map((row) => row.map((value) => value + 500)))), /outside/);
  umap.dispose();
});

test('tables of distances come whole or condensed, and infinite ones make no edge', async () => {
  const n = 60;
  const between = (i: number, j: number) => Math.hypot(...rows[i]!.map((value, c) => value - rows[j]![c]!));
  const table = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => between(i, j)));
  const X = rows.slice(0, n);
  const metric = 'precomputed';
  const wanted = await graphOf(X, { metric }, undefined, { distances: table });
  // As scipy's pdist: the rows above the diagonal, one after the other.
  const condensed = table.flatMap((row, i) => row.slice(i + 1));
  for (const distances of [
    condensed,
    Float32Array.from(condensed),
    Float64Array.from(condensed),
    { data: condensed, shape: [1770] },
  ]) {
    assert.deepEqual(await graphOf(X, { metric }, undefined, { distances }), wanted);
  }
  // Two halves that are not connected.
  const halves = table.map((row, i) => row.map((d, j) => (i < 30 === j < 30 ? d : Number.POSITIVE_INFINITY)));
  const { head, tail } = await graphOf(X, { metric, nNeighbors: 40 }, undefined, { distances: halves });
  assert.equal(new Set(head).size, n);
  for (let edge = 0; edge < head.length; edge++) assert.equal(head[edge]! < 30, tail[edge]! < 30);
  const wrong: [unknown, ...string[]][] = [
    [condensed.slice(1), '1769 in a list', '60 x 60'],
    [table.slice(1), '59 x 60'],
    [table.map((row, i) => (i === 3 ? row.map(() => Number.NaN) : row)), 'NaN'],
    [{ data: table.flat().map((d) => (d > 1 ? d : null)), shape: [n, n] }, 'null'],
    [table.map((row) => row.map((d) => d * 1e-30)), '32-bit', 'multiply'],
    [table.map((row) => row.map((d) => d * 1e50)), '32-bit', 'multiply'],
  ];
  for (const [distances, ...parts] of wrong) {
    await assert.rejects(
      graphOf(X, { metric }, undefined, { distances } as FitInputs),
      saying(DataError, ...parts),
    );
  }
});

test('neighbors found elsewhere: what is not a number is refused, 64-bit ids are read', async () => {
  const n = 40;
  const ids = Array.from({ length: n }, (_, i) => [1, 2, 3, 4].map((step) => (i + step) % n));
  const lengths = ids.map(() => [1, 2, 3, 4]);
  const X = rows.slice(0, n);
  const wanted = await graphOf(X, { nNeighbors: 5 }, undefined, {
    knn: { indices: ids, distances: lengths },
  });
  const indices = { data: BigInt64Array.from(ids.flat(), BigInt), shape: [n, 4] };
  const given = { indices, distances: lengths };
  assert.deepEqual(await graphOf(X, { nNeighbors: 5 }, undefined, { knn: given }), wanted);
  for (const distances of [
    lengths.map((row, i) => (i === 5 ? [1, null, 3, 4] : row)),
    { data: lengths.flat().map((d, i) => (i === 9 ? null : d)), shape: [n, 4] },
  ]) {
    await assert.rejects(
      graphOf(X, { nNeighbors: 5 }, undefined, { knn: { indices: ids, distances: distances as number[][] } }),
      saying(DataError, 'knn: distances', 'null'),
    );
  }
});

test('for names of umap-js, the error gives the names here', () => {
  const refused = (options: object, ...parts: string[]) =>
    assert.throws(() => new ParametricUMAP(options as never), saying(OptionError, ...parts));
  refused({ random: () => 0.5 }, "'random'", "'seed'");
  refused({ distanceFn: () => 1 }, "'distanceFn'", "'metric'");
  refused({ targetMetric: 'l2' }, 'targetMetric', "l2 is 'euclidean'");
});

test('a rating does not follow the order of the file, and leaves the map as near to the rows as it may', async () => {
  // In file order 93 % of the weight lay within 75 lines, and trust fell by 0.2.
  const lines = Array.from({ length: 300 }, () => 1 + random.integer(5));
  const options = { targetMetric: 'euclidean' } as const;
  const plain = new ParametricUMAP();
  const before = trust(rows, await plain.fitTransform(rows));
  const umap = new ParametricUMAP(options);
  const after = trust(rows, await umap.fitTransform(rows, lines));
  const { head, tail, weight } = umap.graph;
  let total = 0;
  let near = 0;
  weight.forEach((value, edge) => {
    const [i, j] = [head[edge]!, tail[edge]!];
    total += value;
    if (lines[i] === lines[j] && Math.abs(i - j) <= 75) near += value;
  });
  // Of all pairs of lines, 44 % are so near.
  assert.ok(near / total < 0.55, `${near / total}`);
  assert.ok(after > before - 0.05, `${after} for ${before}`);
  plain.dispose();
  umap.dispose();
});

test('a target that is the same for all rows, or known of none, changes nothing', async () => {
  const targetMetric = 'euclidean';
  const wanted = await graphOf(rows, {});
  for (const y of [
    rows.map(() => 3),
    rows.map(() => null),
    rows.map((_, i) => (i % 2 ? 3 : null)),
    rows.map(() => [1, 2]),
  ]) {
    assert.deepEqual(await graphOf(rows, { targetMetric }, y), wanted);
  }
});

test('rows of unknown target keep their neighbors, as rows of unknown label do', async () => {
  const known = (i: number) => i % 3 !== 0;
  const y = rows.map((_, i) => (known(i) ? Math.floor(i / 30) : null));
  const plain = await graphOf(rows, {});
  const forms: Targets[] = [y, y.map((value) => value ?? Number.NaN), y.map((value) => value ?? undefined)];
  const graphs = [];
  for (const form of forms) graphs.push(await graphOf(rows, { targetMetric: 'euclidean' }, form));
  assert.deepEqual(graphs[1], graphs[0]);
  assert.deepEqual(graphs[2], graphs[0]);
  // As if none were known, for edges among rows of unknown target: the union of the graph with itself.
  const { head, tail, weight } = graphs[0]!;
  const after = new Map(Array.from(weight, (value, e) => [`${head[e]} ${tail[e]}`, value]));
  plain.head.forEach((i, edge) => {
    const j = plain.tail[edge]!;
    const value = plain.weight[edge]!;
    if (known(i) || known(j)) return;
    const found = after.get(`${i} ${j}`) ?? 0;
    assert.ok(found >= value * 0.99, `${i} ${j}: ${found} for ${value}`);
  });
});

test('targets of several columns pull rows of near targets together', async () => {
  const y = rows.map(() => [random.integer(3), random.integer(2)]);
  const share = ({ head, tail, weight }: Awaited<ReturnType<typeof graphOf>>) => {
    let [same, total] = [0, 0];
    weight.forEach((value, edge) => {
      total += value;
      if (String(y[head[edge]!]) === String(y[tail[edge]!])) same += value;
    });
    return same / total;
  };
  const targetMetric = 'euclidean';
  assert.ok(share(await graphOf(rows, {})) < 0.3);
  const wanted = await graphOf(rows, { targetMetric }, y);
  assert.ok(share(wanted) > 0.9);
  const data = Int32Array.from(y.flat());
  assert.deepEqual(await graphOf(rows, { targetMetric }, { data, shape: [300, 2] }), wanted);
  // The same place twice is one column.
  const single = await graphOf(
    rows,
    { targetMetric },
    y.map(([a]) => a!),
  );
  assert.deepEqual(
    await graphOf(
      rows,
      { targetMetric },
      y.map(([a]) => [a!]),
    ),
    single,
  );
  await assert.rejects(graphOf(rows, {}, y), saying(DataError, 'one label per row', "'euclidean'"));
});

test('hamming compares timestamps, which a base taken off leaves as equal or different as they are', async () => {
  // Row i shares the times of i's group in three of four columns.
  const stamps = Array.from({ length: 60 }, (_, i) =>
    [0, 1, 2, 3].map((c) => 1.7e12 + (c ? i % 4 : i) * 1000),
  );
  const graph = await graphOf(stamps, { metric: 'hamming', nNeighbors: 8 });
  for (let edge = 0; edge < graph.head.length; edge++) {
    assert.equal(graph.head[edge]! % 4, graph.tail[edge]! % 4);
  }
});

test('a later fit far from the first one, where 32 bits lose the rows, is refused; transform is not', async () => {
  const at = (origin: number) => rows.map((row) => row.map((value) => origin + 1000 * value));
  const umap = await new ParametricUMAP(brief).fit(at(1.7e12));
  const map = await umap.transform(at(1.7e12));
  for (const origin of [1.73e12, 1.8e12]) {
    await assert.rejects(umap.fit(at(origin)), saying(DataError, 'the first fit', 'use a new estimator'));
    assert.equal((await umap.transform(at(origin))).length, 300);
  }
  assert.deepEqual(await umap.transform(at(1.7e12)), map);
  await umap.fit(at(1.7e12 + 1e5));
  umap.dispose();
});

test('haversine refuses degrees of new rows too', async () => {
  const radians = rows.map(([a, b]) => [a! / 10, b! / 5]);
  const umap = await new ParametricUMAP({ ...brief, metric: 'haversine' }).fit(radians);
  await assert.rejects(
    umap.transform([
      [0.5, 1],
      [52, 13],
    ]),
    saying(DataError, 'radians', '52 in row 1', 'Math.PI'),
  );
  assert.equal((await umap.transform([[0.5, 1]])).length, 1);
  umap.dispose();
});

test('distances that are infinite, or lost in 32 bits, are named as such', async () => {
  const small = rows.slice(0, 60);
  const distances = small.map((a) => small.map((b) => Math.hypot(...a.map((value, c) => value - b[c]!))));
  const change = (by: (d: number) => number) => distances.map((row) => row.map((d) => (d === 0 ? 0 : by(d))));
  const fitOf = (table: number[][]) =>
    graphOf(small, { metric: 'precomputed', nNeighbors: 5 }, undefined, { distances: table });
  await assert.rejects(fitOf(change(() => Number.POSITIVE_INFINITY)), (error: Error) => {
    assert.doesNotMatch(error.message, /raise/);
    return saying(DataError, 'finite distances', 'no two rows are connected')(error);
  });
  const scale = saying(DataError, 'distances', 'multiply all');
  await assert.rejects(fitOf(change((d) => d * 1e39)), scale);
  // Large ones only among the far.
  await assert.rejects(fitOf(change((d) => (d > 5 ? d * 1e39 : d))), scale);
  await assert.rejects(fitOf(change((d) => d + 1e12)), saying(DataError, 'distances', 'subtract'));
  const upper = change((d) => d + 1e12).flatMap((row, i) => row.slice(i + 1));
  await assert.rejects(
    graphOf(small, { metric: 'precomputed', nNeighbors: 5 }, undefined, { distances: upper }),
    saying(DataError, 'distances', 'subtract'),
  );
  const indices = distances.map((row) =>
    row
      .map((_, j) => j)
      .sort((a, b) => row[a]! - row[b]!)
      .slice(0, 6),
  );
  const knnOf = (by: (d: number) => number) =>
    graphOf(small, { nNeighbors: 5 }, undefined, {
      knn: {
        indices,
        distances: indices.map((ids, i) => ids.map((j) => (i === j ? 0 : by(distances[i]![j]!)))),
      },
    });
  await knnOf((d) => d);
  for (const by of [1e39, 1e-50])
    await assert.rejects(
      knnOf((d) => d * by),
      scale,
    );
  await assert.rejects(
    knnOf((d) => d + 1e12),
    saying(DataError, 'knn: distances', 'subtract'),
  );
  await assert.rejects(
    knnOf(() => Number.POSITIVE_INFINITY),
    saying(DataError, 'no two rows are connected'),
  );
});
