/** Plots a map as an interactive page in one self-contained HTML file. */
import { DataError, describe } from '../core/errors.js';
import { resolveOptions } from '../core/options.js';
import { orNull, withKeys } from '../core/rules.js';
import { base64 } from './base64.js';
import { mixColors } from './colors.js';
import { checkColors, type PlotData, type Points, readPlotData } from './data.js';
import { classPositions } from './labelPositions.js';
import { fitView, NAME_REACH, nameSize, pointOpacity, pointSize } from './marks.js';
import { pageParts } from './page/compute.js';
import { page, pageControls } from './page/controls.js';
import { openMap, type PageData } from './page/map.js';
import { STYLE } from './page/style.js';
import { DARK_TINT, describeData, mapDefaults, mapRules, type ScatterOptions } from './scatterSvg.js';
import { brief, count, counted, escapeXml, niceTicks } from './svg.js';

/** Grayscale pictures of one size, row-major, stored consecutively. */
export interface Images {
  /** `rows * height * width` values on any scale; the lowest (or 0) is drawn black, the highest white. */
  readonly data: ArrayLike<number>;
  /** Width of one picture in pixels. */
  readonly width: number;
  /** Height of one picture in pixels. */
  readonly height: number;
}

/** Options of `scatterHtml`. */
export interface ScatterPageOptions extends Omit<ScatterOptions, 'width' | 'height' | 'theme'> {
  /** A line of text per point for its tooltip, optionally also for each held-out point. Default null: none. */
  readonly text?: readonly string[] | null | undefined;
  /** A picture per point for its tooltip, optionally also for each held-out point. Default null: none. */
  readonly images?: Images | null | undefined;
}

/** Apart from the colors of classes, on a light and on a dark page. */
const LIVE_COLOR = '#111111';
const LIVE_DARK_COLOR = '#ffffff';

const defaults: Readonly<Required<ScatterPageOptions>> = Object.freeze({
  ...mapDefaults,
  text: null,
  images: null,
});

const rules = {
  ...mapRules,
  text: orNull({
    kind: 'list',
    text: 'an array of text, one per point',
    accepts: Array.isArray,
    bad: [0, 'text', true, {}],
  }),
  images: orNull(withKeys('{ data, width, height }', 'data', 'width', 'height')),
};

/**
 * Returns an HTML page that shows the points on a canvas. Wheel and pinch zoom, dragging pans, a double click shows all
 * points again. A tooltip shows the label, text and picture of a point. The legend hides and shows classes. The page
 * follows the light or dark setting of the browser, works with the keyboard, and loads nothing. It is made for 60,000
 * points and more. Pictures are stored in 16 gray levels, which is enough for thumbnails and keeps the page small.
 * Throws as `scatterSvg` does, and `DataError` if `text` or `images` do not match the points.
 */
export function scatterHtml(points: Points, options: ScatterPageOptions = {}): string {
  return scatterPage(points, options, null);
}

/** Rows that a server adds to a page while it is open. */
export interface LivePoints {
  /** Address of the server-sent events: lists of [x, y]. */
  readonly events: string;
  /** What such rows are called. */
  readonly name: string;
}

