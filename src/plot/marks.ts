/** The marks of a map: points, rings for held-out points, and class names. */
import { createRandom, shuffle } from '../core/random.js';
import { mixColors, type Theme } from './colors.js';
import type { PlotData } from './data.js';
import { classPositions } from './labelPositions.js';
import { escapeXml, pixel, shorten, textWidth } from './svg.js';

/** A rectangle in pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** From data units to pixels: `screenX = left + x * scale`, `screenY = top - y * scale`. */
export interface View {
  readonly scale: number;
  readonly left: number;
  readonly top: number;
}

/** The view that centers all points in the panel, with one scale for both axes. */
export function fitView(data: Pick<PlotData, 'x' | 'y' | 'rows'>, panel: Box): View {
  let minX = Number.POSITIVE_INFINITY;
  let maxX = Number.NEGATIVE_INFINITY;
  let minY = Number.POSITIVE_INFINITY;
  let maxY = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.rows; i++) {
    const x = data.x[i]!;
    const y = data.y[i]!;
    if (!Number.isFinite(x + y)) continue;
    minX = Math.min(minX, x);
    maxX = Math.max(maxX, x);
    minY = Math.min(minY, y);
    maxY = Math.max(maxY, y);
  }
  const margin = Math.min(26, panel.width / 8, panel.height / 8);
  const across = (panel.width - 2 * margin) / (maxX - minX);
  const upward = (panel.height - 2 * margin) / (maxY - minY);
  const smaller = Math.min(across, upward);
  // All points coincide: any scale will do.
  const scale = Number.isFinite(smaller) ? smaller : 1;
  return {
    scale,
    left: panel.x + panel.width / 2 - ((minX + maxX) / 2) * scale,
    top: panel.y + panel.height / 2 + ((minY + maxY) / 2) * scale,
  };
}

/** Diameter of a point in pixels, such that points spread evenly over the panel would not touch. */
export function pointSize(points: number, panel: Box): number {
  const side = Math.sqrt((panel.width * panel.height) / points);
  return Math.round(Math.min(8, Math.max(1.8, side * 0.34)) * 10) / 10;
}

/** Opacity of a point: lower for more points, because more of them overlap. */
export function pointOpacity(points: number): number {
  return points > 20_000 ? 0.55 : points > 5000 ? 0.65 : 0.75;
}

/**
 * Draws the fitted points in shuffled order. A point is a line of length near 0 with round caps, which takes a third of
 * the bytes of a `<circle>`. The order is divided into layers of a few points per group, and each layer draws one path per
 * group: the result looks shuffled, and a color is written once for several points.
 */
export function drawPoints(data: PlotData, view: View, diameter: number, opacity: number): string {
  const shown: number[] = [];
  for (let i = 0; i < data.heldFrom; i++) if (Number.isFinite(data.x[i]! + data.y[i]!)) shown.push(i);
  shuffle(shown, createRandom('plot'));
  const inUse = data.groups.filter((group) => group.rows > 0).length;
  const layer = 8 * inUse;
  const paths: string[] = [];
  for (let start = 0; start < shown.length; start += layer) {
    const lines = new Map<number, string>();
    for (const row of shown.slice(start, start + layer)) {
      const group = data.group[row]!;
      const mark = `M${position(data, row, view, ' ')}h.01`;
      lines.set(group, (lines.get(group) ?? '') + mark);
    }
    for (const [group, line] of lines)
      paths.push(`<path stroke="${data.groups[group]!.color}" d="${line}"/>`);
  }
  if (paths.length === 0) return '';
  const style = `fill="none" stroke-linecap="round" stroke-width="${pixel(diameter)}" stroke-opacity="${opacity}"`;
  return `<g ${style}>\n${paths.join('\n')}\n</g>`;
}

/** Draws the held-out points on top, as rings filled with the color of the panel. */
export function drawRings(data: PlotData, view: View, diameter: number, theme: Theme): string {
  const shown: number[] = [];
  for (let i = data.heldFrom; i < data.rows; i++) if (Number.isFinite(data.x[i]! + data.y[i]!)) shown.push(i);
  if (shown.length === 0) return '';
  shuffle(shown, createRandom('plot'));
  const { radius, line } = ringSize(diameter);
  const rings = shown.map((row) => {
    const [x, y] = position(data, row, view, ',').split(',');
    return `<circle cx="${x}" cy="${y}" r="${pixel(radius)}" stroke="${data.groups[data.group[row]!]!.color}"/>`;
  });
  return `<g fill="${theme.panel}" fill-opacity="0.85" stroke-width="${line}">\n${rings.join('\n')}\n</g>`;
}

/** Radius and line width of the ring for a held-out point, in pixels, by the diameter of other points. */
function ringSize(diameter: number): { radius: number; line: number } {
  return { radius: Math.max(2, diameter * 0.62), line: Math.min(1.6, Math.max(1, diameter * 0.3)) };
}

function position(data: PlotData, row: number, view: View, separator: string): string {
  return (
    pixel(view.left + data.x[row]! * view.scale) + separator + pixel(view.top - data.y[row]! * view.scale)
  );
}

/** Draws class names at their points, with a halo. Names that would overlap others are left out. */
export function drawNames(data: PlotData, view: View, panel: Box, theme: Theme): string {
  const size = nameSize(data);
  const taken: Box[] = [];
  const names: string[] = [];
  for (const { group, x, y } of classPositions(data, NAME_REACH / view.scale)) {
    const { name, color } = data.groups[group]!;
    const label = shorten(name, 20);
    const width = textWidth(label, size) + 8;
    const middle = { x: view.left + x * view.scale, y: view.top - y * view.scale };
    const left = Math.min(panel.x + panel.width - width - 2, Math.max(panel.x + 2, middle.x - width / 2));
    const free = [0, -1, 1, -2, 2]
      .map((lines) => ({ x: left, y: middle.y - size / 2 + lines * 9, width, height: size + 2 }))
      .find((box) => inside(box, panel) && !taken.some((other) => overlap(box, other)));
    if (free === undefined) continue;
    taken.push(free);
    const where = `x="${pixel(left + width / 2)}" y="${pixel(free.y + size * 0.86)}"`;
    names.push(`<text ${where} fill="${mixColors(theme.ink, color, 0.15)}">${escapeXml(label)}</text>`);
  }
  if (names.length === 0) return '';
  const halo = `stroke="${theme.panel}" stroke-width="4" stroke-opacity="0.9" stroke-linejoin="round" paint-order="stroke"`;
  return `<g font-size="${size}" font-weight="700" text-anchor="middle" ${halo}>\n${names.join('\n')}\n</g>`;
}

/** Radius of the mean shift that positions class names, in pixels. */
export const NAME_REACH = 60;

/** Font size of class names on the map in pixels: larger for names of one or two characters, which are hard to see. */
export function nameSize(data: PlotData): number {
  return data.groups.every((group) => !group.isClass || group.name.length <= 2) ? 19 : 14;
}

function inside(box: Box, panel: Box): boolean {
  return (
    box.x >= panel.x &&
    box.y >= panel.y &&
    box.x + box.width <= panel.x + panel.width &&
    box.y + box.height <= panel.y + panel.height
  );
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
