/** A served model: answers equal `transform`, bad requests are refused with a reason, and limits hold. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ParametricUMAP } from '../../src/index.js';
import { serverDefaults } from '../../src/node/server/options.js';
import { type ModelServer, type ServedModel, serveModel } from '../../src/node/server/server.js';
import type { ColumnPlan } from '../../src/node/table/columnPlan.js';
import { groups } from '../helpers/data.js';
import { withDirectory } from '../helpers/files.js';

const rows = groups();
const width = rows[0]!.length;
const names = rows[0]!.map((_, c) => `column ${c}`);

/** Raw values are ten times those of the model, and 5 more; a missing one becomes 5. */
const plan: ColumnPlan = {
  features: names.map((name) => ({ name, kind: 'number', width: 1 })),
  ...{ label: 'kind', id: null, scaling: 'standard', missing: 'mean' },
  shift: new Float64Array(width).fill(5),
  factor: new Float64Array(width).fill(0.1),
  mean: new Float64Array(width).fill(5),
};
const raw = rows.map((row) => row.map((value) => 10 * value + 5));

let umap: ParametricUMAP;
let model: ServedModel;
let planned: ModelServer;
let plain: ModelServer;
const errors: string[] = [];
const start = (served: ServedModel, options: object = {}) =>
  serveModel(served, { ...serverDefaults, port: 0, ...options }, (line) => errors.push(line));

before(async () => {
  umap = new ParametricUMAP({ nEpochs: 5, nNeighbors: 5, parametricReconstruction: true, classifier: true });
  await umap.fit(
    rows,
    rows.map((_, i) => ['a', 'b'][i % 2]!),
  );
  model = { estimator: umap, plan: undefined, description: { estimator: 'ParametricUMAP' } };
  planned = await start({ ...model, plan });
  plain = await start(model);
});
after(async () => {
  await Promise.all([planned.close(), plain.close()]);
  umap.dispose();
  assert.deepEqual(errors, []);
});

const json = { 'Content-Type': 'application/json' };
const csv = { 'Content-Type': 'text/csv' };

function post(server: ModelServer, route: string, body: unknown, headers: object = json): Promise<Response> {
  const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  return fetch(server.url + route, { method: 'POST', body: text as string, headers: { ...headers } });
}

async function embedding(response: Response): Promise<number[][]> {
  assert.equal(response.status, 200, await response.clone().text());
  return ((await response.json()) as { embedding: number[][] }).embedding;
}

function near(actual: readonly number[][], expected: readonly number[][], tolerance = 1e-4): void {
  assert.equal(actual.length, expected.length);
  for (const [i, row] of expected.entries()) {
    for (const [c, value] of row.entries())
      assert.ok(Math.abs(actual[i]![c]! - value) <= tolerance, `row ${i}`);
  }
}

/** Numbers and shape of a `.npy` file of 32-bit floats. */
function readNpy(bytes: Uint8Array): { data: Float32Array; shape: number[] } {
  const start = 10 + bytes[8]! + 256 * bytes[9]!;
  const header = Buffer.from(bytes.subarray(10, start)).toString();
  const [, shape] = /'shape': \(([\d, ]+)\)/.exec(header)!;
  assert.match(header, /'descr': '<f4'/);
  return { data: new Float32Array(bytes.slice(start).buffer), shape: shape!.split(',').map(Number) };
}

/** The bytes of a `.npy` file. */
function npy(data: Float32Array, shape: readonly number[]): Uint8Array {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const header = `${text.padEnd(117)}\n`;
  const start = [0x93, ...Buffer.from('NUMPY'), 1, 0, header.length & 255, header.length >> 8];
  return Buffer.concat([Uint8Array.from(start), Buffer.from(header), Buffer.from(data.buffer)]);
}

