/** The example for browsers, built as the site has it, in a headless Chromium: a mouse draws, clicks, chooses a file and stops. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { noBrowser, startBrowser } from '../helpers/browser.js';
import { run } from '../helpers/child.js';
import { root } from '../helpers/files.js';

const skip = noBrowser;
const types: Readonly<Record<string, string>> = {
  ...{ '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json' },
};

let folder: string;
let server: Server;
let browser: Browser;
let page: Page;
const messages: string[] = [];

before(async () => {
  if (skip) return;
  folder = mkdtempSync(path.join(tmpdir(), 'parametric-umap-site-'));
  const script = path.join(root, 'scripts/site.mjs');
  await run(process.execPath, [script, '--demo-only', '--epochs', '60', '--out', folder], { cwd: root });
  server = createServer(({ url }, response) => {
    const file = path.join(folder, 'demo', url === '/' ? 'index.html' : url!);
    if (!existsSync(file)) return response.writeHead(404).end();
    response.setHeader('Content-Type', types[path.extname(file)] ?? 'application/octet-stream');
    return response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  browser = await startBrowser();
  page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  page.setDefaultTimeout(60_000);
  page.on('console', (message) => {
    // The test itself reads canvases back.
    if (!message.text().includes('willReadFrequently')) messages.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => messages.push(`error: ${error.message}`));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.waitForSelector('#legend li');
});
after(async () => {
  await browser?.close();
  server?.close();
  if (folder) rmSync(folder, { recursive: true });
  assert.deepEqual(messages, []);
});

/** Draws with the mouse, on a pad of 256 x 256. */
async function draw(...points: readonly (readonly [x: number, y: number])[]): Promise<void> {
  const { x, y } = (await page.locator('#pad').boundingBox())!;
  for (const [i, point] of points.entries()) {
    await page.mouse.move(x + point[0], y + point[1], { steps: 4 });
    if (i === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

const text = (selector: string) => page.locator(selector).textContent();
const pixels = (selector: string) =>
  page.evaluate<number[]>(`(() => {
    const { width, height } = document.querySelector('${selector}');
    const context = document.querySelector('${selector}').getContext('2d');
    return [...context.getImageData(0, 0, width, height).data];
  })()`);

test('a drawn zero is recognized, and a drawn seven is placed elsewhere', { skip }, async () => {
  const empty = await pixels('#map');
  const ring = [128, 50, 90, 70, 75, 128, 90, 190, 128, 210, 166, 190, 180, 128, 166, 70, 128, 50];
  await draw(...Array.from({ length: 9 }, (_, i) => [ring[2 * i]!, ring[2 * i + 1]!] as const));
  await page.waitForFunction(`/Looks like 0 /.test(document.querySelector('#guess').textContent)`);
  const zero = await pixels('#map');
  assert.notDeepEqual(zero, empty, 'there is a mark on the map');
  await page.click('#clear');
  await page.waitForFunction(`/Nothing drawn/.test(document.querySelector('#guess').textContent)`);
  assert.deepEqual(await pixels('#map'), empty);
  await draw([80, 60], [180, 60], [140, 130], [120, 210]);
  await page.waitForFunction(`/Looks like [1-9] /.test(document.querySelector('#guess').textContent)`);
  assert.notDeepEqual(await pixels('#map'), zero);
});

test('a click on the map is decoded, and arrow keys move the place', { skip }, async () => {
  const { x, y, width, height } = (await page.locator('#map').boundingBox())!;
  await page.mouse.click(x + width / 3, y + height / 2);
  await page.waitForFunction(`/Decoded from/.test(document.querySelector('#place').textContent)`);
  const [first, where] = [await pixels('#decoded'), await text('#place')];
  const gray = first.filter((_, i) => i % 4 === 0);
  assert.ok(Math.max(...gray) - Math.min(...gray) > 100, 'ink on paper');
  for (let i = 0; i < 20; i++) await page.keyboard.press('ArrowRight');
  await page.waitForFunction(`document.querySelector('#place').textContent !== ${JSON.stringify(where)}`);
  assert.notDeepEqual(await pixels('#decoded'), first);
});

test('a chosen file is learned in a worker with progress, and Stop keeps what was learned', {
  skip,
}, async () => {
  await page.setInputFiles('#file', path.join(root, 'examples/data/digits.csv'));
  await page.waitForFunction(`document.querySelector('#status').textContent === 'training'`);
  await page.waitForFunction(`document.querySelector('#progress').value > 0`);
  // The page itself is alive meanwhile.
  await page.click('#clear');
  await page.click('#stop');
  await page.waitForFunction(
    `/1797 rows, stopped early/.test(document.querySelector('#status').textContent)`,
  );
  const colors = new Set((await pixels('#trained')).map((value) => value >> 5));
  assert.ok(colors.size > 4, 'points in the colors of their labels');
});

test('a file that is no table of numbers is named, and the page goes on', { skip }, async () => {
  const file = path.join(folder, 'bad.csv');
  writeFileSync(file, 'a,b\n1,2\n3\n');
  await page.setInputFiles('#file', file);
  await page.waitForFunction(`/expected 2 fields/.test(document.querySelector('#status').textContent)`);
  assert.equal(await page.locator('#stop').isVisible(), false);
});
