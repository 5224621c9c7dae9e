/**
 * The computing parts of the page that `scatterHtml` writes. Each function's compiled text is put into the page,
 * so each must stand alone: it names nothing outside itself but what every JavaScript engine has.
 */

/** Smallest rectangle around the points. */
export interface Bounds {
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
  readonly top: number;
}

/** Rows by square cells: those of cell `i` are `rows[starts[i]]` to `rows[starts[i + 1]]`, the end left out. */
export interface Grid {
  readonly left: number;
  readonly bottom: number;
  readonly side: number;
  readonly cell: number;
  readonly starts: Uint32Array;
  readonly rows: Uint32Array;
}

/** Where marks are painted, in device pixels, and the data point in its middle. */
export interface Target {
  readonly pixels: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
  /** Device pixels a data unit. */
  readonly scale: number;
}

/** A round mark, drawn beforehand for 4 x 4 positions inside a pixel; coverage 0 to 256. */
export interface Stamp {
  readonly side: number;
  readonly masks: readonly Uint16Array[];
}

/** Numbers of a base64 text. */
function decode(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const values = new Uint8Array(binary.length);
  for (let i = 0; i < values.length; i++) values[i] = binary.charCodeAt(i);
  return values;
}

/** Rows with a position, in an order that favors no class: Fisher and Yates with a fixed linear generator. */
function drawOrder(positions: Float32Array): Uint32Array {
  const rows = Uint32Array.from({ length: positions.length / 2 }, (_, row) => row).filter((row) =>
    Number.isFinite(positions[2 * row]! + positions[2 * row + 1]!),
  );
  let state = 1;
  for (let i = rows.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 4294967296) * (i + 1));
    const swapped = rows[i]!;
    rows[i] = rows[j]!;
    rows[j] = swapped;
  }
  return rows;
}

function findBounds(positions: Float32Array, rows: Uint32Array): Bounds {
  const infinity = Number.POSITIVE_INFINITY;
  const found = { left: infinity, right: -infinity, bottom: infinity, top: -infinity };
  for (const row of rows) {
    const x = positions[2 * row]!;
    const y = positions[2 * row + 1]!;
    if (x < found.left) found.left = x;
    if (x > found.right) found.right = x;
    if (y < found.bottom) found.bottom = y;
    if (y > found.top) found.top = y;
  }
  return found;
}

function makeGrid(positions: Float32Array, order: Uint32Array, bounds: Bounds): Grid {
  const { left, bottom } = bounds;
  const span = Math.max(bounds.right - left, bounds.top - bottom) || 1;
  const side = Math.max(1, Math.min(512, Math.ceil(Math.sqrt(order.length))));
  const cell = span / side;
  const place = (value: number) => Math.min(side - 1, Math.floor(value / cell));
  const at = (row: number) =>
    place(positions[2 * row + 1]! - bottom) * side + place(positions[2 * row]! - left);
  const starts = new Uint32Array(side * side + 1);
  for (const row of order) starts[at(row) + 1]!++;
  for (let i = 0; i < side * side; i++) starts[i + 1]! += starts[i]!;
  const next = starts.slice();
  const rows = new Uint32Array(order.length);
  for (const row of order) rows[next[at(row)]!++] = row;
  return { left, bottom, side, cell, starts, rows };
}

/** The row nearest (x, y) within `reach` among those that `accepts` takes, or -1. */
function nearest(
  grid: Grid,
  positions: Float32Array,
  x: number,
  y: number,
  reach: number,
  accepts: (row: number) => boolean,
): number {
  const { left, bottom, side, cell, starts, rows } = grid;
  const place = (value: number) => Math.min(side - 1, Math.max(0, Math.floor(value / cell)));
  const first = place(x - reach - left);
  const last = place(x + reach - left);
  let best = -1;
  let least = reach * reach;
  for (let line = place(y - reach - bottom); line <= place(y + reach - bottom); line++) {
    // The cells of one line of the grid are neighbors in memory.
    for (let i = starts[line * side + first]!; i < starts[line * side + last + 1]!; i++) {
      const row = rows[i]!;
      const distance = (positions[2 * row]! - x) ** 2 + (positions[2 * row + 1]! - y) ** 2;
      if (distance <= least && accepts(row)) {
        least = distance;
        best = row;
      }
    }
  }
  return best;
}

