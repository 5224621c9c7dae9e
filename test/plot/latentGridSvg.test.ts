import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { DataError, OptionError } from '../../src/core/errors.js';
import {
  type Decoded,
  type InterpolationOptions,
  interpolationSvg,
  type LatentGridOptions,
  latentGridHtml,
  latentGridSvg,
} from '../../src/node.js';
import { png } from '../../src/plot/png.js';
import { saying } from '../helpers/assert.js';
import { type Element, parseXml } from './markup.js';

const HOSTILE = `</text><script a="1">'&`;

/** CRC-32 bit by bit, by its definition. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0xedb88320n : crc >> 1n;
  }
  return Number(crc ^ 0xffffffffn);
}

/** Reads a PNG with the decompression of Node.js, which checks its checksum too. */
function readPng(file: Buffer) {
  assert.equal(file.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const data = file.subarray(at + 8, at + 8 + length);
    assert.equal(file.readUInt32BE(at + 8 + length), crc32(file.subarray(at + 4, at + 8 + length)));
    chunks.set(file.toString('latin1', at + 4, at + 8), data);
    at += length + 12;
  }
  assert.deepEqual([...chunks.keys()], ['IHDR', 'IDAT', 'IEND']);
  const header = chunks.get('IHDR')!;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth, color, ...rest] = header.subarray(8);
  assert.deepEqual([depth, ...rest], [8, 0, 0, 0]);
  const channels = color === 2 ? 3 : 1;
  const lines = inflateSync(chunks.get('IDAT')!);
  const line = width * channels + 1;
  assert.equal(lines.length, height * line);
  const pixels: number[] = [];
  for (let y = 0; y < height; y++) {
    assert.equal(lines[y * line], 0, 'no filter');
    pixels.push(...lines.subarray(y * line + 1, (y + 1) * line));
  }
  return { width, height, channels, pixels };
}

const pictures = (elements: readonly Element[]) =>
  elements
    .filter(({ name }) => name === 'image')
    .map(({ attributes }) => {
      const [, text] = attributes.href!.match(/^data:image\/png;base64,(.*)$/)!;
      const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((side) => Number(attributes[side])) as [
        number,
        number,
        number,
        number,
      ];
      return { x, y, ...readPng(Buffer.from(text!, 'base64')), box: { width, height } };
    });
const textsOf = (elements: readonly Element[]) =>
  elements.filter(({ name }) => name === 'text').map(({ text }) => text);

/** `count` images of `size` values: 0, 1, 2, … */
const images = (count: number, size: number) =>
  Array.from({ length: count }, (_, i) => Array.from({ length: size }, (_, j) => i * size + j));

test('a PNG of any size holds its pixels', () => {
  for (const [width, height, channels] of [
    [1, 1, 1],
    [3, 2, 3],
    [300, 250, 1],
    [65535, 1, 1],
    [200, 200, 3],
  ] as const) {
    const pixels = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7) % 256);
    const read = readPng(Buffer.from(png(pixels, width, height, channels)));
    assert.deepEqual([read.width, read.height, read.channels], [width, height, channels]);
    assert.deepEqual(read.pixels, [...pixels]);
  }
});

test('a grid shows each row where its point is, black to white', () => {
  const svg = latentGridSvg(images(6, 4), {
    columns: 3,
    range: [
      [0, 3],
      [0, 2],
    ],
  });
  const elements = parseXml(svg);
  const drawn = pictures(elements);
  assert.equal(drawn.length, 6);
  for (const [i, picture] of drawn.entries()) {
    assert.deepEqual([picture.channels, picture.pixels.length], [1, 4]);
    assert.deepEqual(
      picture.pixels,
      [0, 1, 2, 3].map((j) => Math.round(((4 * i + j) / 23) * 255)),
    );
  }
  assert.equal(new Set(drawn.slice(0, 3).map(({ y }) => y)).size, 1);
  assert.ok(drawn[0]!.x < drawn[1]!.x && drawn[0]!.y < drawn[3]!.y && drawn[3]!.x === drawn[0]!.x);
  assert.deepEqual(textsOf(elements), ['0.5', '1.5', '2.5', '1.5', '0.5', 'latent 1', 'latent 2']);
  // One title is that of the document; the row on top has the largest y.
  const tips = elements.filter(({ name }) => name === 'title').map(({ text }) => text);
  assert.deepEqual(tips.slice(1), ['0.5, 1.5', '1.5, 1.5', '2.5, 1.5', '0.5, 0.5', '1.5, 0.5', '2.5, 0.5']);
  assert.match(
    elements.find(({ name }) => name === 'desc')!.text,
    /^2 rows of 3 gray images of 2 x 2 pixels/,
  );
});

