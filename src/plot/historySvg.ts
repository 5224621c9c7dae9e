/** Losses over training as a picture. */
import { DataError, describe } from '../core/errors.js';
import { resolveOptions } from '../core/options.js';
import { choice, flag, integer } from '../core/rules.js';
import { CLASS_COLORS, mixColors, THEMES, type Theme } from './colors.js';
import type { Box } from './marks.js';
import { anyText } from './scatterSvg.js';
import {
  brief,
  escapeXml,
  logTicks,
  moveApart,
  niceTicks,
  outerTicks,
  pixel,
  shorten,
  svgDocument,
  textWidth,
} from './svg.js';

/** Options of `historySvg`. */
export interface HistoryOptions {
  /** Default 'Training'. */
  readonly title?: string | undefined;
  /** Under the horizontal axis: what one entry of a list is. Default 'epoch'. */
  readonly xLabel?: string | undefined;
  /** Logarithmic vertical axis; all values must then be above 0. Default false. */
  readonly logScale?: boolean | undefined;
  /** Of the picture, in pixels, at least 240. Default 760. */
  readonly width?: number | undefined;
  /** Of the picture, in pixels, at least 240. Default 420. */
  readonly height?: number | undefined;
  /** `'light'` (default) or `'dark'`. */
  readonly theme?: 'light' | 'dark' | undefined;
}

const defaults: Readonly<Required<HistoryOptions>> = Object.freeze({
  title: 'Training',
  xLabel: 'epoch',
  logScale: false,
  width: 760,
  height: 420,
  theme: 'light',
});

const rules = {
  title: anyText,
  xLabel: anyText,
  logScale: flag,
  width: integer(240),
  height: integer(240),
  theme: choice('light', 'dark'),
};

interface Line {
  readonly name: string;
  readonly values: readonly number[];
  /** The last finite value, and its entry counted from 1. */
  readonly last: { readonly entry: number; readonly value: number };
  readonly color: string;
}

interface Lines {
  readonly lines: readonly Line[];
  readonly low: number;
  readonly high: number;
  /** Length of the longest line. */
  readonly entries: number;
}

/** Data to pixels along both axes. */
interface Axes {
  readonly x: (entry: number) => number;
  readonly y: (value: number) => number;
}

const SIZE = 13;
const ROW = 17;

/**
 * Draws one line a key over entries 1, 2, 3, …, named at its end; values that are not finite leave a gap.
 * Throws `DataError` when no value is finite, or when the scale is logarithmic and a value is not above 0.
 */
export function historySvg(
  history: Readonly<Record<string, readonly number[]>>,
  options: HistoryOptions = {},
): string {
  const caller = 'historySvg';
  const o = resolveOptions<Required<HistoryOptions>>(caller, options, defaults, rules);
  const theme = THEMES[o.theme];
  const data = readLines(caller, history, o.logScale, o.theme === 'dark');
  const labels = data.lines.map(({ name, last }) => `${shorten(name, 22)}  ${brief(last.value)}`);
  const beside = Math.max(...labels.map((label) => textWidth(label, SIZE))) + 28;
  const tickCount = Math.max(2, Math.floor((o.height - 110) / 55));
  const ticks = (o.logScale ? logTicks : outerTicks)(data.low, data.high, tickCount);
  const left = 26 + Math.max(...ticks.map((tick) => textWidth(brief(tick), SIZE - 1)));
  const top = o.title ? 54 : 24;
  const box = { x: left, y: top, width: Math.max(60, o.width - left - beside), height: o.height - top - 54 };
  const axes = makeAxes(box, ticks, data, o.logScale);
  const head = `<text x="20" y="34" font-size="18" font-weight="600" fill="${theme.ink}">${escapeXml(o.title)}</text>`;
  return svgDocument(o.width, o.height, theme.page, o.title || 'Training', describeLines(data, o.xLabel), [
    o.title && head,
    `<g font-size="${SIZE}">`,
    ...drawAxes(box, axes, ticks, data.entries, o.xLabel, theme),
    ...data.lines.map((line) => drawLine(line, axes)),
    ...drawEnds(data.lines, axes, box, theme),
    '</g>',
  ]);
}

