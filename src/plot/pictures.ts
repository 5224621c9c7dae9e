/** Decoded rows as pictures: what latent grids and strips of interpolations are made of. */
import { DataError, describe } from '../core/errors.js';
import { either, number, type Rule } from '../core/rules.js';
import type { Box } from './marks.js';
import { pngAddress } from './png.js';
import { count, escapeXml, pixel } from './svg.js';

/** Rows that a decoder made: a flat array with a shape, such as a `Matrix`, or a list with one entry per row, nested at will. */
export type Decoded =
  | {
      /** All values, row after row. */
      readonly data: ArrayLike<number>;
      /** Number of rows, then the shape of one. */
      readonly shape: readonly number[];
    }
  | readonly NestedRow[];

/** The values of one row, or the lines of an image, or their pixels. */
export type NestedRow = ArrayLike<number> | readonly NestedRow[];

/** Pictures of one size, ready to be drawn. */
export interface Pictures {
  readonly rows: number;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  /** One byte per channel, picture after picture. */
  readonly pixels: Uint8Array;
}

const isSides = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((side) => Number.isInteger(side) && side >= 1);

/** Shape of one image. */
export const shapeRule: Rule = {
  kind: 'list',
  text: '[height, width], [height, width, 1] for gray or [height, width, 3] for color',
  accepts: (value) =>
    isSides(value) && (value.length === 2 || (value.length === 3 && (value[2] === 1 || value[2] === 3))),
  bad: [0, 'square', true, {}, [], [28], [28, 28, 2], [28, 28, 4], [0, 28], [28, 1.5], [1, 2, 3, 4]],
};

/** The values that are black and white. */
export const clipRule: Rule = {
  kind: 'list',
  text: 'two rising numbers [black, white]',
  accepts: (value) =>
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((end) => Number.isFinite(end)) &&
    (value[0] as number) < (value[1] as number),
  bad: [0, 'all', true, {}, [], [1], [1, 1], [1, 0], [0, Number.NaN], [0, '1'], [0, 1, 2]],
};

/** A range of latent coordinates for both axes, or one per axis. */
export const rangeRule: Rule = {
  ...either(clipRule, clipRule),
  text: '[low, high] with low < high, or two of them, one per axis',
  accepts: (value) =>
    clipRule.accepts(value) || (Array.isArray(value) && value.length === 2 && value.every(clipRule.accepts)),
  bad: [
    0,
    'all',
    true,
    {},
    [],
    [1],
    [1, 1],
    [4, -4],
    [[0, 1]],
    [[0, 1], 2],
    [
      [0, 1],
      [1, 0],
    ],
    [0, Infinity],
  ],
};

/** A number of cells for both axes, or one per axis. */
export const cellsRule: Rule = {
  kind: 'either',
  text: 'an integer of at least 1, or two of them, [columns, rows]',
  accepts: (value) => isSides([value]) || (isSides(value) && value.length === 2),
  bad: [0, 1.5, '10', true, null, {}, [], [1], [0, 1], [1, 2, 3]],
};

/** Width and height of one picture in pixels. */
export const sizeRule: Rule = number(8);

interface Table {
  readonly data: ArrayLike<number>;
  readonly rows: number;
  /** Shape of one row. */
  readonly shape: readonly number[];
}

/**
 * Reads decoded rows as pictures. `shape` null: that of the rows, where they are images; else a square in gray. `clip` null: the
 * lowest value of all is black, the highest white. Throws `DataError` for rows that are no pictures of this shape, and for
 * values that are not finite.
 */
export function readPictures(
  caller: string,
  decoded: Decoded,
  shape: readonly number[] | null,
  clip: readonly number[] | null,
): Pictures {
  const table = readTable(caller, decoded);
  const { data, rows } = table;
  const [height, width, channels = 1] = shape ?? shapeOf(caller, table);
  const size = height! * width! * channels;
  const columns = data.length / rows;
  if (columns !== size) {
    throw new DataError(
      `${caller}: shape: expected rows of ${count(size)} values for [${(shape ?? table.shape).join(', ')}], got ${count(columns)}; ` +
        'give the shape of one image, in rows of pixels',
    );
  }
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (!Number.isFinite(value)) {
      throw new DataError(
        `${caller}: expected finite values, got ${describe(value)} in row ${Math.floor(i / size)}; check what the decoder gives`,
      );
    }
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const [black, white] = clip ?? [low, high];
  const factor = white! > black! ? 255 / (white! - black!) : 0;
  // A clamped array rounds, and clips what is beyond.
  const pixels = Uint8ClampedArray.from(data, (value) => (value - black!) * factor);
  return {
    ...{ rows, height: height!, width: width!, channels: channels as 1 | 3 },
    pixels: new Uint8Array(pixels.buffer),
  };
}