test('images may be gray or in color, of any shape, and in any form', () => {
  const values = Float32Array.from({ length: 2 * 3 * 3 * 4 }, (_, i) => i);
  const nested = Array.from({ length: 4 }, (_, i) =>
    Array.from({ length: 2 }, (_, y) =>
      Array.from({ length: 3 }, (_, x) => [
        ...values.subarray(((i * 2 + y) * 3 + x) * 3, ((i * 2 + y) * 3 + x + 1) * 3),
      ]),
    ),
  );
  const flat = { data: values, shape: [4, 18] };
  const svgs = [
    latentGridSvg(flat, { shape: [2, 3, 3] }),
    latentGridSvg({ data: values, shape: [4, 2, 3, 3] }),
    latentGridSvg(nested),
    latentGridSvg(
      Array.from({ length: 4 }, (_, i) => values.subarray(18 * i, 18 * (i + 1))),
      { shape: [2, 3, 3] },
    ),
  ];
  for (const svg of svgs) assert.equal(svg, svgs[0]);
  const [first] = pictures(parseXml(svgs[0]!));
  assert.deepEqual([first!.width, first!.height, first!.channels], [3, 2, 3]);
  assert.deepEqual(
    first!.pixels,
    Array.from({ length: 18 }, (_, i) => Math.round((i / 71) * 255)),
  );
  assert.ok(Math.abs(first!.box.height / first!.box.width - 2 / 3) < 0.01);
  const [tall] = pictures(parseXml(latentGridSvg(flat, { shape: [6, 3], size: 30 })));
  assert.deepEqual(
    [tall!.width, tall!.height, tall!.channels, tall!.box],
    [3, 6, 1, { width: 30, height: 60 }],
  );
  const [one] = pictures(parseXml(latentGridSvg({ data: [1, 2, 3, 4], shape: [1, 2, 2, 1] })));
  assert.deepEqual([one!.channels, one!.pixels], [1, [0, 85, 170, 255]]);
});

test('values beyond clip are clipped; equal values are black', () => {
  const [clipped] = pictures(parseXml(latentGridSvg([[-5, 0, 0.5, 9]], { clip: [0, 1] })));
  assert.deepEqual(clipped!.pixels, [0, 0, 128, 255]);
  const [equal] = pictures(parseXml(latentGridSvg([[3, 3, 3, 3]])));
  assert.deepEqual(equal!.pixels, [0, 0, 0, 0]);
});

test('axes can be left out, and hostile text stays text', () => {
  const bare = parseXml(latentGridSvg(images(4, 4), { range: null }));
  assert.deepEqual(textsOf(bare), []);
  assert.equal(bare.filter(({ name }) => name === 'title').length, 1);
  const texts = { title: HOSTILE, subtitle: HOSTILE, xLabel: HOSTILE, yLabel: HOSTILE };
  const elements = parseXml(latentGridSvg(images(4, 4), { ...texts, theme: 'dark' }));
  assert.ok(!elements.some(({ name }) => name === 'script'));
  assert.equal(textsOf(elements).filter((text) => text === HOSTILE).length, 4);
  const [root] = elements;
  const [, , width, height] = root!.attributes.viewBox!.split(' ').map(Number);
  for (const { x, y, box } of pictures(elements))
    assert.ok(x + box.width < width! && y + box.height < height!);
  // A grid of many cells has fewer ticks than cells.
  assert.ok(textsOf(parseXml(latentGridSvg(images(1600, 1), {}))).length < 82);
});

