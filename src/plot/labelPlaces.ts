/** Positions of the class names on the map. */
import type { PlotData } from './data.js';

export interface ClassPlace {
  readonly group: number;
  readonly x: number;
  readonly y: number;
}

/**
 * One position per class, in data units, largest class first: the median of its points, moved by mean shift over
 * the points within `reach`, so that the name of a class in two groups is drawn on one of them and not between them.
 */
export function classPlaces(data: PlotData, reach: number): ClassPlace[] {
  const members: number[][] = data.groups.map(() => []);
  for (let i = 0; i < data.rows; i++) {
    if (Number.isFinite(data.x[i]! + data.y[i]!)) members[data.group[i]!]!.push(i);
  }
  const places: ClassPlace[] = [];
  for (const [group, rows] of members.entries()) {
    if (data.groups[group]!.isClass && rows.length > 0) places.push({ group, ...middle(data, rows, reach) });
  }
  return places.sort((a, b) => members[b.group]!.length - members[a.group]!.length || a.group - b.group);
}

function middle(data: PlotData, rows: readonly number[], reach: number): { x: number; y: number } {
  let x = median(Float64Array.from(rows, (row) => data.x[row]!));
  let y = median(Float64Array.from(rows, (row) => data.y[row]!));
  let nearest = rows[0]!;
  let least = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const distance = (data.x[row]! - x) ** 2 + (data.y[row]! - y) ** 2;
    if (distance < least) {
      least = distance;
      nearest = row;
    }
  }
  x = data.x[nearest]!;
  y = data.y[nearest]!;
  // Mean shift with a flat window; a few steps settle to less than a pixel.
  for (let round = 0; round < 8; round++) {
    let sumX = 0;
    let sumY = 0;
    let inside = 0;
    for (const row of rows) {
      if ((data.x[row]! - x) ** 2 + (data.y[row]! - y) ** 2 > reach * reach) continue;
      sumX += data.x[row]!;
      sumY += data.y[row]!;
      inside++;
    }
    if (inside === 0) break;
    x = sumX / inside;
    y = sumY / inside;
  }
  return { x, y };
}

function median(values: Float64Array): number {
  values.sort();
  return values[values.length >> 1]!;
}
