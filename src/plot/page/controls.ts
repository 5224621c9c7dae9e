/**
 * The controls of the page that `scatterHtml` writes: pointer, keys, legend, tooltip. The compiled text of each function is
 * inserted into the page, so a function may use only its arguments and the browser.
 */

import type { PageParts } from './compute.js';
import type { openMap, PageData, PageMap } from './map.js';

/** The tooltip. Returns the function that shows the tooltip of a row, or hides it for -1. */
function makeTooltip(
  canvas: HTMLCanvasElement,
  map: PageMap,
  data: PageData,
  parts: PageParts,
): (row: number) => void {
  const find = <T extends HTMLElement>(selector: string) => document.querySelector<T>(selector)!;
  const label = new Uint32Array(parts.decode(data.label).buffer);
  const runs = parts.decode(data.images?.runs ?? '');
  const { width = 0, height = 0 } = data.images ?? {};
  const starts = parts.imageStarts(runs, width * height);

  function hover(row: number): void {
    if (row === map.marked.hover) return;
    map.marked.hover = row;
    map.redraw();
    const tip = find('#tip');
    tip.hidden = row < 0;
    canvas.style.cursor = row < 0 ? 'grab' : 'pointer';
    if (row < 0) return;
    const isHeld = row >= data.heldFrom;
    find('#tip b').textContent = data.names[label[row]!] ?? '';
    const kind = data.live ? `${data.live.name} row` : 'held-out row';
    find('#tip i').textContent = isHeld ? `${kind} ${row - data.heldFrom}` : `row ${row}`;
    find('#tip p').textContent = data.text[row] ?? '';
    const { color, darkColor } = map.groups[map.group[row]!]!;
    find('#tip .dot').style.cssText = `--light:${color};--dark:${darkColor}`;
    thumbnail(row);
    const at = map.positionOf(row);
    const right = at.x + 16 + tip.offsetWidth > canvas.clientWidth;
    tip.style.left = `${Math.max(4, right ? at.x - tip.offsetWidth - 16 : at.x + 16)}px`;
    const top = Math.min(canvas.clientHeight - tip.offsetHeight - 4, at.y - tip.offsetHeight / 2);
    tip.style.top = `${Math.max(4, top)}px`;
  }

  function thumbnail(row: number): void {
    const thumb = find<HTMLCanvasElement>('#tip canvas');
    thumb.hidden = starts[row + 1] === undefined;
    if (thumb.hidden) return;
    thumb.width = width;
    thumb.height = height;
    const factor = Math.max(1, Math.floor(96 / Math.max(width, height)));
    thumb.style.width = `${width * factor}px`;
    const context = thumb.getContext('2d')!;
    const image = context.createImageData(width, height);
    const gray = parts.unpackImage(runs, starts[row]!, starts[row + 1]!, width * height);
    for (let i = 0; i < gray.length; i++) image.data.set([gray[i]!, gray[i]!, gray[i]!, 255], 4 * i);
    context.putImageData(image, 0, 0);
  }

  return hover;
}

/** One pointer drags, two pinch, and only a mouse hovers. */
function listenToPointers(canvas: HTMLCanvasElement, map: PageMap, hover: (row: number) => void): void {
  const down = new Map<number, { x: number; y: number }>();
  const spread = () => {
    const [a, b] = [...down.values()];
    return Math.hypot(a!.x - b!.x, a!.y - b!.y);
  };
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    hover(event.pointerType === 'mouse' ? -1 : map.pick(event.offsetX, event.offsetY));
  });
  canvas.addEventListener('pointermove', (event) => {
    const { offsetX: x, offsetY: y } = event;
    const before = down.get(event.pointerId);
    if (before === undefined) return hover(map.pick(x, y));
    if (before.x === x && before.y === y) return;
    const spreadBefore = down.size === 2 ? spread() : 0;
    down.set(event.pointerId, { x, y });
    hover(-1);
    map.pan((x - before.x) / down.size, (y - before.y) / down.size);
    if (spreadBefore > 0) {
      const [a, b] = [...down.values()];
      map.zoom(spread() / spreadBefore, (a!.x + b!.x) / 2, (a!.y + b!.y) / 2);
    }
  });
  for (const end of ['pointerup', 'pointercancel'] as const) {
    canvas.addEventListener(end, (event) => down.delete(event.pointerId));
  }
  canvas.addEventListener('pointerleave', (event) => {
    if (event.pointerType === 'mouse') hover(-1);
  });
  const onWheel = (event: WheelEvent) => {
    event.preventDefault();
    // Some mice report lines or pages instead of pixels.
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode]!;
    hover(-1);
    map.zoom(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0015)), event.offsetX, event.offsetY);
  };
  canvas.addEventListener('wheel', onWheel, { passive: false });
  canvas.addEventListener('dblclick', map.reset);
  document.querySelector('#reset')!.addEventListener('click', map.reset);
}

