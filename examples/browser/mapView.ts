/** A map of points in a canvas, with one mark on it. */

/** Points and their classes. */
export interface MapPoints {
  /** x and y of each point, one after another. */
  readonly positions: ArrayLike<number>;
  /** Class of each point; a point without one is gray. */
  readonly classes?: ArrayLike<number> | undefined;
}

/** Colors of classes; more classes than colors share them. */
export const classColors = [
  '#0e80e9',
  '#ed8c3b',
  '#36c497',
  '#c93f0b',
  '#5b32a8',
  '#e6d82f',
  '#22774f',
  '#b96aa0',
  '#70402f',
  '#8fd0f7',
] as const;

/** Draws a map. `chosen` gets the places that are clicked, or reached by arrow keys. */
export function mapView(canvas: HTMLCanvasElement, chosen: (x: number, y: number) => void = () => {}) {
  const context = canvas.getContext('2d')!;
  let points: MapPoints = { positions: [] };
  let mark: { x: number; y: number } | undefined;
  let view = { x: 0, y: 0, scale: 1 };

  function fit(): void {
    const { positions } = points;
    let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < positions.length; i += 2) {
      left = Math.min(left, positions[i]!);
      right = Math.max(right, positions[i]!);
      bottom = Math.min(bottom, positions[i + 1]!);
      top = Math.max(top, positions[i + 1]!);
    }
    const scale = 0.9 * Math.min(canvas.width / (right - left), canvas.height / (top - bottom));
    view = { x: (left + right) / 2, y: (bottom + top) / 2, scale: Number.isFinite(scale) ? scale : 1 };
  }

  function draw(): void {
    canvas.width = canvas.clientWidth * devicePixelRatio;
    canvas.height = canvas.clientHeight * devicePixelRatio;
    fit();
    const { positions, classes } = points;
    const radius = Math.max(1, Math.min(4, 60 / Math.sqrt(positions.length / 2))) * devicePixelRatio;
    context.globalAlpha = 0.7;
    for (let i = 0; i < positions.length / 2; i++) {
      const own = classes?.[i] ?? -1;
      context.fillStyle = own < 0 ? '#8a8a90' : classColors[own % classColors.length]!;
      const { x, y } = pixelOf(positions[2 * i]!, positions[2 * i + 1]!);
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
    if (!mark) return;
    const { x, y } = pixelOf(mark.x, mark.y);
    for (const [color, width] of [
      ['#ffffff', 5],
      ['#000000', 2.5],
    ] as const) {
      context.strokeStyle = color;
      context.lineWidth = width * devicePixelRatio;
      context.beginPath();
      context.arc(x, y, 9 * devicePixelRatio, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  function pixelOf(x: number, y: number): { x: number; y: number } {
    return {
      x: canvas.width / 2 + (x - view.x) * view.scale,
      y: canvas.height / 2 - (y - view.y) * view.scale,
    };
  }

  function choose(x: number, y: number): void {
    mark = { x, y };
    draw();
    chosen(x, y);
  }

  canvas.addEventListener('click', ({ offsetX, offsetY }) => {
    const ratio = canvas.width / canvas.clientWidth;
    choose(
      view.x + (offsetX * ratio - canvas.width / 2) / view.scale,
      view.y - (offsetY * ratio - canvas.height / 2) / view.scale,
    );
  });
  canvas.addEventListener('keydown', (event) => {
    const step = (canvas.width / view.scale) * 0.02;
    const moves: Record<string, readonly [number, number]> = {
      ...{ ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] },
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const from = mark ?? view;
    choose(from.x + move[0], from.y + move[1]);
  });
  new ResizeObserver(draw).observe(canvas);

  return {
    /** Shows points. */
    show(next: MapPoints): void {
      points = next;
      draw();
    },
    /** Moves the mark, or takes it away. */
    setMark(next: { x: number; y: number } | undefined): void {
      mark = next;
      draw();
    },
  };
}
