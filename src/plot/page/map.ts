/** The map in the page that `scatterHtml` writes: drawing, zooming, panning, and finding the row at a position. */
import type { Group } from '../data.js';
import type { PageParts } from './compute.js';

/** The data of the page. Arrays are base64 of little-endian numbers. */
export interface PageData {
  /** Rows from here on are held out. */
  readonly heldFrom: number;
  /** Float32: x and y of each row; NaN for rows without a position. */
  readonly positions: string;
  /** Uint16: group of each row. */
  readonly group: string;
  readonly groups: readonly (Group & { readonly darkColor: string })[];
  /** Distinct labels, and in `label` (Uint32) the index of that of each row. */
  readonly names: readonly string[];
  readonly label: string;
  /** A line for the tooltip of each row; may be shorter than the rows. */
  readonly text: readonly string[];
  /** Gray images from row 0, run-length encoded: bytes `level * 16 + run - 1`, levels 0 (black) to 15 (white). */
  readonly images: { readonly width: number; readonly height: number; readonly runs: string } | null;
  /** Positions of class names in data units, largest class first. */
  readonly places: readonly { readonly group: number; readonly x: number; readonly y: number }[];
  readonly nameSize: number;
  /** Diameter of a point in pixels. */
  readonly diameter: number;
  readonly opacity: number;
  /** Where rows come from that are added while the page is open, as server-sent events: lists of [x, y]. */
  readonly live: {
    readonly events: string;
    readonly name: string;
    readonly color: string;
    readonly darkColor: string;
  } | null;
}

/** The interface of the map for the controls. */
export interface PageMap {
  /** The data point at the center, pixels per data unit (`scale`), and the scale that shows the whole map (`home`). */
  readonly view: { x: number; y: number; scale: number; home: number };
  /** Groups, and kinds of rows, that are not drawn. */
  readonly hidden: Set<number>;
  readonly hiddenKinds: Set<string>;
  /** `accent` is the group that stands out, `hover` the row under the pointer; -1 for none. */
  readonly marked: { accent: number; hover: number };
  /** The group of each row, and the groups. */
  group: Uint16Array;
  readonly groups: PageData['groups'][number][];
  /** Adds rows, which are drawn as held-out ones, in a group of their own. */
  add(points: readonly (readonly number[])[], own: PageData['groups'][number]): void;
  redraw(): void;
  reset(): void;
  /** Zooms by a factor, keeping the point at (x, y) where it is. */
  zoom(factor: number, x: number, y: number): void;
  pan(x: number, y: number): void;
  /** The visible row at a position, or -1. */
  pick(x: number, y: number): number;
  /** The position of a row. */
  positionOf(row: number): { x: number; y: number };
}

/**
 * Draws the map into a canvas, and redraws it after changes. Positions are in pixels from the upper left corner of the
 * canvas. The compiled text of this function is inserted into the page, so it may use only its arguments and the browser.
 */