test('rows as JSON, CSV and .npy, with and without columns, give what transform gives', async () => {
  const map = await umap.transform(rows);
  const line = (row: readonly number[]) => row.join(',');
  const objects = raw.map((row) => Object.fromEntries(row.map((value, c) => [names[c]!, value])));
  const backwards = raw.map((row) => [...row].reverse());
  near(await embedding(await post(plain, '/transform', rows)), map, 0);
  near(await embedding(await post(plain, '/transform', { rows })), map, 0);
  for (const body of [raw, { rows: raw }, objects, { rows: objects }]) {
    near(await embedding(await post(planned, '/transform', body)), map);
  }
  const text = [[...names].reverse().join(','), ...backwards.map(line)].join('\n');
  const response = await post(planned, '/transform', text, csv);
  assert.equal(response.headers.get('content-type'), 'text/csv');
  const [head, ...lines] = (await response.text()).trimEnd().split('\n');
  assert.equal(head, 'x,y');
  near(
    lines.map((each) => each.split(',').map(Number)),
    map,
  );
  const binary = { 'Content-Type': 'application/x-npy' };
  for (const [server, numbers] of [
    [plain, rows],
    [planned, raw],
  ] as const) {
    const bytes = npy(Float32Array.from(numbers.flat()), [rows.length, width]);
    const answer = await post(server, '/transform', bytes, binary);
    assert.equal(answer.status, 200);
    const { data, shape } = readNpy(new Uint8Array(await answer.arrayBuffer()));
    assert.deepEqual(shape, [rows.length, 2]);
    near(
      map.map((_, i) => [...data.subarray(2 * i, 2 * i + 2)]),
      map,
    );
    const asJson = await post(server, '/transform', bytes, { ...binary, Accept: 'application/json' });
    near(await embedding(asJson), map);
  }
});

test('a missing value is filled in as the model says', async () => {
  const holes = raw.map((row) => row.map((value, c) => (c === 1 ? null : value)));
  const filled = rows.map((row) => row.map((value, c) => (c === 1 ? 0 : value)));
  near(await embedding(await post(planned, '/transform', holes)), await umap.transform(filled));
});

test('rows for places, and labels', async () => {
  const places = await umap.transform(rows);
  const decoded = await umap.inverseTransform(places);
  const inverse = (await (await post(planned, '/inverse', places)).json()) as {
    columns: string[];
    rows: number[][];
  };
  assert.deepEqual(inverse.columns, names);
  near(
    inverse.rows,
    decoded.map((row) => row.map((value) => 10 * value + 5)),
    1e-3,
  );
  const named = places.map(([x, y]) => ({ y, x }));
  const again = (await (await post(plain, '/inverse', named)).json()) as { rows: number[][] };
  near(again.rows, decoded);
  const { labels, classes, probabilities } = (await (await post(plain, '/predict', rows)).json()) as {
    labels: string[];
    classes: string[];
    probabilities: number[][];
  };
  assert.deepEqual(labels, await umap.predict(rows));
  assert.deepEqual(classes, umap.classes);
  near(probabilities, await umap.predictProba(rows));
  const text = await (await post(plain, '/predict', rows, { ...json, Accept: 'text/csv' })).text();
  assert.match(text, /^predicted,p_a,p_b\n[ab],[\d.e-]+,[\d.e-]+\n/);
});

test('many requests at once are put together, and each gets its own rows; a bad one among them harms no other', async () => {
  const map = await umap.transform(rows);
  const answers = await Promise.all(
    rows.map((row, i) => post(plain, '/transform', i % 10 === 3 ? [['x']] : [row])),
  );
  for (const [i, answer] of answers.entries()) {
    if (i % 10 === 3) assert.equal(answer.status, 400);
    else near(await embedding(answer), [map[i]!], 1e-5);
  }
});

test('bad requests are answered 400 with the reason', async () => {
  const cases: readonly (readonly [ModelServer, string, unknown, object, RegExp, number?])[] = [
    [plain, '/transform', '{', json, /expected JSON/],
    [plain, '/transform', [], json, /expected at least 1 row/],
    [plain, '/transform', { row: [1] }, json, /expected at least 1 row/],
    [plain, '/transform', [[1, 2]], json, /vector|columns/],
    [plain, '/transform', [rows[0]!, 7], json, /expected a list of numbers in row 1|rows of one kind/],
    [plain, '/transform', [rows[0]!.map(() => 'x')], json, /expected a number in row 0/],
    [plain, '/transform', [rows[0]!.map(() => null)], json, /missing value/],
    [planned, '/transform', [raw[0]!.slice(1)], json, /values in row 0/],
    [planned, '/transform', [{ 'column 0': 1 }], json, /expected a column column 1/],
    [planned, '/transform', `${names.join(',')}\n1,2\n`, csv, /line/],
    [planned, '/transform', '', csv, /empty|nothing/],
    [plain, '/transform', Uint8Array.of(1, 2, 3), { 'Content-Type': 'application/x-npy' }, /npy|NUMPY|bytes/],
    [plain, '/transform', 'rows', { 'Content-Type': 'application/xml' }, /expected application\/json/],
    [plain, '/inverse', [[1, 2, 3]], json, /2/],
    [plain, '/nowhere', [[1]], json, /expected POST \/transform/, 404],
  ];
  for (const [server, route, body, headers, message, status = 400] of cases) {
    const answer = await post(server, route, body, headers);
    const { error } = (await answer.json()) as { error: string };
    assert.equal(answer.status, status, error);
    assert.match(error, message);
    assert.doesNotMatch(error, /--\w|at .*\.js/, 'no flags and no stack');
  }
});