test('the page holds the same picture, and loads nothing', () => {
  const options: LatentGridOptions = { title: HOSTILE, theme: 'dark' };
  const html = latentGridHtml(images(4, 4), options);
  assert.ok(html.includes(latentGridSvg(images(4, 4), options)));
  assert.match(html, /^<!doctype html>/);
  assert.doesNotMatch(html, /<script|(?:src|href)="(?!data:)/);
});

test('a strip shows the way, with the names of its ends', () => {
  const elements = parseXml(interpolationSvg(images(5, 4), { from: 'a 0', to: 'a 1', title: 'Way' }));
  const drawn = pictures(elements);
  assert.equal(drawn.length, 5);
  assert.equal(new Set(drawn.map(({ y }) => y)).size, 1);
  assert.deepEqual(textsOf(elements), ['Way', 'a 0', '0.25', '0.5', '0.75', 'a 1']);
  const two = pictures(parseXml(interpolationSvg(images(6, 4), { columns: 3 })));
  assert.equal(new Set(two.map(({ y }) => y)).size, 2);
  const long = textsOf(
    parseXml(interpolationSvg(images(5, 4), { from: HOSTILE, to: 'a very long name of a row' })),
  );
  assert.deepEqual(long, [HOSTILE, 'a very long name of a row']);
  const [color] = pictures(parseXml(interpolationSvg(images(2, 12), { shape: [2, 2, 3], clip: [0, 255] })));
  assert.deepEqual([color!.channels, color!.pixels], [3, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]);
});

test('rows that are no images are refused, with what to do', () => {
  const refused = (decoded: unknown, message: RegExp, options = {}) => {
    for (const draw of [latentGridSvg, latentGridHtml, interpolationSvg]) {
      assert.throws(
        () => draw(decoded as Decoded, options),
        saying(DataError, new RegExp(`^${draw.name}: `), message, /expected .*, got .*; /),
      );
    }
  };
  for (const nothing of [null, undefined, 3, 'rows', [], {}, { data: 3, shape: [2, 2] }])
    refused(nothing, /decoded rows, or \{ data, shape/);
  refused({ data: [1, 2, 3], shape: [2, 2] }, /expected 4 values for shape \[2, 2\], got 3/);
  refused([[1, 2, 3]], /shape: expected one for rows of 3 values, which are no square/);
  refused([[1, 2, 3, 4]], /shape: expected rows of 6 values for \[2, 3\], got 4/, { shape: [2, 3] });
  refused([[1, 2, 3, Number.NaN]], /expected finite values, got NaN in row 0/);
  refused([[1], [Infinity]], /expected finite values, got Infinity in row 1/);
  refused([[1, 2, 3, 4], [1]], /got another in row 1/);
  refused([[1], ['1']], /got another in row 1/);
  refused([3, 4], /got another in row 0/);
  assert.throws(
    () => latentGridSvg(images(6, 4)),
    saying(DataError, /columns: expected a number of them for 6 images, .*, got none; give columns/),
  );
  assert.throws(
    () => latentGridSvg(images(6, 4), { columns: 4 }),
    saying(DataError, 'expected a multiple of 4 images, one per cell, got 6'),
  );
});

test('wrong options are refused by name', () => {
  const shared = [
    { shape: [28] },
    { shape: [2, 2, 2] },
    { clip: [1, 0] },
    { clip: 1 },
    { size: 7 },
    { theme: 'blue' },
  ];
  const wrong: [draw: (decoded: Decoded, options: never) => string, options: object][] = [
    ...[...shared, { columns: 0 }, { range: [4, -4] }, { xLabel: 3 }].map(
      (options): (typeof wrong)[number] => [latentGridSvg, options],
    ),
    ...[...shared, { columns: 1 }, { from: 3 }, { range: [0, 1] }].map((options): (typeof wrong)[number] => [
      interpolationSvg,
      options,
    ]),
  ];
  for (const [draw, options] of wrong) {
    assert.throws(
      () => draw(images(4, 4), options as LatentGridOptions & InterpolationOptions as never),
      saying(OptionError, draw.name, Object.keys(options)[0]!),
    );
  }
});