function readLines(
  caller: string,
  history: Readonly<Record<string, readonly number[]>>,
  logScale: boolean,
  dark: boolean,
): Lines {
  if (typeof history !== 'object' || history === null) {
    throw new DataError(`${caller}: expected lists of numbers by name, got ${describe(history)}`);
  }
  const lines: Line[] = [];
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let entries = 1;
  for (const [name, values] of Object.entries(history)) {
    if (!Array.isArray(values))
      throw new DataError(`${caller}: ${name}: expected a list, got ${describe(values)}`);
    for (const [at, value] of values.entries()) {
      if (!Number.isFinite(value)) continue;
      if (logScale && value <= 0) {
        throw new DataError(
          `${caller}: ${name}[${at}]: expected a value above 0 for a logarithmic scale, got ${value}`,
        );
      }
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    const end = values.findLastIndex(Number.isFinite);
    if (end < 0) continue;
    entries = Math.max(entries, values.length);
    const color = CLASS_COLORS[lines.length % CLASS_COLORS.length]!;
    const last = { entry: end + 1, value: values[end] };
    lines.push({ name, values, last, color: dark ? mixColors(color, '#ffffff', 0.25) : color });
  }
  if (lines.length === 0) {
    throw new DataError(
      `${caller}: expected at least 1 finite value, got 0 in ${Object.keys(history).length} lists`,
    );
  }
  return { lines, low, high, entries };
}

function makeAxes(box: Box, ticks: readonly number[], data: Lines, logScale: boolean): Axes {
  const map = logScale ? Math.log : (value: number) => value;
  const from = map(Math.min(data.low, ticks[0]!));
  const span = map(Math.max(data.high, ticks.at(-1)!)) - from;
  return {
    x: (entry) => box.x + (data.entries > 1 ? (entry - 1) / (data.entries - 1) : 0.5) * box.width,
    y: (value) => box.y + box.height * (1 - (span > 0 ? (map(value) - from) / span : 0.5)),
  };
}

function drawAxes(
  box: Box,
  axes: Axes,
  ticks: readonly number[],
  entries: number,
  xLabel: string,
  theme: Theme,
): string[] {
  const marks: string[] = [];
  for (const tick of ticks) {
    const y = axes.y(tick);
    marks.push(
      `<path d="M${pixel(box.x)} ${pixel(y)}h${pixel(box.width)}" stroke="${theme.frame}"/>`,
      `<text x="${pixel(box.x - 8)}" y="${pixel(y + 4)}" text-anchor="end">${brief(tick)}</text>`,
    );
  }
  const bottom = box.y + box.height;
  const whole = niceTicks(1, entries, Math.max(2, Math.floor(box.width / 90))).filter(Number.isInteger);
  // The first entry is worth a number; a round one too close to it is not.
  const near = (tick: number) => axes.x(tick) - axes.x(1) < 28;
  for (const tick of [1, ...whole.filter((tick) => tick > 1 && !near(tick))]) {
    const x = pixel(axes.x(tick));
    marks.push(
      `<path d="M${x} ${pixel(bottom)}v5" stroke="${theme.faint}"/>`,
      `<text x="${x}" y="${pixel(bottom + 19)}" text-anchor="middle">${brief(tick)}</text>`,
    );
  }
  const middle = pixel(box.x + box.width / 2);
  marks.push(
    `<text x="${middle}" y="${pixel(bottom + 39)}" text-anchor="middle">${escapeXml(xLabel)}</text>`,
  );
  return [`<g font-size="${SIZE - 1}" fill="${theme.faint}">`, ...marks, '</g>'];
}

function drawLine({ values, color }: Line, axes: Axes): string {
  let path = '';
  let open = false;
  for (const [at, value] of values.entries()) {
    if (Number.isFinite(value)) {
      // A line of no length after a move makes a value between two gaps visible as a dot.
      path += `${open ? 'L' : 'M'}${pixel(axes.x(at + 1))} ${pixel(axes.y(value))}${open ? '' : 'h.01'}`;
    }
    open = Number.isFinite(value);
  }
  return `<path d="${path}" fill="none" stroke="${color}" stroke-width="2.2" stroke-linejoin="round" stroke-linecap="round"/>`;
}

/** Names and last values beside the ends of the lines, moved apart where they would overlap. */
function drawEnds(lines: readonly Line[], axes: Axes, box: Box, theme: Theme): string[] {
  const ends = lines.map(({ last }) => ({ x: axes.x(last.entry), y: axes.y(last.value) }));
  const wished = ends.map(({ y }) => y);
  const heights = moveApart(wished, ROW, box.y, box.y + box.height);
  const x = box.x + box.width + 16;
  return lines.map(({ name, last, color }, i) => {
    const end = ends[i]!;
    const y = heights[i]!;
    const leader =
      Math.abs(y - end.y) > 2 || end.x < box.x + box.width - 1
        ? `<path d="M${pixel(end.x)} ${pixel(end.y)}L${pixel(x - 4)} ${pixel(y)}" fill="none" stroke="${color}" stroke-opacity="0.55"/>`
        : '';
    const value = `<tspan dx="7" font-weight="400" fill="${theme.faint}">${brief(last.value)}</tspan>`;
    const ink = mixColors(theme.ink, color, 0.45);
    return [
      leader,
      `<circle cx="${pixel(end.x)}" cy="${pixel(end.y)}" r="3" fill="${color}"/>`,
      `<text x="${pixel(x)}" y="${pixel(y + 4.5)}" font-weight="600" fill="${ink}">${escapeXml(shorten(name, 22))}${value}</text>`,
    ].join('');
  });
}

function describeLines({ lines, entries }: Lines, xLabel: string): string {
  const ends = lines.map(({ name, values, last }) => {
    return `${name} from ${brief(values.find(Number.isFinite)!)} to ${brief(last.value)}`;
  });
  return `${lines.length === 1 ? 'One line' : `${lines.length} lines`}, ${xLabel} 1 to ${entries}: ${ends.join('; ')}.`;
}
