/** Colors of the plots, chosen by measured distance for normal and for color-blind eyes. */

/**
 * Class colors, the most distinct first. Found by annealing the smallest OKLab distance between any two, over
 * normal vision and simulated protanopia, deuteranopia and tritanopia (Machado, Oliveira and Fernandes, 2009):
 * at least 0.16 and 0.095 among the first ten, 0.085 and 0.055 among all twenty.
 */
export const CLASS_COLORS: readonly string[] = [
  ...[
    '#0e80e9',
    '#ed8c3b',
    '#36c497',
    '#c7410a',
    '#5632a4',
    '#e5d941',
    '#277f59',
    '#bc6f9e',
    '#6e3f2f',
    '#94d2f9',
  ],
  ...[
    '#2b5d86',
    '#b446b4',
    '#cc93cc',
    '#c3dfa9',
    '#efb2c9',
    '#7e9efa',
    '#9e8746',
    '#9c2a74',
    '#99d168',
    '#76a27d',
  ],
];

/**
 * Continuous scale from low to high. OKLab lightness rises in equal steps from 0.30 to 0.87 while the hue goes
 * from indigo over teal to yellow, so the order survives color blindness and gray printing.
 */
export const SCALE_COLORS: readonly string[] = [
  '#320f71',
  '#32308a',
  '#2c4d9f',
  '#056ea2',
  '#128aa1',
  '#0aa79d',
  '#4fc08a',
  '#9ad166',
  '#e9d834',
];

/** Points without a label, and classes beyond the palette. */
export const OTHER_COLOR = '#a3a19b';

/** Colors of everything that is not a point. */
export interface Theme {
  readonly page: string;
  /** Behind the points. */
  readonly panel: string;
  readonly frame: string;
  readonly ink: string;
  readonly faint: string;
}

export const THEMES: { readonly [name in 'light' | 'dark']: Theme } = {
  light: { page: '#ffffff', panel: '#f8f7f4', frame: '#dcd9d1', ink: '#24231f', faint: '#716e67' },
  dark: { page: '#15171c', panel: '#1c1f26', frame: '#353a44', ink: '#eceae5', faint: '#9c9fa6' },
};

/** Color at `t` in [0, 1] along evenly spaced stops. */
export function colorAlong(stops: readonly string[], t: number): string {
  const position = Math.min(1, Math.max(0, t)) * (stops.length - 1);
  const low = Math.min(Math.floor(position), Math.max(0, stops.length - 2));
  return mixColors(stops[low]!, stops[low + 1] ?? stops[low]!, position - low);
}

/** `share` of `b` in `a`; both `#rrggbb`. */
export function mixColors(a: string, b: string, share: number): string {
  let mixed = '#';
  for (let at = 1; at < 7; at += 2) {
    const from = Number.parseInt(a.slice(at, at + 2), 16);
    const to = Number.parseInt(b.slice(at, at + 2), 16);
    mixed += Math.round(from + (to - from) * share)
      .toString(16)
      .padStart(2, '0');
  }
  return mixed;
}