/** The page, which may have no points yet where a server adds some. */
export function scatterPage(points: Points, options: ScatterPageOptions, live: LivePoints | null): string {
  const caller = 'scatterHtml';
  const o = resolveOptions<Required<ScatterPageOptions>>(caller, options, defaults, rules);
  checkColors(caller, o.colors);
  const data = readPlotData(caller, points, o.labels, o.held, o.colors, o.categories, {
    empty: live !== null,
  });
  const rows = data.rows - data.lost;
  const screen = { x: 0, y: 0, width: 900, height: 700 };
  const names = [...new Set(data.labels ?? [])];
  const indices = new Map(names.map((name, index) => [name, index]));
  const payload: PageData = {
    heldFrom: data.heldFrom,
    positions: base64(interleave(data)),
    group: base64(data.group),
    groups: data.groups.map((group) => ({
      ...group,
      darkColor: mixColors(group.color, '#ffffff', DARK_TINT),
    })),
    names: names.map((name) => (name === '' ? 'no label' : name)),
    label: base64(Uint32Array.from(data.labels ?? [], (name) => indices.get(name)!)),
    text: readText(caller, o.text, data),
    images: o.images && packImages(caller, o.images, data),
    places: o.classNames && !data.scale ? classPositions(data, NAME_REACH / fitView(data, screen).scale) : [],
    nameSize: nameSize(data),
    diameter: o.pointSize ?? pointSize(rows, screen),
    opacity: o.opacity ?? pointOpacity(rows),
    live: live && { ...live, color: LIVE_COLOR, darkColor: LIVE_DARK_COLOR },
  };
  const title = o.title || 'Scatter plot';
  // With esbuild's keepNames, as in tsx, the functions contain calls of __name, which the page must define.
  const listed = (functions: object) =>
    `{${Object.entries(functions).map(([name, text]) => `${name}: ${text}`)}}`;
  const script = `const __name = (f) => f;\n(${page})(${openMap}, ${listed(pageParts)}, ${listed(pageControls)});`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'${live ? "; connect-src 'self'" : ''}">
<title>${escapeXml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
${o.title && `<h1>${escapeXml(o.title)}</h1>\n`}<p>${escapeXml(o.subtitle || describeData(data))}</p>
</header>
<main>
<div id="stage">
<canvas id="map" tabindex="0" role="img" aria-label="${escapeXml(`${title}. ${describeData(data)} Arrow keys pan, plus and minus zoom, 0 shows all.`)}"></canvas>
<button id="reset" type="button" title="Show all (double click)">Show all</button>
<div id="tip" role="tooltip" hidden><canvas hidden></canvas><div><span class="dot"></span><b></b><i></i><p></p></div></div>
</div>
${legend(data, o.legendTitle)}
</main>
<noscript>This map needs JavaScript.</noscript>
<script type="application/json" id="data">${embed(payload)}</script>
<script>${script}</script>
</body>
</html>
`;
}

function interleave({ x, y, rows }: PlotData): Float32Array {
  const positions = new Float32Array(2 * rows);
  for (let i = 0; i < rows; i++) {
    positions[2 * i] = x[i]!;
    positions[2 * i + 1] = y[i]!;
  }
  return positions;
}

/** JSON in which an HTML parser finds no end of the script. */
function embed(payload: PageData): string {
  return JSON.stringify(payload).replaceAll('<', '\\u003c');
}

function readText(caller: string, text: readonly string[] | null, data: PlotData): readonly string[] {
  if (text === null) return [];
  checkLength(caller, 'text', text.length, 1, data);
  return text.map(String);
}

/** Throws `DataError` unless there is an entry for each fitted point, or for each point. */
function checkLength(caller: string, what: string, got: number, each: number, data: PlotData): void {
  const { rows, heldFrom } = data;
  if (got === heldFrom * each || got === rows * each) return;
  const expected =
    rows === heldFrom ? `${heldFrom * each}` : `${heldFrom * each} (or ${rows * each} with held-out ones)`;
  throw new DataError(
    `${caller}: ${what}: expected ${expected} values for ${counted(heldFrom, 'point')}, got ${got}; ` +
      'pass one entry per point',
  );
}

/** Run-length encoding with one byte per run: most of a drawing is empty. */
function packImages(caller: string, images: Images, data: PlotData): PageData['images'] {
  const { width, height, data: values } = images;
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1) {
      throw new DataError(
        `${caller}: images: expected integer width and height of at least 1, got ${describe(width)} x ${describe(height)}; ` +
          'give the size of one picture in pixels',
      );
    }
  }
  const size = width * height;
  checkLength(caller, 'images.data', values.length, size, data);
  let low = 0;
  let high = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i]! < low) low = values[i]!;
    if (values[i]! > high) high = values[i]!;
  }
  const factor = high > low ? 15 / (high - low) : 0;
  const runs = new Uint8Array(values.length);
  let used = 0;
  for (let i = 0; i < values.length; ) {
    const end = Math.min(i + 16, Math.ceil((i + 1) / size) * size);
    const level = Math.round((values[i]! - low) * factor);
    const first = i++;
    while (i < end && Math.round((values[i]! - low) * factor) === level) i++;
    runs[used++] = level * 16 + (i - first - 1);
  }
  return { width, height, runs: base64(runs.subarray(0, used)) };
}

function legend(data: PlotData, title: string): string {
  const head = title && `<h2>${escapeXml(title)}</h2>`;
  const entries = data.groups.map(({ name, color, rows }, at) =>
    rows === 0 || name === ''
      ? ''
      : entry(`data-group="${at}"`, `style="${swatchColors(color)}"`, name, rows),
  );
  const shown = entries.filter((item) => item !== '');
  const held = data.rows - data.heldFrom;
  const kinds = [
    entry('data-kind="fitted"', '', 'fitted', data.heldFrom),
    entry('data-kind="held"', 'data-ring', 'held out', held),
  ];
  if (!data.scale && shown.length === 0 && held === 0) return '';
  return [
    `<nav aria-label="${escapeXml(title || 'Legend')}">${head}`,
    data.scale ? bar(data.scale) : '',
    shown.length > 0 ? `<ul>${shown.join('\n')}</ul>` : '',
    shown.length > 1 ? '<button id="all" type="button">All or none</button>' : '',
    held > 0 ? `<ul>${kinds.join('\n')}</ul>` : '',
    '</nav>',
  ].join('\n');
}

function entry(data: string, dot: string, name: string, rows: number): string {
  const text = `<span class="name">${escapeXml(name)}</span><small>${count(rows)}</small>`;
  return `<li><button type="button" ${data} aria-pressed="true"><span class="dot" ${dot}></span>${text}</button></li>`;
}

function swatchColors(color: string): string {
  return `--light:${color};--dark:${mixColors(color, '#ffffff', DARK_TINT)}`;
}

function bar({ low, high, stops }: NonNullable<PlotData['scale']>): string {
  const ticks = niceTicks(low, high, 5).map((tick) => {
    const share = high > low ? (tick - low) / (high - low) : 0.5;
    return `<span style="bottom:${(share * 100).toFixed(1)}%">${brief(tick)}</span>`;
  });
  const gradient = (share: number) =>
    (stops.length > 1 ? stops : [...stops, ...stops])
      .map((stop) => mixColors(stop, '#ffffff', share))
      .join(',');
  const colors = `--light:${gradient(0)};--dark:${gradient(DARK_TINT)}`;
  return `<div class="bar" style="${colors}">${ticks.join('')}</div>`;
}
