/** Plots several maps of the same points as a grid of small pictures: a training, or a spectrum of options. */
import { DataError, describe } from '../core/errors.js';
import { resolveOptions } from '../core/options.js';
import { choice, integer, orNull } from '../core/rules.js';
import { THEMES, type Theme } from './colors.js';
import { checkColors, type PlotData, type Points, readPlotData } from './data.js';
import { drawLegend, legendWidth } from './legend.js';
import { type Box, drawPoints, fitView, pointOpacity, pointSize } from './marks.js';
import {
  describeData,
  heading,
  headingHeight,
  headingWidth,
  mapDefaults,
  mapRules,
  PAD,
  type ScatterOptions,
  tint,
} from './scatterSvg.js';
import { counted, escapeXml, pixel, shorten, svgDocument } from './svg.js';

/** One picture of a film strip. A record of an `embeddingLog` is one. */
export interface Frame {
  /** Points of this frame; the same number, in the same order, in all frames. */
  readonly positions: Points;
  /** Text above the picture. Default: none. */
  readonly title?: string | undefined;
}

/** Options of `filmStripSvg`. */
export interface FilmStripOptions
  extends Pick<
    ScatterOptions,
    | 'labels'
    | 'categories'
    | 'title'
    | 'subtitle'
    | 'legendTitle'
    | 'pointSize'
    | 'opacity'
    | 'colors'
    | 'theme'
  > {
  /** Pictures per row, at least 1. Default null: about as many as there are rows of them, at most 6. */
  readonly columns?: number | null | undefined;
  /** Width and height of one picture in pixels, at least 60. Default 200. */
  readonly size?: number | undefined;
  /**
   * `'frame'` (default): each frame fills its picture, which shows shapes. `'common'`: all frames have one scale and one
   * origin, which shows how a map grows and moves.
   */
  readonly scale?: 'frame' | 'common' | undefined;
}

/** Frames have neither held-out rows nor names for groups. */
const { held: _, classNames: __, ...sharedDefaults } = mapDefaults;

const defaults: Readonly<Required<FilmStripOptions>> = Object.freeze({
  ...sharedDefaults,
  theme: 'light',
  columns: null,
  size: 200,
  scale: 'frame',
});

const { labels, categories, title, subtitle, legendTitle, opacity, colors, pointSize: diameter } = mapRules;
const rules = {
  ...{ labels, categories, title, subtitle, legendTitle, opacity, colors, pointSize: diameter },
  theme: choice('light', 'dark'),
  columns: orNull(integer(1)),
  size: integer(60),
  scale: choice('frame', 'common'),
};

/** Most pictures per row that are chosen by default. */
const MOST_COLUMNS = 6;
const GAP = 12;
/** Height of a frame's title, and its font size. */
const CAPTION = 20;
const CAPTION_SIZE = 12.5;

/**
 * Draws maps of the same points side by side as an SVG document, row by row: the frames of a training (`embeddingLog`), or maps
 * made with different options. Points, colors and legend are those of `scatterSvg`. Throws `DataError` for frames that do not
 * have as many points as the first, or not two columns, `OptionError` for wrong options.
 */
export function filmStripSvg(frames: readonly Frame[], options: FilmStripOptions = {}): string {
  const o = resolveOptions<Required<FilmStripOptions>>('filmStripSvg', options, defaults, rules);
  checkColors('filmStripSvg', o.colors);
  const maps = readFrames(frames, o);
  const theme = THEMES[o.theme];
  const columns = Math.min(
    maps.length,
    o.columns ?? Math.min(MOST_COLUMNS, Math.ceil(Math.sqrt(maps.length))),
  );
  const caption = frames.some((frame) => frame.title) ? CAPTION : 0;
  const top = headingHeight(o);
  const across = columns * (o.size + GAP) - GAP;
  const down = Math.ceil(maps.length / columns) * (caption + o.size + GAP) - GAP;
  const beside = legendWidth(maps[0]!, o.legendTitle, down, Number.POSITIVE_INFINITY);
  const width = Math.ceil(Math.max(across + beside, headingWidth(o.title, o.subtitle))) + 2 * PAD;
  const common = o.scale === 'common' ? together(maps) : undefined;
  const pictures = maps.map((map, i) => {
    const box = {
      x: PAD + (i % columns) * (o.size + GAP),
      y: top + Math.floor(i / columns) * (caption + o.size + GAP) + caption,
      width: o.size,
      height: o.size,
    };
    return drawFrame(map, common ?? map, box, frames[i]!.title ?? '', theme, o);
  });
  const aside = { x: PAD + across + PAD, y: top, width: beside - PAD, height: down };
  const description = `${counted(maps.length, 'frame')}. ${describeData(maps[0]!)}`;
  return svgDocument(width, top + down + PAD, theme.page, o.title || 'Film strip', description, [
    heading(o.title, o.subtitle, theme),
    ...pictures,
    beside > 0 ? drawLegend(maps[0]!, o.legendTitle, theme, aside) : '',
  ]);
}

function readFrames(frames: readonly Frame[], o: Required<FilmStripOptions>): PlotData[] {
  if (!Array.isArray(frames) || frames.length === 0) {
    throw new DataError(
      `filmStripSvg: frames: expected at least 1 { positions, title }, got ${describe(frames)}; pass a list of maps`,
    );
  }
  const maps = frames.map((frame: Frame | null, i) =>
    readPlotData(
      `filmStripSvg: frames[${i}]`,
      frame?.positions as Points,
      o.labels,
      null,
      o.colors,
      o.categories,
    ),
  );
  const [{ rows }] = maps as [PlotData];
  const other = maps.findIndex((map) => map.rows !== rows);
  if (other >= 0) {
    throw new DataError(
      `filmStripSvg: frames[${other}]: expected ${counted(rows, 'point')} as in the first frame, got ${maps[other]!.rows}; ` +
        'draw the same points in each frame',
    );
  }
  return o.theme === 'dark' ? maps.map(tint) : maps;
}

/** The points of all frames, for a view that shows each of them. */
function together(maps: readonly PlotData[]): Pick<PlotData, 'x' | 'y' | 'rows'> {
  const x = Float64Array.from(maps.flatMap((map) => [...map.x]));
  const y = Float64Array.from(maps.flatMap((map) => [...map.y]));
  return { x, y, rows: x.length };
}

function drawFrame(
  map: PlotData,
  seen: Pick<PlotData, 'x' | 'y' | 'rows'>,
  box: Box,
  title: string,
  theme: Theme,
  { pointSize: size, opacity }: Required<FilmStripOptions>,
): string {
  const shown = map.rows - map.lost;
  const { x, y, width, height } = box;
  const text = shorten(title, Math.floor(width / (CAPTION_SIZE * 0.55)));
  const caption =
    text &&
    `<text x="${pixel(x + 2)}" y="${pixel(y - 7)}" font-size="${CAPTION_SIZE}" fill="${theme.ink}">${escapeXml(text)}</text>\n`;
  const ground = `<rect x="${pixel(x)}" y="${pixel(y)}" width="${width}" height="${height}" rx="5" fill="${theme.panel}" stroke="${theme.frame}"/>`;
  const points = drawPoints(
    map,
    fitView(seen, box),
    size ?? pointSize(shown, box),
    opacity ?? pointOpacity(shown),
  );
  return `${caption}${ground}\n${points}`;
}
