/** Plots a map as SVG text, to be written to a file or inserted into a page. */
import { resolveOptions } from '../core/options.js';
import { choice, flag, integer, listOf, number, object, orNull, text, withKeys } from '../core/rules.js';
import { mixColors, THEMES, type Theme } from './colors.js';
import {
  type Categories,
  checkColors,
  type HeldRows,
  type Labels,
  type PlotData,
  type Points,
  readPlotData,
} from './data.js';
import { drawLegend, legendWidth } from './legend.js';
import { drawNames, drawPoints, drawRings, fitView, pointOpacity, pointSize } from './marks.js';
import { counted, escapeXml, svgDocument, textWidth } from './svg.js';

/** Options of `scatterSvg`. */
export interface ScatterOptions {
  /**
   * One label per point. Classes get colors and a legend. Numbers with fractions or with more than twenty distinct values
   * are shown on a continuous scale. Default null: one color.
   */
  readonly labels?: Labels | null | undefined;
  /**
   * Names for integer labels, by label: a list from 0 on, or an object. Labels are then classes, however many there are, in the
   * order of the integers. Default null: the labels name themselves.
   */
  readonly categories?: Categories | null | undefined;
  /** Points that were embedded after the fit, drawn as rings. Default null: none. */
  readonly held?: HeldRows | null | undefined;
  /** Title of the picture. Default '': none. */
  readonly title?: string | undefined;
  /** A second line under the title, in a lighter color. Default '': none. */
  readonly subtitle?: string | undefined;
  /** Title of the legend or color bar. Default '': none. */
  readonly legendTitle?: string | undefined;
  /** Width of the picture in pixels, at least 240. Default 860. */
  readonly width?: number | undefined;
  /** Height of the picture in pixels, at least 240. Default 680. */
  readonly height?: number | undefined;
  /** Diameter of a point in pixels, in (0, 100]. Default null: by the number of points. */
  readonly pointSize?: number | null | undefined;
  /** Opacity of a point, in (0, 1]. Default null: by the number of points. */
  readonly opacity?: number | null | undefined;
  /** Colors `#rrggbb`: one per class in sorted order, or the stops of the continuous scale. Default null: built in. */
  readonly colors?: readonly string[] | null | undefined;
  /** Write class names onto the map where there is room. Default true. */
  readonly classNames?: boolean | undefined;
  /** Colors of the picture: `'light'` (default) or `'dark'`. */
  readonly theme?: 'light' | 'dark' | undefined;
}

/** Rule for text that may be empty. */
export const anyText = text('text', { empty: true });
const rows = withKeys('an array, one entry per point', 'length');

/** Rules of the options that `scatterSvg` and `scatterHtml` share. */
export const mapRules = {
  labels: orNull(rows),
  categories: orNull(object('a list of names, or names by label')),
  held: orNull(withKeys('{ points, labels }', 'points')),
  title: anyText,
  subtitle: anyText,
  legendTitle: anyText,
  pointSize: orNull(number(0, 100, { above: true })),
  opacity: orNull(number(0, 1, { above: true })),
  colors: orNull(listOf(anyText)),
  classNames: flag,
};

export const mapDefaults = {
  labels: null,
  categories: null,
  held: null,
  title: '',
  subtitle: '',
  legendTitle: '',
  pointSize: null,
  opacity: null,
  colors: null,
  classNames: true,
};

const defaults: Readonly<Required<ScatterOptions>> = Object.freeze({
  ...mapDefaults,
  width: 860,
  height: 680,
  theme: 'light',
});

const rules = { ...mapRules, width: integer(240), height: integer(240), theme: choice('light', 'dark') };

/** Margin of a picture, and distance of its legend, in pixels. */
export const PAD = 20;

/**
 * Draws points as an SVG document. Both axes have the same scale, and no ticks, because the coordinates of such a map have
 * no meaning. Points are drawn in a fixed shuffled order, so that no class covers another. Rows with NaN or infinite
 * coordinates are left out and counted in `<desc>`. Throws `DataError` if points do not have two columns or if lengths
 * differ, `OptionError` for wrong options.
 */
