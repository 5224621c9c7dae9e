/** Events as TensorBoard reads them: the few messages of TensorFlow's `event.proto` and `summary.proto` that are needed. */

import { joined } from '../core/bytes.js';
import { toUtf8 } from '../core/utf8.js';
import type { Histogram } from './histogram.js';

/** One curve's point, or one histogram, by its name. */
export type Summary =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly histogram: Histogram };

/** The first event of every file. `seconds` since 1970, as in all events. */
export function versionEvent(seconds: number): Uint8Array {
  return joined([double(1, seconds), text(3, 'brain.Event:2')]);
}

/** What was measured at a gradient step. */
export function summaryEvent(seconds: number, step: number, summaries: readonly Summary[]): Uint8Array {
  const values = summaries.map((summary) => bytes(1, summaryValue(summary)));
  return joined([double(1, seconds), whole(2, step), bytes(5, joined(values))]);
}

function summaryValue(summary: Summary): Uint8Array {
  const tag = text(1, summary.tag);
  if ('scalar' in summary) return joined([tag, float(2, summary.scalar)]);
  const { min, max, count, sum, sumSquares, limits, counts } = summary.histogram;
  const histogram = [min, max, count, sum, sumSquares].map((value, i) => double(i + 1, value));
  return joined([tag, bytes(5, joined([...histogram, doubles(6, limits), doubles(7, counts)]))]);
}

/** How the value of a field is written, in the lowest three bits of its key. */
const WIRE = { varint: 0, eightBytes: 1, lengthFirst: 2, fourBytes: 5 } as const;

/** A number of at least 0 in groups of seven bits, the lowest first. Division, since steps may exceed 32 bits. */
function varint(value: number): number[] {
  const groups: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) groups.push((rest % 128) | 128);
  return [...groups, rest];
}

function whole(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field * 8 + WIRE.varint), ...varint(value)]);
}

function double(field: number, value: number): Uint8Array {
  const written = new Uint8Array(8);
  new DataView(written.buffer).setFloat64(0, value, true);
  return joined([Uint8Array.from(varint(field * 8 + WIRE.eightBytes)), written]);
}

function float(field: number, value: number): Uint8Array {
  const written = new Uint8Array(4);
  new DataView(written.buffer).setFloat32(0, value, true);
  return joined([Uint8Array.from(varint(field * 8 + WIRE.fourBytes)), written]);
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return joined([Uint8Array.from([...varint(field * 8 + WIRE.lengthFirst), ...varint(value.length)]), value]);
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, toUtf8(value));
}

function doubles(field: number, values: readonly number[]): Uint8Array {
  const written = new Uint8Array(8 * values.length);
  const view = new DataView(written.buffer);
  for (const [i, value] of values.entries()) view.setFloat64(8 * i, value, true);
  return bytes(field, written);
}