/** Where in `runs` each image of `size` pixels begins, and the end. */
function imageStarts(runs: Uint8Array, size: number): Uint32Array {
  const starts = [0];
  let filled = 0;
  for (let i = 0; i < runs.length; i++) {
    filled += (runs[i]! & 15) + 1;
    if (filled < size) continue;
    starts.push(i + 1);
    filled = 0;
  }
  return Uint32Array.from(starts);
}

/** Gray values 0 to 255 of the image whose runs are in [start, end). */
function unpackImage(runs: Uint8Array, start: number, end: number, size: number): Uint8Array {
  const gray = new Uint8Array(size);
  let at = 0;
  for (let i = start; i < end; i++) {
    const run = (runs[i]! & 15) + 1;
    gray.fill((runs[i]! >> 4) * 17, at, at + run);
    at += run;
  }
  return gray;
}

/** A disc, or a ring when `hole` (the inner radius) is above 0. */
function makeStamp(radius: number, hole: number): Stamp {
  const side = Math.ceil(2 * radius) + 3;
  const within = (distance: number, edge: number) => Math.min(1, Math.max(0, edge + 0.5 - distance));
  const masks: Uint16Array[] = [];
  for (let part = 0; part < 16; part++) {
    const centerX = (side - 1) / 2 + ((part & 3) - 1.5) / 4;
    const centerY = (side - 1) / 2 + ((part >> 2) - 1.5) / 4;
    const mask = new Uint16Array(side * side);
    for (let i = 0; i < mask.length; i++) {
      const distance = Math.hypot((i % side) - centerX, Math.floor(i / side) - centerY);
      mask[i] = 256 * (within(distance, radius) - (hole > 0 ? within(distance, hole) : 0));
    }
    masks.push(mask);
  }
  return { side, masks };
}

/**
 * Blends one stamp per row into the target. `strengths` is the opacity of each group times 256, 0 for a hidden one;
 * `colors` is red, green, blue of each group.
 */
function paint(
  target: Target,
  stamp: Stamp,
  positions: Float32Array,
  rows: Uint32Array,
  group: Uint16Array,
  colors: Uint8Array,
  strengths: Uint16Array,
): void {
  const { pixels, width, height, scale } = target;
  const { side, masks } = stamp;
  const shiftX = width / 2 - target.x * scale - (side - 1) / 2;
  const shiftY = height / 2 + target.y * scale - (side - 1) / 2;
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r]!;
    const own = group[row]!;
    const strength = strengths[own]!;
    if (strength === 0) continue;
    const x = positions[2 * row]! * scale + shiftX;
    const y = shiftY - positions[2 * row + 1]! * scale;
    const left = Math.floor(x);
    const top = Math.floor(y);
    if (left >= width || top >= height || left + side <= 0 || top + side <= 0) continue;
    // The quarter of a pixel that the middle falls into picks the mask.
    const mask = masks[Math.floor((y - top) * 4) * 4 + Math.floor((x - left) * 4)]!;
    const red = colors[3 * own]!;
    const green = colors[3 * own + 1]!;
    const blue = colors[3 * own + 2]!;
    const firstColumn = Math.max(0, -left);
    const lastColumn = Math.min(side, width - left);
    for (let line = Math.max(0, -top); line < Math.min(side, height - top); line++) {
      let at = ((top + line) * width + left + firstColumn) * 4;
      for (let column = firstColumn; column < lastColumn; column++, at += 4) {
        const cover = mask[line * side + column]! * strength;
        if (cover === 0) continue;
        pixels[at]! += ((red - pixels[at]!) * cover) >> 16;
        pixels[at + 1]! += ((green - pixels[at + 1]!) * cover) >> 16;
        pixels[at + 2]! += ((blue - pixels[at + 2]!) * cover) >> 16;
      }
    }
  }
}

/** The parts by the names under which the page gets them. */
export const pageParts = {
  decode,
  drawOrder,
  findBounds,
  makeGrid,
  nearest,
  imageStarts,
  unpackImage,
  makeStamp,
  paint,
};

export type PageParts = typeof pageParts;