/** Arrow keys pan, plus and minus zoom, 0 and Escape show all. */
function listenToKeys(canvas: HTMLCanvasElement, map: PageMap, hover: (row: number) => void): void {
  const [x, y] = [() => canvas.clientWidth / 2, () => canvas.clientHeight / 2];
  const keys: Record<string, () => void> = {
    ArrowLeft: () => map.pan(60, 0),
    ArrowRight: () => map.pan(-60, 0),
    ArrowUp: () => map.pan(0, 60),
    ArrowDown: () => map.pan(0, -60),
    '+': () => map.zoom(1.3, x(), y()),
    '=': () => map.zoom(1.3, x(), y()),
    '-': () => map.zoom(1 / 1.3, x(), y()),
    '0': map.reset,
    Escape: map.reset,
  };
  canvas.addEventListener('keydown', (event) => {
    const act = keys[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    hover(-1);
    act();
  });
}

/** A click hides or shows a class, with shift all others. Pointing at a class highlights it. */
function listenToLegend(map: PageMap, hover: (row: number) => void): void {
  const buttons = Array.from(document.querySelectorAll<HTMLElement>('button[data-group]'));
  const refresh = () => {
    for (const button of buttons) {
      button.setAttribute('aria-pressed', String(!map.hidden.has(Number(button.dataset.group))));
    }
    hover(-1);
    map.redraw();
  };
  const highlight = (accent: number) => {
    map.marked.accent = map.hidden.has(accent) ? -1 : accent;
    map.redraw();
  };
  for (const button of buttons) {
    const own = Number(button.dataset.group);
    button.addEventListener('click', (event) => {
      if (event.shiftKey) {
        for (const other of buttons) map.hidden.add(Number(other.dataset.group));
        map.hidden.delete(own);
      } else if (!map.hidden.delete(own)) map.hidden.add(own);
      refresh();
      highlight(own);
    });
    for (const enter of ['pointerenter', 'focus']) button.addEventListener(enter, () => highlight(own));
    for (const leave of ['pointerleave', 'blur']) button.addEventListener(leave, () => highlight(-1));
  }
  document.querySelector('#all')?.addEventListener('click', () => {
    const none = map.hidden.size === 0;
    for (const button of buttons) {
      if (none) map.hidden.add(Number(button.dataset.group));
      else map.hidden.delete(Number(button.dataset.group));
    }
    refresh();
  });
  for (const button of Array.from(document.querySelectorAll<HTMLElement>('button[data-kind]'))) {
    const kind = button.dataset.kind!;
    button.addEventListener('click', () => {
      if (!map.hiddenKinds.delete(kind)) map.hiddenKinds.add(kind);
      button.setAttribute('aria-pressed', String(!map.hiddenKinds.has(kind)));
      hover(-1);
      map.redraw();
    });
  }
}

/** Adds the rows that come while the page is open. */
function listenToEvents(map: PageMap, { events, ...look }: NonNullable<PageData['live']>): void {
  const own = { ...look, rows: 0, isClass: false };
  // The address of the page may hold a token.
  const source = new EventSource(events + location.search);
  source.addEventListener('message', ({ data }) => map.add(JSON.parse(data), own));
  let opened = false;
  source.addEventListener('open', () => {
    // After an interruption all rows come again.
    if (opened) location.reload();
    opened = true;
  });
}

/** The controls by the names that the page uses. */
export const pageControls = { makeTooltip, listenToPointers, listenToKeys, listenToLegend, listenToEvents };

/** The program of the page. */
export function page(open: typeof openMap, parts: PageParts, controls: typeof pageControls): void {
  const data = JSON.parse(document.querySelector('#data')!.textContent!) as PageData;
  const canvas = document.querySelector<HTMLCanvasElement>('#map')!;
  const map = open(canvas, data, parts);
  const hover = controls.makeTooltip(canvas, map, data, parts);
  new ResizeObserver(() => hover(-1)).observe(canvas);
  controls.listenToPointers(canvas, map, hover);
  controls.listenToKeys(canvas, map, hover);
  controls.listenToLegend(map, hover);
  if (data.live) controls.listenToEvents(map, data.live);
}