export function openMap(canvas: HTMLCanvasElement, data: PageData, parts: PageParts): PageMap {
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  let positions = new Float32Array(parts.decode(data.positions).buffer);
  const groups = [...data.groups];
  const order = parts.drawOrder(positions);
  const fitted = order.filter((row) => row < data.heldFrom);
  let held = order.filter((row) => row >= data.heldFrom);
  let bounds = parts.findBounds(positions, order);
  let grid = parts.makeGrid(positions, order, bounds);
  const hidden = new Set<number>();
  const hiddenKinds = new Set<string>();
  const marked = { accent: -1, hover: -1 };
  const view = { x: 0, y: 0, scale: 0, home: 1 };
  let image = context.createImageData(1, 1);
  let pending = false;

  const shown = (row: number) =>
    !hidden.has(map.group[row]!) && !hiddenKinds.has(row < data.heldFrom ? 'fitted' : 'held');
  const radius = () => (data.diameter / 2) * Math.min(5, Math.max(1, (view.scale / view.home) ** 0.4));
  const colorOf = (at: number) => (dark.matches ? groups[at]!.darkColor : groups[at]!.color);
  const css = (name: string) => getComputedStyle(canvas).getPropertyValue(name).trim();
  const rgb = (hex: string) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));

  function redraw(): void {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      draw();
    });
  }

  function reset(): void {
    Object.assign(view, {
      x: (bounds.left + bounds.right) / 2,
      y: (bounds.bottom + bounds.top) / 2,
      scale: view.home,
    });
    redraw();
  }

  function resize(): void {
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0 || height === 0) return;
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    image = context.createImageData(canvas.width, canvas.height);
    const zoomed = view.scale / view.home;
    const home = 0.93 * Math.min(width / (bounds.right - bounds.left), height / (bounds.top - bounds.bottom));
    view.home = Number.isFinite(home) ? home : 1;
    if (zoomed > 0) view.scale = view.home * zoomed;
    else reset();
    draw();
  }

  function draw(): void {
    const ratio = canvas.width / canvas.clientWidth;
    const panel = rgb(css('--panel'));
    const ground = (255 << 24) | (panel[2]! << 16) | (panel[1]! << 8) | panel[0]!;
    new Uint32Array(image.data.buffer).fill(ground);
    const { width, height } = canvas;
    const target = { pixels: image.data, width, height, x: view.x, y: view.y, scale: view.scale * ratio };
    const colors = Uint8Array.from(groups.flatMap((_, at) => rgb(colorOf(at))));
    const put = (rows: Uint32Array, outer: number, hole: number, ink: Uint8Array, opacity: number) => {
      const strengths = Uint16Array.from(groups, (_, at) =>
        hidden.has(at) ? 0 : 256 * opacity * (marked.accent < 0 || marked.accent === at ? 1 : 0.12),
      );
      parts.paint(
        target,
        parts.makeStamp(outer * ratio, hole * ratio),
        positions,
        rows,
        map.group,
        ink,
        strengths,
      );
    };
    if (!hiddenKinds.has('fitted')) put(fitted, radius(), 0, colors, data.opacity);
    if (!hiddenKinds.has('held') && held.length > 0) {
      const ring = Math.max(2, radius() * 1.24);
      put(held, ring, 0, Uint8Array.from(groups.flatMap(() => panel)), 0.85);
      put(held, ring + 0.7, ring - 0.7, colors, 1);
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.putImageData(image, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawNames();
    if (marked.hover < 0) return;
    const { x, y } = positionOf(marked.hover);
    context.beginPath();
    context.arc(x, y, radius() + 3, 0, 2 * Math.PI);
    context.lineWidth = 2;
    context.strokeStyle = css('--ink');
    context.stroke();
  }

  /** Names of the visible classes, larger classes first. Names that would overlap others are left out until zoomed in. */
  function drawNames(): void {
    context.font = `700 ${data.nameSize}px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.lineJoin = 'round';
    context.lineWidth = 4;
    const taken: { x: number; y: number; half: number }[] = [];
    for (const label of data.places) {
      if (hidden.has(label.group) || (marked.accent >= 0 && marked.accent !== label.group)) continue;
      const { name } = groups[label.group]!;
      const text = name.length > 24 ? `${name.slice(0, 23)}…` : name;
      const x = canvas.clientWidth / 2 + (label.x - view.x) * view.scale;
      const y = canvas.clientHeight / 2 - (label.y - view.y) * view.scale;
      const half = context.measureText(text).width / 2 + 3;
      const near = (other: (typeof taken)[number]) =>
        Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < data.nameSize + 3;
      if (taken.some(near)) continue;
      taken.push({ x, y, half });
      context.strokeStyle = css('--panel');
      context.strokeText(text, x, y);
      context.fillStyle = css('--ink');
      context.fillText(text, x, y);
    }
  }

  function zoom(factor: number, x: number, y: number): void {
    const scale = Math.min(view.home * 400, Math.max(view.home * 0.5, view.scale * factor));
    const shift = 1 / view.scale - 1 / scale;
    view.x += (x - canvas.clientWidth / 2) * shift;
    view.y -= (y - canvas.clientHeight / 2) * shift;
    view.scale = scale;
    redraw();
  }

  function pan(x: number, y: number): void {
    view.x -= x / view.scale;
    view.y += y / view.scale;
    redraw();
  }

  function pick(x: number, y: number): number {
    const dataX = view.x + (x - canvas.clientWidth / 2) / view.scale;
    const dataY = view.y - (y - canvas.clientHeight / 2) / view.scale;
    return parts.nearest(grid, positions, dataX, dataY, (radius() + 6) / view.scale, shown);
  }

  function positionOf(row: number): { x: number; y: number } {
    return {
      x: canvas.clientWidth / 2 + (positions[2 * row]! - view.x) * view.scale,
      y: canvas.clientHeight / 2 - (positions[2 * row + 1]! - view.y) * view.scale,
    };
  }

  function add(points: readonly (readonly number[])[], own: PageMap['groups'][number]): void {
    if (!groups.includes(own)) groups.push(own);
    const rows = positions.length / 2;
    const more = new Float32Array(2 * (rows + points.length));
    more.set(positions);
    more.set(points.flat(), 2 * rows);
    const moreGroups = new Uint16Array(rows + points.length).fill(groups.indexOf(own));
    moreGroups.set(map.group);
    positions = more;
    map.group = moreGroups;
    const drawn = parts.drawOrder(positions);
    held = drawn.filter((row) => row >= data.heldFrom);
    const before = bounds;
    bounds = parts.findBounds(positions, drawn);
    grid = parts.makeGrid(positions, drawn, bounds);
    // A view of all points goes on to show all; another one stays where it is.
    const { left, right, bottom, top } = before;
    const same =
      bounds.left === left && bounds.right === right && bounds.bottom === bottom && bounds.top === top;
    const all = !Number.isFinite(left) || view.scale === view.home;
    if (same || !all) redraw();
    else {
      view.scale = 0;
      resize();
    }
  }

  const group = new Uint16Array(parts.decode(data.group).buffer);
  const map = {
    view,
    hidden,
    hiddenKinds,
    marked,
    group,
    groups,
    add,
    redraw,
    reset,
    zoom,
    pan,
    pick,
    positionOf,
  };
  resize();
  new ResizeObserver(resize).observe(canvas);
  dark.addEventListener('change', redraw);
  return map;
}