test('what the server is, whether it lives, and what it counted', async () => {
  const get = async (route: string) => fetch(plain.url + route);
  assert.deepEqual(await (await get('/model')).json(), { estimator: 'ParametricUMAP' });
  assert.deepEqual(await (await get('/healthz')).json(), { status: 'ok' });
  await post(plain, '/transform', rows);
  const metrics = await (await get('/metrics')).text();
  const rowsCounted = Number(/^parametric_umap_rows_total\{route="\/transform"\} (\d+)$/m.exec(metrics)![1]);
  assert.ok(rowsCounted >= rows.length);
  assert.match(metrics, /^parametric_umap_requests_total\{route="\/transform",status="200"\} \d+$/m);
  assert.match(metrics, /^parametric_umap_active_requests 0$/m);
  const page = await (await get('/')).text();
  assert.match(page, /<canvas id="map"/);
});

test('posted rows come as events, those from before too', async () => {
  const server = await start(model);
  await post(server, '/transform', rows.slice(0, 3));
  const events = await fetch(`${server.url}/events`);
  const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
  const points: number[][] = [];
  const until = async (count: number) => {
    while (points.length < count) {
      const { value } = await reader.read();
      for (const [, data] of value!.matchAll(/^data: (.*)$/gm)) points.push(...JSON.parse(data!));
    }
  };
  await until(3);
  await post(server, '/transform', rows.slice(3, 5));
  await until(5);
  near(points, (await umap.transform(rows)).slice(0, 5), 1e-3);
  await server.close();
  assert.equal((await reader.read()).done, true, 'the stream ends with the server');
});

test('limits: bytes, rows, requests at once, time, a token', async () => {
  const server = await start(model, {
    maxBytes: 20_000,
    maxRows: 5,
    maxRequests: 2,
    timeout: 1,
    token: 'secret',
  });
  const headers = { ...json, Authorization: 'Bearer secret' };
  const statusOf = async (body: unknown, more: object = headers) =>
    (await post(server, '/transform', body, more)).status;
  assert.equal(await statusOf(rows.slice(0, 5)), 200);
  assert.equal(await statusOf(rows.slice(0, 6)), 413);
  assert.equal(await statusOf(' '.repeat(20_001)), 413);
  for (const Authorization of ['', 'Bearer wrong', 'secret', 'Basic secret']) {
    assert.equal(await statusOf(rows.slice(0, 1), { ...json, Authorization }), 401);
  }
  assert.equal((await fetch(`${server.url}/`)).status, 401);
  assert.equal((await fetch(`${server.url}/?token=secret`)).status, 200);
  assert.equal((await fetch(`${server.url}/model?token=secret`)).status, 401);
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  // Two clients that say they will send something, and do not.
  const port = Number(new URL(server.url).port);
  const hanging = [0, 1].map(() => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      'POST /transform HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer secret\r\n' +
        'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n[',
    );
    return socket;
  });
  while ((await statusOf(rows.slice(0, 1))) !== 429) await new Promise((resolve) => setTimeout(resolve, 10));
  const refused = await post(server, '/transform', rows.slice(0, 1), headers);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  hanging[0]!.destroy();
  while ((await statusOf(rows.slice(0, 1))) !== 200) await new Promise((resolve) => setTimeout(resolve, 10));
  // The other one is closed by the server.
  const closed = once(hanging[1]!, 'close');
  hanging[1]!.resume();
  await closed;
  await server.close();
});

test('the command serves a saved model on loopback until SIGTERM, and answers what runs', async () => {
  const bin = fileURLToPath(new URL('../../src/node/cli/bin.js', import.meta.url));
  await withDirectory(async (directory) => {
    const saved = path.join(directory, 'model');
    await umap.save(saved);
    const child = spawn(process.execPath, [bin, 'serve', saved, '--port', '0', '--json', '--quiet']);
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(String(line)) as { url: string };
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
    const served = { url, close: async () => {} };
    near(await embedding(await post(served, '/transform', rows)), await umap.transform(rows), 0);
    const running = post(
      served,
      '/transform',
      Array.from({ length: 5000 }, (_, i) => rows[i % rows.length]!),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGTERM');
    assert.equal((await embedding(await running)).length, 5000);
    const [code] = (await once(child, 'exit')) as [number];
    assert.deepEqual([code, stderr], [0, '']);
  });
});