export function scatterSvg(points: Points, options: ScatterOptions = {}): string {
  const caller = 'scatterSvg';
  const o = resolveOptions<Required<ScatterOptions>>(caller, options, defaults, rules);
  checkColors(caller, o.colors);
  const data = readPlotData(caller, points, o.labels, o.held, o.colors, o.categories);
  const theme = THEMES[o.theme];
  const tinted = o.theme === 'dark' ? tint(data) : data;
  const top = headingHeight(o);
  const beside = legendWidth(tinted, o.legendTitle, o.height - top - PAD, o.width);
  const panel = { x: PAD, y: top, width: o.width - 2 * PAD - beside, height: o.height - top - PAD };
  const view = fitView(data, panel);
  const diameter = o.pointSize ?? pointSize(data.rows - data.lost, panel);
  const opacity = o.opacity ?? pointOpacity(data.rows - data.lost);
  const ground = `fill="${theme.panel}" stroke="${theme.frame}"`;
  const aside = { ...panel, x: panel.x + panel.width + PAD, width: beside - PAD };
  return svgDocument(o.width, o.height, theme.page, o.title || 'Scatter plot', describeData(data), [
    heading(o.title, o.subtitle, theme),
    `<rect x="${panel.x}" y="${top}" width="${panel.width}" height="${panel.height}" rx="6" ${ground}/>`,
    drawPoints(tinted, view, diameter, opacity),
    drawRings(tinted, view, diameter, theme),
    o.classNames && !data.scale ? drawNames(tinted, view, panel, theme) : '',
    beside > 0 ? drawLegend(tinted, o.legendTitle, theme, aside) : '',
  ]);
}

/** A description of the picture in words, for screen readers. */
export function describeData(data: PlotData): string {
  const classes = data.groups.filter((group) => group.isClass).length;
  const held = data.rows - data.heldFrom;
  const lines = [
    `${counted(data.heldFrom, 'point')}${classes > 0 ? ` in ${counted(classes, 'class', 'classes')}` : ''}.`,
  ];
  if (held > 0) lines.push(`${counted(held, 'held-out point')} as rings.`);
  if (data.lost > 0) lines.push(`${counted(data.lost, 'point')} without finite coordinates left out.`);
  return lines.join(' ');
}

/** Share of white in class colors on a dark background, so that dark ones are legible. */
export const DARK_TINT = 0.25;

/** The same data in colors for a dark background. */
export function tint(data: PlotData): PlotData {
  const lighter = data.groups.map((group) => ({
    ...group,
    color: mixColors(group.color, '#ffffff', DARK_TINT),
  }));
  const scale = data.scale && {
    ...data.scale,
    stops: data.scale.stops.map((stop) => mixColors(stop, '#ffffff', DARK_TINT)),
  };
  return { ...data, groups: lighter, ...(scale && { scale }) };
}

/** Height of a margin with title and subtitle, in pixels. */
export function headingHeight({ title, subtitle }: Pick<ScatterOptions, 'title' | 'subtitle'>): number {
  return PAD + (title ? 26 : 0) + (subtitle ? 20 : 0) + (title || subtitle ? 6 : 0);
}

const TITLE_SIZE = 20;
const SUBTITLE_SIZE = 13.5;

/** Width of title and subtitle, in pixels. */
export function headingWidth(title: string, subtitle: string): number {
  return Math.max(textWidth(title, TITLE_SIZE), textWidth(subtitle, SUBTITLE_SIZE));
}

/** Draws title and subtitle. */
export function heading(title: string, subtitle: string, theme: Theme): string {
  const parts: string[] = [];
  if (title) {
    parts.push(
      `<text x="${PAD}" y="${PAD + 16}" font-size="${TITLE_SIZE}" font-weight="600" fill="${theme.ink}">${escapeXml(title)}</text>`,
    );
  }
  if (subtitle) {
    const y = PAD + (title ? 38 : 12);
    parts.push(
      `<text x="${PAD}" y="${y}" font-size="${SUBTITLE_SIZE}" fill="${theme.faint}">${escapeXml(subtitle)}</text>`,
    );
  }
  return parts.join('\n');
}
