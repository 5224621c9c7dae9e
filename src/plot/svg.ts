/** Text, numbers, ticks and positions in the form that the plots write. */

/** Escapes text for element content and attribute values; characters that XML forbids become U+FFFD. */
export function escapeXml(text: string): string {
  let escaped = '';
  for (const character of text) escaped += ENTITIES[character] ?? (isXml(character) ? character : '\ufffd');
  return escaped;
}

const ENTITIES: { readonly [character: string]: string | undefined } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Char of XML 1.0, section 2.2. Iterating a string gives lone surrogates as themselves. */
function isXml(character: string): boolean {
  const code = character.codePointAt(0)!;
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return (code < 0xd800 || code > 0xdfff) && code !== 0xfffe && code !== 0xffff;
}

/** A whole SVG document on a ground of one color, with what it shows in words. */
export function svgDocument(
  width: number,
  height: number,
  ground: string,
  title: string,
  description: string,
  body: readonly string[],
): string {
  const size = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="Helvetica, Arial, sans-serif" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<desc>${escapeXml(description)}</desc>`,
    `<rect width="${width}" height="${height}" fill="${ground}"/>`,
    ...body.filter((part) => part !== ''),
    '</svg>\n',
  ].join('\n');
}

/** Cuts text to `most` characters, the last of them an ellipsis. */
export function shorten(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`;
}

/** Width of sans-serif text in pixels, guessed a little generously: no font is at hand. */
export function textWidth(text: string, size: number): number {
  let ems = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code >= 0x2e80) ems += 1;
    else if ("iljt.,:;'|! ()[]".includes(character)) ems += 0.32;
    else if ((character >= 'A' && character <= 'Z') || 'mw@%'.includes(character)) ems += 0.74;
    else ems += 0.57;
  }
  return ems * size;
}

/** A coordinate in pixels, to a tenth: keeps files small and loses nothing that can be seen. */
export function pixel(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** A whole number with thousands separators. */
export function count(value: number): string {
  return value.toLocaleString('en');
}

/** `7 points`, `1 point`. */
export function counted(value: number, thing: string, things = `${thing}s`): string {
  return `${count(value)} ${value === 1 ? thing : things}`;
}

/** A number in few characters: four significant digits, no exponent in the ordinary range. */
export function brief(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4)
    return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e').replaceAll('-', '−');
  return String(Number(value.toPrecision(4))).replace('-', '−');
}

/** Round numbers (1, 2 or 5 times a power of ten apart) inside [low, high], about `wanted` of them. */
export function niceTicks(low: number, high: number, wanted: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.75) ?? 10);
  const ticks: number[] = [];
  // Multiples of the step by whole numbers, so that no error adds up; rounded so that 0.30000000000000004 is 0.3.
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return ticks;
}

/** Ticks of a logarithmic axis in [low, high]: powers of ten, with 2 and 5 between while they are few. */
export function logTicks(low: number, high: number, wanted: number): number[] {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.ceil(Math.log10(high) - 1e-9);
  const step = Math.max(1, Math.ceil((last - first) / wanted));
  const factors = last - first > wanted / 2 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.ceil(first / step) * step; power <= last; power += step) {
    for (const factor of factors) {
      // Read from text: 10 ** -5 is not the number nearest 0.00001.
      const tick = Number(`${factor}e${power}`);
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return ticks.length >= 2 ? ticks : niceTicks(low, high, wanted);
}

/** Round numbers that enclose [low, high], so that the first and the last can be the ends of an axis. */
export function outerTicks(low: number, high: number, wanted: number): number[] {
  // Losses that stay far from 0 need the resolution; those that come near it should show how near.
  const from = low >= 0 && low < high * 0.4 ? 0 : low;
  if (from === high) return niceTicks(from - Math.abs(from || 1) / 2, high + Math.abs(high || 1) / 2, wanted);
  const inner = niceTicks(from, high, wanted);
  const step = inner.length > 1 ? inner[1]! - inner[0]! : high - from;
  const first = Math.floor(from / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Heights nearest the wished ones, at least `gap` apart and inside [low, high] as far as there is room. */
export function moveApart(wished: readonly number[], gap: number, low: number, high: number): number[] {
  const order = wished.map((_, i) => i).sort((a, b) => wished[a]! - wished[b]! || a - b);
  const least = Math.min(gap, order.length > 1 ? (high - low) / (order.length - 1) : gap);
  const heights = [...wished];
  let floor = low;
  for (const i of order) {
    heights[i] = Math.max(wished[i]!, floor);
    floor = heights[i]! + least;
  }
  let ceiling = high;
  for (const i of order.reverse()) {
    heights[i] = Math.min(heights[i]!, ceiling);
    ceiling = heights[i]! - least;
  }
  return heights;
}
