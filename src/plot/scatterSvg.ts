/** The map as a picture: SVG text, to be written to a file or put into a page. */
import { resolveOptions } from '../core/options.js';
import { choice, flag, integer, listOf, number, orNull, text, withKeys } from '../core/rules.js';
import { mixColors, THEMES, type Theme } from './colors.js';
import { checkColors, type HeldRows, type Labels, type PlotData, type Points, readPlotData } from './data.js';
import { drawLegend, legendWidth } from './legend.js';
import { drawNames, drawPoints, drawRings, fitView, pointOpacity, pointSize } from './marks.js';
import { counted, escapeXml, svgDocument } from './svg.js';

/** Options of `scatterSvg`. */
export interface ScatterOptions {
  /**
   * One a point. Classes get colors and a legend; more than twenty different numbers, or any that is not whole,
   * are values on a continuous scale. Default null: one color.
   */
  readonly labels?: Labels | null | undefined;
  /** Points that were not fitted, drawn as rings. Default null. */
  readonly held?: HeldRows | null | undefined;
  /** Default '': none. */
  readonly title?: string | undefined;
  /** A second, quieter line. Default '': none. */
  readonly subtitle?: string | undefined;
  /** Heads the legend or color bar: what the labels are. Default '': none. */
  readonly legendTitle?: string | undefined;
  /** Of the picture, in pixels, at least 240. Default 860. */
  readonly width?: number | undefined;
  /** Of the picture, in pixels, at least 240. Default 680. */
  readonly height?: number | undefined;
  /** Diameter of a point in pixels. Default null: smaller the more points there are. */
  readonly pointSize?: number | null | undefined;
  /** Of a point, in (0, 1]. Default null: lower the more points there are. */
  readonly opacity?: number | null | undefined;
  /** `#rrggbb`, one per class in sorted order, or the stops of the continuous scale. Default null: a built-in palette. */
  readonly colors?: readonly string[] | null | undefined;
  /** Write the names of classes onto the map where there is room. Default true. */
  readonly classNames?: boolean | undefined;
  /** `'light'` (default) or `'dark'`. */
  readonly theme?: 'light' | 'dark' | undefined;
}

/** An option that is text, if only an empty one. */
export const anyText = text('text', { empty: true });
const rows = withKeys('an array, one entry a point', 'length');

/** Rules of the options that every kind of map has. */
export const mapRules = {
  labels: orNull(rows),
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

const PAD = 20;

/**
 * Draws points as an SVG document. Both axes have one scale, whatever the picture's shape; they carry no ticks,
 * for the coordinates of such a map mean nothing. Points are drawn in shuffled order (always the same), so that
 * no class covers another. Rows with NaN or infinite coordinates are left out and counted in `<desc>`.
 * Throws `DataError` when points are not two columns or lengths differ, `OptionError` for a wrong option.
 */
export function scatterSvg(points: Points, options: ScatterOptions = {}): string {
  const caller = 'scatterSvg';
  const o = resolveOptions<Required<ScatterOptions>>(caller, options, defaults, rules);
  checkColors(caller, o.colors);
  const data = readPlotData(caller, points, o.labels, o.held, o.colors);
  const theme = THEMES[o.theme];
  const tinted = o.theme === 'dark' ? tint(data) : data;
  const top = PAD + (o.title ? 26 : 0) + (o.subtitle ? 20 : 0) + (o.title || o.subtitle ? 6 : 0);
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

/** What the picture shows, for those who cannot see it. */
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

/** Share of white that makes the darker class colors legible on a dark ground. */
export const DARK_TINT = 0.25;

function tint(data: PlotData): PlotData {
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

function heading(title: string, subtitle: string, theme: Theme): string {
  const parts: string[] = [];
  if (title) {
    parts.push(
      `<text x="${PAD}" y="${PAD + 16}" font-size="20" font-weight="600" fill="${theme.ink}">${escapeXml(title)}</text>`,
    );
  }
  if (subtitle) {
    const y = PAD + (title ? 38 : 12);
    parts.push(
      `<text x="${PAD}" y="${y}" font-size="13.5" fill="${theme.faint}">${escapeXml(subtitle)}</text>`,
    );
  }
  return parts.join('\n');
}
