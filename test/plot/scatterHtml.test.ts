import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Script } from 'node:vm';
import { DataError, OptionError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/random.js';
import { pageParts } from '../../src/plot/page/compute.js';
import type { PageData } from '../../src/plot/page/map.js';
import { scatterHtml } from '../../src/plot/scatterHtml.js';

const HOSTILE = `</script><!--<script>"'&\u2028\ud800`;

function cloud(rows: number, seed = 1): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: rows }, () => [random.normal() * 3, random.normal()]);
}

function payload(html: string): PageData {
  const [, json] = html.match(/<script type="application\/json" id="data">(.*?)<\/script>/s)!;
  return JSON.parse(json!) as PageData;
}

const floats = (text: string) => new Float32Array(pageParts.decode(text).buffer);

test('the page holds every point, label, line of text and picture', () => {
  const points = [...cloud(7), [Number.NaN, 0]];
  const labels = ['a', 'b', 'a', 'c', '', 'b', 'a', 'c'];
  const images = { data: Uint8Array.from({ length: 10 * 6 }, (_, i) => (i * 37) % 256), width: 3, height: 2 };
  const text = points.map((_, i) => `text ${i}`);
  const held = { points: cloud(2, 2), labels: ['a', 'c'] };
  const data = payload(scatterHtml(points, { labels, images, text, held }));
  assert.equal(data.heldFrom, 8);
  assert.deepEqual(floats(data.positions), Float32Array.from([...points, ...held.points].flat()));
  const groups = new Uint16Array(pageParts.decode(data.group).buffer);
  const names = [...groups].map((group) => data.groups[group]!.name);
  assert.deepEqual(names, ['a', 'b', 'a', 'c', 'no label', 'b', 'a', 'c', 'a', 'c']);
  const label = new Uint32Array(pageParts.decode(data.label).buffer);
  assert.deepEqual(
    [...label].map((at) => data.names[at]),
    names,
  );
  assert.deepEqual(data.text, text);
  const runs = pageParts.decode(data.images!.runs);
  const starts = pageParts.imageStarts(runs, 6);
  assert.equal(starts.length, 11);
  for (let row = 0; row < 10; row++) {
    const gray = pageParts.unpackImage(runs, starts[row]!, starts[row + 1]!, 6);
    // 16 levels from 0 to 222, the highest value there is.
    const highest = Math.max(...images.data);
    for (const [i, value] of gray.entries()) {
      assert.ok(Math.abs(value - (images.data[row * 6 + i]! / highest) * 255) <= 255 / 30 + 1e-9);
    }
  }
});

test('equal pixels are packed sixteen to a byte and never across two pictures', () => {
  const images = { data: new Float32Array(3 * 784), width: 28, height: 28 };
  images.data[784] = 1;
  const runs = pageParts.decode(payload(scatterHtml(cloud(3), { images })).images!.runs);
  // 784 = 49 * 16; the single white pixel needs a byte of its own, and leaves 783 black ones.
  assert.deepEqual([...pageParts.imageStarts(runs, 784)], [0, 49, 99, 148]);
  assert.equal(runs.length, 148);
  const white = pageParts.unpackImage(runs, 49, 99, 784);
  assert.deepEqual([white[0], Math.max(...white.subarray(1))], [255, 0]);
});

