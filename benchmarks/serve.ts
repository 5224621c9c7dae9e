/**
 * A soak of `parametric-umap serve` on loopback: requests of mixed sizes, one in fifty malformed, clients that hang and that cut off.
 * Every answer is compared with `transform`. Prints requests and rows a second, times, and the memory of the server.
 *
 *   node build/benchmarks/serve.js [--requests 200000] [--clients 16] [--rows 64]
 *
 * `--rows` is the largest size of a request; half of all requests have one row.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ParametricUMAP } from 'parametric-umap';
import { loadDigits } from '../examples/digits.js';
import { createRandom } from '../src/core/random.js';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200000' },
    clients: { type: 'string', default: '16' },
    rows: { type: 'string', default: '64' },
  },
});
const total = Number(values.requests);
const clients = Number(values.clients);
const most = Number(values.rows);

const { train } = await loadDigits();
const [count, width] = train.shape;
const folder = await mkdtemp(path.join(tmpdir(), 'parametric-umap-serve-'));
const umap = new ParametricUMAP({ nEpochs: 20 });
await umap.fit(train);
await umap.save(path.join(folder, 'model'));
const expected = (await umap.transform(train)).data;
umap.dispose();

const bin = fileURLToPath(new URL('../src/node/cli/bin.js', import.meta.url));
const child: ChildProcess = spawn(
  process.execPath,
  [bin, 'serve', path.join(folder, 'model'), '--port', '0', '--json'],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
let crashed = false;
child.once('exit', (code) => {
  crashed = code !== 0;
});
const [line] = (await once(child.stdout!, 'data')) as [Buffer];
const { hostname, port } = new URL((JSON.parse(String(line)) as { url: string }).url);
const agent = new Agent({ keepAlive: true, maxSockets: clients });

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly seconds: number;
}

function ask(method: string, route: string, body?: string): Promise<Answer> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const asked = request({ hostname, port, method, path: route, agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode!, text, seconds: (performance.now() - start) / 1000 }),
      );
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** A client that says it will send a body, and hangs; or one that cuts off in the middle of it. */
function rude(hang: boolean): void {
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(
    'POST /transform HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n[[1,',
  );
  if (!hang) setTimeout(() => socket.destroy(), 5);
}

const text = Array.from({ length: count }, (_, row) =>
  JSON.stringify([...train.data.subarray(row * width, (row + 1) * width)]),
);
const malformed = ['{', '[[1,2]]', '[]', JSON.stringify([Array.from({ length: width }, () => 'x')])];
const times: number[] = [];
const memory: { second: number; mebibytes: number }[] = [];
let [wrong, sent, rowsSent, refused] = [0, 0, 0, 0];

async function client(seed: number): Promise<void> {
  const random = createRandom(`client ${seed}`);
  while (sent < total && !crashed) {
    const number = sent++;
    if (number % 5000 === 2500) rude(number % 10_000 === 2500);
    if (number % 50 === 7) {
      const { status } = await ask('POST', '/transform', malformed[random.integer(malformed.length)]!);
      if (status !== 400) wrong++;
      continue;
    }
    const size = random.next() < 0.5 ? 1 : 1 + random.integer(most);
    const rows = Array.from({ length: size }, () => random.integer(count));
    const answer = await ask('POST', '/transform', `[${rows.map((row) => text[row]).join(',')}]`);
    if (answer.status === 429) {
      refused++;
      continue;
    }
    times.push(answer.seconds);
    rowsSent += size;
    const { embedding } = JSON.parse(answer.text) as { embedding?: number[][] };
    const right =
      embedding?.length === size &&
      rows.every((row, i) =>
        embedding[i]!.every((value, c) => Math.abs(value - expected[2 * row + c]!) < 1e-5),
      );
    if (!right) wrong++;
  }
}

const start = performance.now();
const second = () => (performance.now() - start) / 1000;
const watching = setInterval(async () => {
  const { text: metrics } = await ask('GET', '/metrics').catch(() => ({ text: '' }));
  const bytes = /^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1];
  if (bytes !== undefined) memory.push({ second: Math.round(second()), mebibytes: Number(bytes) / 2 ** 20 });
}, 5000);
await Promise.all(Array.from({ length: clients }, (_, i) => client(i)));
const seconds = second();
clearInterval(watching);
const healthy = (await ask('GET', '/healthz').catch(() => ({ status: 0 }))).status === 200;
child.kill('SIGTERM');
await once(child, 'exit');
agent.destroy();
await rm(folder, { recursive: true });

times.sort((a, b) => a - b);
const at = (share: number) => `${(1000 * times[Math.floor(share * (times.length - 1))]!).toFixed(1)} ms`;
const after = (least: number) =>
  memory.filter((each) => each.second >= least).map(({ mebibytes }) => mebibytes);
const mean = (list: number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
console.log(
  `${sent} requests by ${clients} clients in ${seconds.toFixed(0)} s: ${Math.round(sent / seconds)} a second, ${Math.round(rowsSent / seconds)} rows a second`,
);
console.log(`time of a request: half within ${at(0.5)}, 99 % within ${at(0.99)}, the longest ${at(1)}`);
console.log(
  `wrong answers ${wrong}, refused as too many ${refused}, the server ${crashed || !healthy ? 'CRASHED' : 'lives'}`,
);
const flat = after(60);
if (flat.length > 3) {
  const third = Math.floor(flat.length / 3);
  console.log(
    `memory after the first minute: mean ${mean(flat.slice(0, third)).toFixed(0)} MB in the first third, ` +
      `${mean(flat.slice(-third)).toFixed(0)} MB in the last, at most ${Math.max(...flat).toFixed(0)} MB`,
  );
}
