/** Plots what a decoder makes of the way between two latent rows: a strip of pictures. */
import { resolveOptions } from '../core/options.js';
import { choice, integer, orNull } from '../core/rules.js';
import { THEMES, type Theme } from './colors.js';
import { clipRule, type Decoded, drawPictures, GAP, readPictures, shapeRule, sizeRule } from './pictures.js';
import { anyText, heading, headingHeight, headingWidth, PAD } from './scatterSvg.js';
import { brief, count, escapeXml, pixel, svgDocument, textWidth } from './svg.js';

/** Options of `interpolationSvg`. */
export interface InterpolationOptions {
  /** Pictures per strip, at least 2, for several strips one below another. Default null: one strip of all. */
  readonly columns?: number | null | undefined;
  /**
   * Shape of one image: `[height, width]`, `[height, width, 1]`, or `[height, width, 3]` for red, green and blue. Default null:
   * that of the rows where they are images, else a gray square.
   */
  readonly shape?: readonly number[] | null | undefined;
  /** The values that are black and white, `[low, high]`; others are clipped. Default null: the lowest and the highest of all. */
  readonly clip?: readonly number[] | null | undefined;
  /** Title of the picture. Default '': none. */
  readonly title?: string | undefined;
  /** A second line under the title, in a lighter color. Default '': none. */
  readonly subtitle?: string | undefined;
  /** What the first picture shows, below it. Default '': none. */
  readonly from?: string | undefined;
  /** What the last picture shows, below it. Default '': none. */
  readonly to?: string | undefined;
  /** Width of one picture in pixels, at least 8. Default 72. */
  readonly size?: number | undefined;
  /** Colors of the picture: `'light'` (default) or `'dark'`. */
  readonly theme?: 'light' | 'dark' | undefined;
}

const defaults: Readonly<Required<InterpolationOptions>> = Object.freeze({
  columns: null,
  shape: null,
  clip: null,
  title: '',
  subtitle: '',
  from: '',
  to: '',
  size: 72,
  theme: 'light',
});

const rules = {
  columns: orNull(integer(2)),
  shape: orNull(shapeRule),
  clip: orNull(clipRule),
  ...{ title: anyText, subtitle: anyText, from: anyText, to: anyText },
  size: sizeRule,
  theme: choice('light', 'dark'),
};

const TEXT_SIZE = 12.5;
/** Height of the line below the pictures. */
const CAPTION = 22;

/**
 * Draws decoded rows side by side as an SVG document: the way from one row to another, which `interpolate` gives and
 * `inverseTransform` decodes. Below the pictures stand the parts of the way. The pictures are inside the document, which loads
 * nothing.
 *
 * Throws `DataError` for rows that are no images of this shape, or hold values that are not finite; `OptionError` for wrong
 * options.
 *
 * ```js
 * const [from, to] = await umap.transform([rows[0], rows[1]]);
 * const decoded = await umap.inverseTransform(interpolate(from, to, 9));
 * await writeFile('way.svg', interpolationSvg(decoded, { shape: [8, 8] }));
 * ```
 */
export function interpolationSvg(images: Decoded, options: InterpolationOptions = {}): string {
  const o = resolveOptions<Required<InterpolationOptions>>('interpolationSvg', options, defaults, rules);
  const drawn = readPictures('interpolationSvg', images, o.shape, o.clip);
  const { rows, height, width, channels } = drawn;
  const theme = THEMES[o.theme];
  const columns = Math.min(rows, o.columns ?? rows);
  const strips = Math.ceil(rows / columns);
  const tall = (o.size * height) / width;
  const top = headingHeight(o);
  const across = columns * (o.size + GAP) - GAP;
  const down = strips * (tall + GAP) - GAP;
  const least = headingWidth(o.title, o.subtitle);
  const whole = Math.ceil(Math.max(across, least)) + 2 * PAD;
  const kind = channels === 3 ? 'color' : 'gray';
  const about = `${count(rows)} ${kind} images of ${width} x ${height} pixels${strips > 1 ? `, ${count(columns)} per strip` : ''}.`;
  return svgDocument(
    whole,
    Math.ceil(top + down + CAPTION + PAD),
    theme.page,
    o.title || 'Interpolation',
    about,
    [
      heading(o.title, o.subtitle, theme),
      ...drawPictures(drawn, columns, { x: PAD, y: top, width: o.size, height: tall }),
      ...drawParts(columns, top + down + 16, o, theme),
    ],
  );
}

/** The parts of the way, or the names of its ends, below the pictures. */
function drawParts(
  columns: number,
  y: number,
  { size, from, to }: Required<InterpolationOptions>,
  theme: Theme,
): string[] {
  const part = (i: number) => (columns > 1 ? i / (columns - 1) : 0);
  const texts = Array.from({ length: columns }, (_, i) => brief(Number(part(i).toFixed(2))));
  if (from) texts[0] = from;
  if (to) texts[columns - 1] = to;
  const fits = texts.every((text) => textWidth(text, TEXT_SIZE) < size + GAP);
  const marks = texts.flatMap((text, i) => {
    const [first, last] = [i === 0, i === columns - 1];
    if (!fits && !first && !last) return [];
    // Long names of the ends begin and end with the strip.
    const anchor = fits ? 'middle' : first ? 'start' : 'end';
    const x = PAD + i * (size + GAP) + (fits ? size / 2 : first ? 0 : size);
    const ink = (first && from) || (last && to) ? theme.ink : theme.faint;
    return [
      `<text x="${pixel(x)}" y="${pixel(y)}" text-anchor="${anchor}" fill="${ink}">${escapeXml(text)}</text>`,
    ];
  });
  return [`<g font-size="${TEXT_SIZE}">`, ...marks, '</g>'];
}