test('hostile text neither ends a script nor becomes markup, and nothing is loaded from anywhere', () => {
  const rows = cloud(4);
  const html = scatterHtml(rows, {
    labels: rows.map(() => HOSTILE),
    text: rows.map(() => HOSTILE),
    title: HOSTILE,
    subtitle: HOSTILE,
    legendTitle: HOSTILE,
  });
  assert.equal(html.match(/<script/g)?.length, 2);
  assert.equal(html.match(/<\/script/g)?.length, 2);
  assert.ok(!html.includes('<!--'));
  assert.equal(payload(html).text[0], HOSTILE);
  assert.equal(payload(html).groups[0]?.name, HOSTILE);
  assert.doesNotMatch(html, /(src|href)=|url\(|@import|https?:/);
  assert.match(html, /Content-Security-Policy" content="default-src 'none'/);
});

test("the page's program parses", () => {
  const html = scatterHtml(cloud(3), { labels: [1, 2, 3] });
  const code = html.match(/<script>(.*)<\/script>/s)![1]!;
  assert.doesNotThrow(() => new Script(code));
});

test('classes, the rest, and kinds of rows have buttons; a scale has a bar', () => {
  const held = { points: cloud(2, 2), labels: ['a', ''] };
  const html = scatterHtml(cloud(3), { labels: ['a', 'b', 'a'], held, legendTitle: 'Kind' });
  assert.equal(html.match(/<button type="button" data-group="\d+" aria-pressed="true">/g)?.length, 3);
  assert.equal(html.match(/<button type="button" data-kind="(fitted|held)"/g)?.length, 2);
  const values = scatterHtml(cloud(3), { labels: [0.5, 1, 2] });
  assert.doesNotMatch(values, /<button[^>]*data-group/);
  assert.match(values, /<div class="bar"/);
  assert.doesNotMatch(scatterHtml(cloud(3)), /<nav/);
});

test('text and pictures that do not fit are errors with both numbers', () => {
  const points = cloud(4);
  assert.throws(() => scatterHtml(points, { text: ['a'] }), /text: expected 4 values for 4 points, got 1/);
  const images = (data: number[], width = 2, height = 2) => ({ images: { data, width, height } });
  assert.throws(
    () => scatterHtml(points, images([1, 2, 3])),
    (error: Error) => {
      return (
        error instanceof DataError &&
        /images.data: expected 16 values for 4 points, got 3/.test(error.message)
      );
    },
  );
  assert.throws(() => scatterHtml(points, images([], 0)), /expected sides .* at least 1, got 0 x 2/);
  assert.throws(() => scatterHtml(points, { width: 5 } as object), OptionError);
});

/** The page as a browser on this machine has it after its scripts ran; undefined without one that starts. */
async function browse(address: string, folder: string): Promise<string | undefined> {
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-sync',
  ];
  flags.push(
    '--disable-background-networking',
    '--disable-component-update',
    `--user-data-dir=${folder}/profile`,
  );
  flags.push('--window-size=900,700', '--dump-dom');
  const limits = { timeout: 60_000, maxBuffer: 1e8 };
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const dump = (where: string) => promisify(execFile)(name, [...flags, where], limits);
    const starts = await dump('about:blank').catch(() => undefined);
    if (starts) return (await dump(address)).stdout;
  }
  return undefined;
}

test('in a browser, pointing names a point, the wheel zooms around it, and the legend hides classes', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'plot-'));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const labels = ['left', 'right', 'up'];
  const html = scatterHtml(
    [
      [-1, 0],
      [1, 0],
      [0, 1],
    ],
    { labels, text: labels.map(() => '</script><b>') },
  );
  const file = path.join(folder, 'page.html');
  await writeFile(file, html.replace('</body>', `<script>(${probe})();</script></body>`));
  const dom = await browse(`file://${file}`, folder);
  if (dom === undefined) return t.skip('no Chromium that starts on this machine');
  const said = JSON.parse(dom.match(/<pre id="said">(.*?)<\/pre>/s)?.[1] ?? 'null') as unknown;
  assert.deepEqual(said, ['left row 0', '', 'left row 0', 'left row 0', '', 'right row 1', 'false']);
});

/** Runs in the page. Two points lie at the same height, `left` 93 % of the way to the left edge. */
function probe(): void {
  const map = document.querySelector<HTMLCanvasElement>('#map')!;
  const frame = () => map.getBoundingClientRect();
  const said: string[] = [];
  const tell = () => {
    const tip = document.querySelector<HTMLElement>('#tip')!;
    const part = (name: string) => tip.querySelector(name)!.textContent;
    said.push(tip.hidden ? '' : `${part('b')} ${part('i')}`);
  };
  const half = () => 0.93 * 0.5 * Math.min(frame().width, 2 * frame().height);
  const at = (x: number) => ({
    clientX: frame().left + frame().width / 2 + x,
    clientY: frame().top + frame().height / 2 + half() / 2,
    pointerId: 1,
    pointerType: 'mouse',
    cancelable: true,
    bubbles: true,
  });
  const point = (x: number) => map.dispatchEvent(new PointerEvent('pointermove', at(x)));
  point(-half());
  tell();
  point(0);
  tell();
  map.dispatchEvent(new WheelEvent('wheel', { ...at(-half()), deltaY: -900 }));
  point(-half());
  tell();
  map.dispatchEvent(new MouseEvent('dblclick', at(0)));
  point(-half());
  tell();
  document.querySelectorAll<HTMLElement>('button[data-group]')[0]!.click();
  point(-half());
  tell();
  point(half());
  tell();
  said.push(document.querySelector('button[data-group]')!.getAttribute('aria-pressed')!);
  const pre = document.createElement('pre');
  pre.id = 'said';
  pre.textContent = JSON.stringify(said);
  document.body.append(pre);
}
