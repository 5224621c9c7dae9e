import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLASS_COLORS, colorAlong, SCALE_COLORS } from '../../src/plot/colors.js';

/** OKLab of linear light. */
function oklab([r, g, b]: readonly number[]): number[] {
  const l = Math.cbrt(0.4122214708 * r! + 0.5363325363 * g! + 0.0514459929 * b!);
  const m = Math.cbrt(0.2119034982 * r! + 0.6806995451 * g! + 0.1073969566 * b!);
  const s = Math.cbrt(0.0883024619 * r! + 0.2817188376 * g! + 0.6299787005 * b!);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** Machado, Oliveira and Fernandes (2009), severity 1. */
const BLINDNESS = [
  [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
];

function linear(hex: string): number[] {
  return [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
}

function closest(colors: readonly string[], blindness?: readonly number[]): number {
  const seen = colors.map((color) => {
    const [r, g, b] = linear(color);
    if (!blindness) return oklab([r!, g!, b!]);
    const row = (at: number) =>
      Math.min(1, Math.max(0, blindness[at]! * r! + blindness[at + 1]! * g! + blindness[at + 2]! * b!));
    return oklab([row(0), row(3), row(6)]);
  });
  let least = Number.POSITIVE_INFINITY;
  for (const [i, a] of seen.entries()) {
    for (const b of seen.slice(0, i))
      least = Math.min(least, Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!, a[2]! - b[2]!));
  }
  return least;
}

test('class colors keep the distances that their comment promises, color-blind or not', () => {
  assert.ok(closest(CLASS_COLORS.slice(0, 10)) > 0.16);
  assert.ok(closest(CLASS_COLORS) > 0.085);
  for (const blindness of BLINDNESS) {
    assert.ok(closest(CLASS_COLORS.slice(0, 10), blindness) > 0.095);
    assert.ok(closest(CLASS_COLORS, blindness) > 0.055);
  }
});

test('the continuous scale grows lighter in equal steps', () => {
  const lightness = SCALE_COLORS.map((color) => oklab(linear(color))[0]!);
  for (let i = 1; i < lightness.length; i++) {
    assert.ok(Math.abs(lightness[i]! - lightness[i - 1]! - 0.57 / 8) < 0.005);
  }
  assert.equal(colorAlong(SCALE_COLORS, 0), SCALE_COLORS[0]);
  assert.equal(colorAlong(SCALE_COLORS, 1), SCALE_COLORS.at(-1));
  assert.equal(colorAlong(['#000000'], 0.4), '#000000');
});