/** The shape of the rows where that is one of an image, else a square. */
function shapeOf(caller: string, { data, rows, shape }: Table): readonly number[] {
  if (shapeRule.accepts(shape)) return shape;
  const columns = data.length / rows;
  const side = Math.sqrt(columns);
  if (Number.isInteger(side)) return [side, side];
  throw new DataError(
    `${caller}: shape: expected one for rows of ${count(columns)} values, which are no square, got none; ` +
      'give [height, width], or [height, width, 3] for color',
  );
}

function readTable(caller: string, decoded: Decoded): Table {
  const given = decoded as { data?: unknown; shape?: unknown } | null;
  if (isSides(given?.shape) && given.shape.length >= 2 && isNumbers(given.data)) {
    const [rows, ...shape] = given.shape as [number, ...number[]];
    const size = shape.reduce((product, side) => product * side, rows);
    const { data } = given as { data: ArrayLike<number> };
    if (data.length === size) return { data, rows, shape };
    throw new DataError(
      `${caller}: expected ${count(size)} values for shape [${given.shape.join(', ')}], got ${count(data.length)}; correct data or shape`,
    );
  }
  if (!Array.isArray(decoded) || decoded.length === 0) {
    throw new DataError(
      `${caller}: expected decoded rows, or { data, shape: [rows, columns] }, got ${describe(decoded)}; ` +
        'pass the result of inverseTransform',
    );
  }
  const shape = nestedShape(decoded[0]);
  const data: number[] = [];
  for (const [i, row] of decoded.entries()) {
    const found = nestedShape(row);
    if (found.length > 0 && found.join() === shape.join() && flatten(row, shape, data)) continue;
    throw new DataError(
      `${caller}: expected rows of numbers, all of one shape, got another in row ${i}; pass the result of inverseTransform`,
    );
  }
  return { data, rows: decoded.length, shape };
}

const isNumbers = (value: unknown): value is ArrayLike<number> =>
  (Array.isArray(value) && !Array.isArray(value[0])) || ArrayBuffer.isView(value);

/** The shape of a nested list by its first entries. */
function nestedShape(value: unknown): number[] {
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) return [];
  const list = value as ArrayLike<unknown>;
  return [list.length, ...nestedShape(list[0])];
}

/** Appends the numbers of a nested list; whether it has this shape throughout. */
function flatten(value: unknown, shape: readonly number[], data: number[]): boolean {
  if (shape.length === 0) {
    data.push(value as number);
    return typeof value === 'number';
  }
  const list = value as ArrayLike<unknown> | undefined;
  if (list?.length !== shape[0]) return false;
  for (let i = 0; i < list!.length; i++) if (!flatten(list![i], shape.slice(1), data)) return false;
  return true;
}

/**
 * An element of SVG per picture, `columns` per line from the corner on, each pixel with sharp edges. `tips` are texts that are shown
 * under the pointer.
 */
export function drawPictures(
  { rows, height, width, channels, pixels }: Pictures,
  columns: number,
  { x, y, ...size }: Box,
  tips: readonly string[] = [],
): string[] {
  const one = height * width * channels;
  const sides = `width="${pixel(size.width)}" height="${pixel(size.height)}"`;
  return Array.from({ length: rows }, (_, i) => {
    const address = pngAddress(pixels.subarray(i * one, (i + 1) * one), width, height, channels);
    const left = pixel(x + (i % columns) * (size.width + GAP));
    const top = pixel(y + Math.floor(i / columns) * (size.height + GAP));
    const tip = tips[i] === undefined ? '' : `<title>${escapeXml(tips[i])}</title>`;
    return `<image x="${left}" y="${top}" ${sides} preserveAspectRatio="none" style="image-rendering:pixelated" href="${address}">${tip}</image>`;
  });
}

/** Between pictures, in pixels. */
export const GAP = 3;
