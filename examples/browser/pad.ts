/** The pad on which a digit is drawn, and the drawing as the 8 x 8 gray values that the network was trained on. */

/** Side of the pictures of the training data, before they were counted in blocks of 4 x 4. */
const FINE = 32;
const SIDE = 8;

/** Lets the visitor draw. `drawn` is called after each stroke and each movement. */
export function drawingPad(canvas: HTMLCanvasElement, drawn: () => void): { clear(): void } {
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  let last: { x: number; y: number } | undefined;
  const at = (event: PointerEvent) => ({
    x: (event.offsetX / canvas.clientWidth) * canvas.width,
    y: (event.offsetY / canvas.clientHeight) * canvas.height,
  });
  const line = (to: { x: number; y: number }) => {
    context.strokeStyle = '#808080';
    context.lineWidth = canvas.width / 11;
    context.lineCap = 'round';
    context.beginPath();
    context.moveTo(last!.x, last!.y);
    context.lineTo(to.x, to.y);
    context.stroke();
    last = to;
    drawn();
  };
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    line(last);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (last) line(at(event));
  });
  for (const end of ['pointerup', 'pointercancel'] as const) {
    canvas.addEventListener(end, () => {
      last = undefined;
    });
  }
  return {
    clear() {
      context.clearRect(0, 0, canvas.width, canvas.height);
      drawn();
    },
  };
}

/**
 * The drawing as the training data have digits: cut out, scaled to 32 x 32 with its proportions kept, and the ink of each block of
 * 4 x 4 counted. 64 values from 0 to 1; undefined for an empty pad.
 */
export function digitOf(canvas: HTMLCanvasElement): Float32Array | undefined {
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d', { willReadFrequently: true })!.getImageData(0, 0, width, height);
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let i = 0; i < width * height; i++) {
    if (data[4 * i + 3]! < 128) continue;
    left = Math.min(left, i % width);
    right = Math.max(right, i % width);
    top = Math.min(top, Math.floor(i / width));
    bottom = Math.max(bottom, Math.floor(i / width));
  }
  if (right < 0) return undefined;
  const size = Math.max(right - left, bottom - top) + 1;
  const scaled = document.createElement('canvas');
  scaled.width = FINE;
  scaled.height = FINE;
  const small = scaled.getContext('2d')!;
  const x = left - (size - (right - left + 1)) / 2;
  const y = top - (size - (bottom - top + 1)) / 2;
  small.drawImage(canvas, x, y, size, size, 0, 0, FINE, FINE);
  const fine = small.getImageData(0, 0, FINE, FINE).data;
  const digit = new Float32Array(SIDE * SIDE);
  for (let i = 0; i < FINE * FINE; i++) {
    const block = Math.floor(i / FINE / 4) * SIDE + Math.floor((i % FINE) / 4);
    digit[block]! += (fine[4 * i + 3]! > 127 ? 1 : 0) / 16;
  }
  return digit;
}

/** Paints gray values from 0 to 1 into a canvas of their size, ink on paper. */
export function paintDigit(canvas: HTMLCanvasElement, values: ArrayLike<number>): void {
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < values.length; i++) {
    const gray = 255 * (1 - Math.min(1, Math.max(0, values[i]!)));
    image.data.set([gray, gray, gray, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
}
