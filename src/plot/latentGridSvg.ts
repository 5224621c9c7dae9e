/** Plots what a decoder makes of a grid of latent points: one picture per cell. */
import { DataError } from '../core/errors.js';
import { resolveOptions } from '../core/options.js';
import { choice, integer, orNull } from '../core/rules.js';
import { THEMES, type Theme } from './colors.js';
import { DEFAULT_RANGE, gridCenters, type LatentRange } from './latent.js';
import type { Box } from './marks.js';
import {
  clipRule,
  type Decoded,
  drawPictures,
  GAP,
  rangeRule,
  readPictures,
  shapeRule,
  sizeRule,
} from './pictures.js';
import { anyText, heading, headingHeight, headingWidth, PAD } from './scatterSvg.js';
import { brief, count, escapeXml, pixel, svgDocument, textWidth } from './svg.js';

/** Options of `latentGridSvg`. */
export interface LatentGridOptions {
  /** Pictures per row of the grid, at least 1. Default null: as many as there are rows. */
  readonly columns?: number | null | undefined;
  /** The range that `latentGridPoints` had, for the axes: `[low, high]`, or one per axis; null: no axes. Default [-4, 4]. */
  readonly range?: LatentRange | null | undefined;
  /**
   * Shape of one image: `[height, width]`, `[height, width, 1]`, or `[height, width, 3]` for red, green and blue. Default null:
   * that of the rows where they are images, else a gray square.
   */
  readonly shape?: readonly number[] | null | undefined;
  /** The values that are black and white, `[low, high]`; others are clipped. Default null: the lowest and the highest of all. */
  readonly clip?: readonly number[] | null | undefined;
  /** Title of the picture. Default '': none. */
  readonly title?: string | undefined;
  /** A second line under the title, in a lighter color. Default '': none. */
  readonly subtitle?: string | undefined;
  /** Name of the horizontal axis. Default 'latent 1'. */
  readonly xLabel?: string | undefined;
  /** Name of the vertical axis. Default 'latent 2'. */
  readonly yLabel?: string | undefined;
  /** Width of one picture in pixels, at least 8. Default null: by their number. */
  readonly size?: number | null | undefined;
  /** Colors of the picture: `'light'` (default) or `'dark'`. */
  readonly theme?: 'light' | 'dark' | undefined;
}

const defaults: Readonly<Required<LatentGridOptions>> = Object.freeze({
  columns: null,
  range: DEFAULT_RANGE,
  shape: null,
  clip: null,
  title: '',
  subtitle: '',
  xLabel: 'latent 1',
  yLabel: 'latent 2',
  size: null,
  theme: 'light',
});

const rules = {
  columns: orNull(integer(1)),
  range: orNull(rangeRule),
  shape: orNull(shapeRule),
  clip: orNull(clipRule),
  ...{ title: anyText, subtitle: anyText, xLabel: anyText, yLabel: anyText },
  size: orNull(sizeRule),
  theme: choice('light', 'dark'),
};

/** Width of a grid whose pictures have no size of their own. */
const WIDTH = 620;
const TICK_SIZE = 12;
const LABEL_SIZE = 13;
/** Height of the ticks and of the name under them. */
const AXIS = 44;

/**
 * Draws decoded rows as a grid of images, as an SVG document: what is where in a latent space, or on a map. The rows are those of
 * `latentGridPoints`, decoded: from left to right, the row of the largest y on top. Ticks are the coordinates of the cells'
 * centers, and each cell has a tooltip with its own. The pictures are inside the document, which loads nothing.
 *
 * Throws `DataError` for rows that do not fill the grid, are no images of this shape, or hold values that are not finite;
 * `OptionError` for wrong options.
 *
 * ```js
 * const range = [-4, 4];
 * const decoded = await umap.inverseTransform(latentGridPoints({ range, cells: 10 }));
 * await writeFile('grid.svg', latentGridSvg(decoded, { range, shape: [8, 8] }));
 * ```
 */
export function latentGridSvg(decoded: Decoded, options: LatentGridOptions = {}): string {
  return drawGrid('latentGridSvg', decoded, options);
}

/**
 * The same as an HTML page, which fits the picture to the window and tells the coordinates of the cell under the pointer. Throws
 * as `latentGridSvg` does.
 */
