import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { type TestContext, test } from 'node:test';
import type { Progress } from '../../src/core/types.js';
import { type ProgressStream, progressBar } from '../../src/training/progressBar.js';

function report(step: number, steps = 100, loss = 0.5): Progress {
  return { epoch: step, epochs: steps, step, steps, losses: { loss }, learningRate: 0.001 };
}

class FakeStream extends EventEmitter implements ProgressStream {
  readonly written: string[] = [];
  writable = true;
  constructor(
    readonly isTTY: boolean,
    public columns = 80,
  ) {
    super();
  }
  write(text: string): boolean {
    this.written.push(text);
    return true;
  }
  /** What a terminal shows: the part of each line after its last carriage return. */
  shown(): string {
    const code = String.fromCharCode(27);
    return this.written
      .at(-1)!
      .split(code)
      .map((part, i) => (i === 0 ? part : part.replace(/^\[\d*[a-zA-Z]/, '')))
      .join('')
      .replace('\r', '');
  }
}

/** Sets the clock and the environment for one test. */
function setting(t: TestContext, environment: Record<string, string> = {}): { now: number } {
  const clock = { now: 1000 };
  t.mock.method(performance, 'now', () => clock.now);
  for (const name of ['NO_COLOR', 'TERM']) {
    const before = process.env[name];
    delete process.env[name];
    t.after(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
  Object.assign(process.env, environment);
  return clock;
}

const CONTROL = /[^\x20-\uffff\n]/;

test('a terminal gets one line, redrawn, with bar, percentage, steps, loss and time left', (t) => {
  const clock = setting(t);
  const stream = new FakeStream(true);
  const bar = progressBar(stream);
  bar.report(report(0));
  clock.now += 10_000;
  bar.report(report(25, 100, 1.23456));
  assert.equal(stream.written.length, 2);
  assert.ok(stream.written.every((text) => text.startsWith('\r') && !text.includes('\n')));
  assert.match(stream.shown(), /^━+─+ {2}25% {2}step 25\/100 {2}loss 1\.235 {2}30 s left$/);
  const line = stream.shown();
  const done = line.split('━').length - 1;
  assert.equal(done, Math.round(0.25 * (done + line.split('─').length - 1)));
  clock.now += 90_000;
  bar.report(report(100));
  bar.finish();
  assert.match(stream.written.at(-2)!, /100%.*1 min 40 s in all/);
  assert.equal(stream.written.at(-1), '\n');
});

test('a terminal is not flooded, but the last report is always drawn', (t) => {
  const clock = setting(t);
  const stream = new FakeStream(true);
  const bar = progressBar(stream);
  for (let step = 1; step < 100; step++) {
    clock.now += 1;
    bar.report(report(step));
  }
  assert.equal(stream.written.length, 2);
  bar.report(report(100));
  assert.match(stream.shown(), /100%/);
});

test('the line fits any width', (t) => {
  const clock = setting(t);
  for (let columns = 2; columns < 140; columns++) {
    const stream = new FakeStream(true, columns);
    const bar = progressBar(stream);
    bar.report(report(10, 12_345_678));
    clock.now += 1e7;
    bar.report(report(6_000_000, 12_345_678));
    assert.ok(stream.shown().length < columns, `${columns}: ${stream.shown()}`);
    if (columns > 5) assert.match(stream.shown(), /48%/);
    if (columns > 100) assert.match(stream.shown(), /━.*left/);
  }
});

test('NO_COLOR keeps the bar and drops the escape codes; shorter lines leave nothing behind', (t) => {
  const clock = setting(t, { NO_COLOR: '1' });
  const stream = new FakeStream(true, 200);
  const bar = progressBar(stream);
  bar.report(report(1, 100, 123_456));
  clock.now += 50_000;
  bar.report(report(2, 100, 1));
  clock.now += 1000;
  bar.report(report(100));
  assert.ok(stream.written.every((text) => !CONTROL.test(text.replace('\r', ''))));
  const [, long, short] = stream.written;
  assert.ok(short!.trimEnd().length < long!.trimEnd().length, 'no time is left at the end');
  assert.ok(short!.length >= long!.trimEnd().length, 'blanks cover the longer line');
  assert.ok(short!.length <= 200);
});

test('a log gets plain lines, at most one per report and one per percent', (t) => {
  const clock = setting(t);
  for (const stream of [new FakeStream(false), new FakeStream(true)]) {
    if (stream.isTTY) process.env.TERM = 'dumb';
    const bar = progressBar(stream);
    for (let step = 1; step <= 1000; step++) {
      clock.now += 10;
      const before = stream.written.length;
      bar.report(report(step, 1000));
      assert.ok(stream.written.length - before <= 1);
    }
    bar.finish();
    assert.equal(stream.written.length, 101);
    assert.ok(stream.written.every((text) => /^[^\n]+\n$/.test(text) && !CONTROL.test(text)));
    assert.match(stream.written[50]!, /^ {1}50% {2}step 500\/1000 {2}loss 0\.5000 {2}5 s left\n$/);
  }
});

test('lines of text stand above the bar, whole', (t) => {
  const clock = setting(t);
  const terminal = new FakeStream(true);
  const bar = progressBar(terminal);
  bar.line('backend: cpu');
  bar.report(report(1));
  bar.line('neighbors: exact');
  clock.now += 1;
  bar.report(report(2));
  bar.finish();
  const code = String.fromCharCode(27);
  assert.equal(terminal.written[0], 'backend: cpu\n');
  assert.equal(terminal.written[2], `\rneighbors: exact${code}[K\n`);
  assert.match(terminal.written[3]!, /2%/, 'the bar comes back at once');
  const log = new FakeStream(false);
  progressBar(log).line('text');
  assert.deepEqual(log.written, ['text\n']);
});

test('training that ends early closes with its last report, and a bar can be used again', (t) => {
  const clock = setting(t);
  const stream = new FakeStream(false);
  const bar = progressBar(stream);
  bar.report(report(100, 1000));
  clock.now += 5000;
  bar.report(report(101, 1000));
  bar.finish();
  assert.match(stream.written.at(-1)!, /step 101\/1000.*5 s in all/);
  const lines = stream.written.length;
  bar.finish();
  assert.equal(stream.written.length, lines);
  bar.report(report(1, 1000));
  assert.doesNotMatch(stream.written.at(-1)!, /left/);
});

test('losses that are missing or not finite, and no steps at all, are shown as they are', (t) => {
  setting(t);
  const stream = new FakeStream(false);
  const bar = progressBar(stream);
  bar.report(report(1, 100, Number.NaN));
  bar.report({ ...report(2), losses: {} });
  bar.report(report(0, 0));
  assert.deepEqual(stream.written, [
    '  1%  step 1/100  loss NaN\n',
    '  2%  step 2/100\n',
    '100%  step 0/0  loss 0.5000\n',
  ]);
});

test('a stream that closes, throws or emits an error never disturbs training', async (t) => {
  setting(t);
  const thrower: ProgressStream = {
    write: () => {
      throw new Error('closed');
    },
  };
  const quiet = progressBar(thrower);
  quiet.report(report(1));
  quiet.finish();
  const stream = new FakeStream(false);
  const bar = progressBar(stream);
  bar.report(report(1));
  stream.emit('error', new Error('EPIPE'));
  bar.report(report(2));
  assert.equal(stream.written.length, 1);
  bar.finish();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(stream.listenerCount('error'), 0);
  const ended = new FakeStream(false);
  ended.writable = false;
  progressBar(ended).report(report(1));
  assert.equal(ended.written.length, 0);
});

test('a stage before training is one line on a terminal, redrawn, and training follows on it', (t) => {
  const clock = setting(t);
  const stream = new FakeStream(true);
  const bar = progressBar(stream);
  assert.equal(bar.live, true);
  bar.stage('neighbors', 0);
  assert.match(stream.shown(), /^─+ neighbors {4}0%$/);
  for (let part = 1; part <= 42; part++) {
    clock.now += 10;
    bar.stage('neighbors', part / 100);
  }
  assert.ok(stream.written.length <= 1 + 42 / 5, 'every 50 ms at most');
  assert.match(stream.shown(), /^━+─+ neighbors {3}4\d%$/);
  bar.stage('neighbors', 1);
  assert.match(stream.shown(), /^━+ neighbors {2}100%$/);
  bar.stage('first layout', undefined);
  assert.match(stream.shown(), /^─+ first layout$/);
  bar.stage('first layout', 1);
  assert.match(stream.shown(), /^━+ first layout {2}100%$/);
  bar.report(report(1));
  assert.match(stream.shown(), / 1% {2}step 1\/100/);
  assert.ok(stream.written.every((text) => text.startsWith('\r') && !text.includes('\n')));
  bar.finish();
  assert.equal(stream.written.at(-1), '\n');
});

test('a fit that ends in a stage ends the line, and lines of text stand above a stage too', (t) => {
  const clock = setting(t);
  const stream = new FakeStream(true);
  const bar = progressBar(stream);
  bar.stage('neighbors', 0);
  bar.line('neighbors: exact');
  const code = String.fromCharCode(27);
  assert.equal(stream.written.at(-1), `\rneighbors: exact${code}[K\n`);
  clock.now += 1;
  bar.stage('neighbors', 0.5);
  assert.match(stream.shown(), /50%/, 'the bar comes back at once');
  bar.finish();
  assert.equal(stream.written.at(-1), '\n');
  const lines = stream.written.length;
  bar.finish();
  assert.equal(stream.written.length, lines);
});

test('a stage fits any width', (t) => {
  setting(t);
  for (let columns = 1; columns < 100; columns++) {
    const stream = new FakeStream(true, columns);
    progressBar(stream).stage('principal components', 0.42);
    assert.ok(stream.shown().length <= Math.max(1, columns - 1), `${columns}: ${stream.shown()}`);
  }
});

test('a log gets one plain line a stage, at its start', (t) => {
  const clock = setting(t);
  const stream = new FakeStream(false);
  const bar = progressBar(stream);
  assert.equal(bar.live, false);
  for (const name of ['neighbors', 'graph', 'warm start'] as const) {
    for (let part = 0; part <= 100; part++) {
      clock.now += 1000;
      bar.stage(name, part / 100);
    }
  }
  assert.deepEqual(stream.written, ['stage: neighbors\n', 'stage: graph\n', 'stage: warm start\n']);
  bar.report(report(1));
  bar.finish();
  assert.equal(stream.written.length, 4);
  // The next fit.
  bar.stage('warm start', 0);
  assert.equal(stream.written.at(-1), 'stage: warm start\n');
});
