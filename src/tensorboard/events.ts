/** Events as TensorBoard reads them: the few messages of TensorFlow's `event.proto` and `summary.proto` that are needed, written by `pbf`. */

import Pbf from 'pbf';
import type { Histogram } from './histogram.js';

/** One curve's point, or one histogram, by its name. */
export type Summary =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly histogram: Histogram };

/** The first event of every file. `seconds` since 1970, as in all events. */
export function versionEvent(seconds: number): Uint8Array {
  const pbf = new Pbf();
  pbf.writeDoubleField(1, seconds);
  pbf.writeStringField(3, 'brain.Event:2');
  return pbf.finish();
}

/** What was measured at a gradient step. */
export function summaryEvent(seconds: number, step: number, summaries: readonly Summary[]): Uint8Array {
  const pbf = new Pbf();
  pbf.writeDoubleField(1, seconds);
  pbf.writeVarintField(2, step);
  pbf.writeMessage(
    5,
    (values, out) => {
      for (const value of values) out!.writeMessage(1, writeSummary, value);
    },
    summaries,
  );
  return pbf.finish();
}

function writeSummary(summary: Summary, out: Pbf | undefined): void {
  out!.writeStringField(1, summary.tag);
  if ('scalar' in summary) out!.writeFloatField(2, summary.scalar);
  else out!.writeMessage(5, writeHistogram, summary.histogram);
}

function writeHistogram(
  { min, max, count, sum, sumSquares, limits, counts }: Histogram,
  out: Pbf | undefined,
): void {
  for (const [i, value] of [min, max, count, sum, sumSquares].entries()) out!.writeDoubleField(i + 1, value);
  out!.writePackedDouble(6, [...limits]);
  out!.writePackedDouble(7, [...counts]);
}