export function latentGridHtml(decoded: Decoded, options: LatentGridOptions = {}): string {
  const svg = drawGrid('latentGridHtml', decoded, options);
  const theme = THEMES[options.theme ?? 'light'];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${escapeXml(options.title || 'Latent grid')}</title>
<style>
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: ${theme.page}; }
svg { width: 100%; height: 100vh; height: 100dvh; }
</style>
</head>
<body>
${svg}</body>
</html>
`;
}

function drawGrid(caller: string, decoded: Decoded, options: LatentGridOptions): string {
  const o = resolveOptions<Required<LatentGridOptions>>(caller, options, defaults, rules);
  const pictures = readPictures(caller, decoded, o.shape, o.clip);
  const columns = o.columns ?? Math.sqrt(pictures.rows);
  const rows = pictures.rows / columns;
  if (!Number.isInteger(rows) || !Number.isInteger(columns)) {
    throw new DataError(
      o.columns === null
        ? `${caller}: columns: expected a number of them for ${count(pictures.rows)} images, which fill no square grid, got none; give columns`
        : `${caller}: expected a multiple of ${columns} images, one per cell, got ${count(pictures.rows)}; ` +
            'give the columns that latentGridPoints had',
    );
  }
  const width = o.size ?? Math.max(8, WIDTH / columns - GAP);
  const height = (width * pictures.height) / pictures.width;
  const theme = THEMES[o.theme];
  const centers = o.range && gridCenters(o.range, columns, rows);
  const left = PAD + (centers ? axisWidth(centers.y) : 0);
  const box = {
    ...{ x: left, y: headingHeight(o) },
    ...{ width: columns * (width + GAP) - GAP, height: rows * (height + GAP) - GAP },
  };
  const tips = centers?.y.flatMap((y) => centers.x.map((x) => `${name(x)}, ${name(y)}`));
  const whole = {
    width: Math.ceil(Math.max(left + box.width, PAD + headingWidth(o.title, o.subtitle)) + PAD),
    height: Math.ceil(box.y + box.height + (centers ? AXIS : 0) + PAD),
  };
  const kind = pictures.channels === 3 ? 'color' : 'gray';
  const about = `${count(rows)} rows of ${count(columns)} ${kind} images of ${pictures.width} x ${pictures.height} pixels.`;
  return svgDocument(whole.width, whole.height, theme.page, o.title || 'Latent grid', about, [
    heading(o.title, o.subtitle, theme),
    ...drawPictures(pictures, columns, { ...box, width, height }, tips),
    ...(centers ? drawAxes(centers, box, o, theme) : []),
  ]);
}

interface Centers {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

const name = (value: number) => brief(Number(value.toPrecision(3)));

function axisWidth(y: readonly number[]): number {
  return Math.ceil(Math.max(...y.map((value) => textWidth(name(value), TICK_SIZE)))) + LABEL_SIZE + 18;
}

/** Every cell has a tick where there is room, else every second one, and so on. */
function drawAxes(
  { x, y }: Centers,
  box: Box,
  { xLabel, yLabel }: Required<LatentGridOptions>,
  theme: Theme,
): string[] {
  const [across, up] = [(box.width + GAP) / x.length, (box.height + GAP) / y.length];
  const widest = Math.max(...x.map((value) => textWidth(name(value), TICK_SIZE)));
  const everyX = Math.ceil((widest + 8) / across);
  const everyY = Math.ceil((TICK_SIZE + 4) / up);
  const bottom = box.y + box.height;
  const marks: string[] = [];
  for (const [i, value] of x.entries()) {
    if (i % everyX > 0) continue;
    const at = pixel(box.x + (i + 0.5) * across - GAP / 2);
    marks.push(`<text x="${at}" y="${pixel(bottom + 17)}" text-anchor="middle">${name(value)}</text>`);
  }
  for (const [i, value] of y.entries()) {
    // Counted from below, as the values are.
    if ((y.length - 1 - i) % everyY > 0) continue;
    const at = pixel(box.y + (i + 0.5) * up - GAP / 2 + 4);
    marks.push(`<text x="${pixel(box.x - 7)}" y="${at}" text-anchor="end">${name(value)}</text>`);
  }
  const middle = { x: pixel(box.x + box.width / 2), y: pixel(box.y + box.height / 2) };
  const side = pixel(PAD + LABEL_SIZE - 3);
  return [
    `<g font-size="${TICK_SIZE}" fill="${theme.faint}">`,
    ...marks,
    '</g>',
    `<g font-size="${LABEL_SIZE}" fill="${theme.ink}" text-anchor="middle">`,
    xLabel && `<text x="${middle.x}" y="${pixel(bottom + 38)}">${escapeXml(xLabel)}</text>`,
    yLabel &&
      `<text x="${side}" y="${middle.y}" transform="rotate(-90 ${side} ${middle.y})">${escapeXml(yLabel)}</text>`,
    '</g>',
  ];
}
