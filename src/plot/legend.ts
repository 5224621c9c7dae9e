/** The legend beside a map: a list of classes, or the bar of a continuous scale. */
import type { Theme } from './colors.js';
import type { Group, PlotData } from './data.js';
import type { Box } from './marks.js';
import { brief, count, escapeXml, niceTicks, pixel, shorten, textWidth } from './svg.js';

const SIZE = 13;
const LEAST_ROW = 17;
const BAR = 14;
/** Between the classes and the explanation of the marks. */
const KEY_GAP = 8;

interface Entry {
  readonly name: string;
  readonly rows: number;
  /** None for the two entries that explain the marks. */
  readonly group?: Group;
  readonly ring?: boolean;
}

interface Layout {
  readonly entries: readonly Entry[];
  readonly columns: number;
  readonly columnWidth: number;
  /** Height of the title. */
  readonly head: number;
}

/** Width to keep free for the legend, 0 for none: where there are no entries, or it would take half the picture. */
export function legendWidth(data: PlotData, title: string, height: number, pictureWidth: number): number {
  const layout = plan(data, title, height);
  const list = layout.entries.length > 0 ? layout.columns * layout.columnWidth : 0;
  const bar = data.scale ? Math.max(90, textWidth(title, SIZE)) : 0;
  const width = Math.max(list, bar);
  return width === 0 || width + 20 > pictureWidth / 2 ? 0 : Math.ceil(width) + 20;
}

function plan(data: PlotData, title: string, height: number): Layout {
  const entries: Entry[] = [];
  for (const group of data.groups) {
    const { name, rows } = group;
    if (rows > 0 && name !== '') entries.push({ group, name: shorten(name, 22), rows });
  }
  const held = data.rows - data.heldFrom;
  if (held > 0) {
    entries.push({ name: 'fitted', rows: data.heldFrom }, { name: 'held out', rows: held, ring: true });
  }
  const head = title ? 26 : 0;
  const room = Math.max(1, Math.floor((height - head) / LEAST_ROW));
  let columnWidth = 0;
  for (const { name, rows } of entries) {
    columnWidth = Math.max(columnWidth, 18 + textWidth(name, SIZE) + 24 + textWidth(count(rows), SIZE - 1.5));
  }
  const columns = data.scale ? 1 : Math.ceil(entries.length / room);
  return {
    entries,
    columns,
    columnWidth: Math.ceil(Math.max(columnWidth, textWidth(title, SIZE) / Math.max(1, columns))),
    head,
  };
}

/** Draws what `legendWidth` made room for. */
export function drawLegend(data: PlotData, title: string, theme: Theme, box: Box): string {
  const layout = plan(data, title, box.height);
  const parts: string[] = [];
  if (title) parts.push(label(box.x, box.y + SIZE, theme.ink, title, 'font-weight="600"'));
  const list = { ...box, y: box.y + layout.head, height: box.height - layout.head };
  if (data.scale) {
    const entriesHeight = layout.entries.length * 22;
    const height = Math.max(24, Math.min(260, list.height - entriesHeight - 24));
    parts.push(drawBar(data.scale, theme, { ...list, height }));
    list.y += height + 24;
    list.height = entriesHeight;
  }
  const plain = data.labels ? theme.faint : data.groups[0]!.color;
  parts.push(...drawEntries(layout, plain, theme, list));
  return `<g font-size="${SIZE}">\n${parts.filter((part) => part !== '').join('\n')}\n</g>`;
}

function drawEntries(layout: Layout, plain: string, theme: Theme, box: Box): string[] {
  const perColumn = Math.ceil(layout.entries.length / layout.columns);
  const row = Math.min(23, (box.height - KEY_GAP) / perColumn);
  return layout.entries.map(({ group, name, rows, ring }, at) => {
    const x = box.x + Math.floor(at / perColumn) * layout.columnWidth;
    const y = box.y + (at % perColumn) * row + (group ? 0 : KEY_GAP) + 9;
    const end = x + layout.columnWidth - 10;
    const color = group?.color ?? plain;
    const fill = ring ? `fill="none" stroke="${color}" stroke-width="1.6"` : `fill="${color}"`;
    return [
      `<circle cx="${pixel(x + 6)}" cy="${pixel(y)}" r="${ring ? 4 : 5}" ${fill}/>`,
      label(x + 18, y + 4.5, theme.ink, name),
      label(end, y + 4.5, theme.faint, count(rows), `text-anchor="end" font-size="${SIZE - 1.5}"`),
    ].join('');
  });
}

function drawBar(scale: NonNullable<PlotData['scale']>, theme: Theme, box: Box): string {
  const { low, high, stops } = scale;
  // Named by its colors: several pictures in one page share the page's ids.
  const id = `scale${stops.join('').replaceAll('#', '-')}`;
  const parts = [`<linearGradient id="${id}" x1="0" y1="1" x2="0" y2="0">`];
  for (const [at, stop] of stops.entries()) {
    parts.push(`<stop offset="${pixel((at / Math.max(1, stops.length - 1)) * 100)}%" stop-color="${stop}"/>`);
  }
  parts.push('</linearGradient>');
  const y = box.y + 4;
  parts.push(
    `<rect x="${pixel(box.x)}" y="${pixel(y)}" width="${BAR}" height="${pixel(box.height)}" rx="3" fill="url(#${id})"/>`,
  );
  for (const tick of niceTicks(low, high, 5)) {
    const tickY = high > low ? y + box.height * (1 - (tick - low) / (high - low)) : y + box.height / 2;
    parts.push(
      `<path d="M${pixel(box.x + BAR)} ${pixel(tickY)}h5" stroke="${theme.faint}"/>`,
      label(box.x + BAR + 9, tickY + 4.5, theme.ink, brief(tick)),
    );
  }
  return parts.join('\n');
}

function label(x: number, y: number, fill: string, text: string, more = ''): string {
  return `<text x="${pixel(x)}" y="${pixel(y)}" fill="${fill}"${more && ` ${more}`}>${escapeXml(text)}</text>`;
}
