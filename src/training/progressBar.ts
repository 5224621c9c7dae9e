/** Shows `Progress` as a bar in the terminal, or as plain lines in a log. */
import type { Stage } from '../core/stages.js';
import type { Progress } from '../core/types.js';

/** The part of a writable stream that the bar uses: `process.stderr`, a file stream, or any object with `write`. */
export interface ProgressStream {
  /** Writes text unchanged, without adding a line break. */
  write(text: string): unknown;
  /** Whether it is a terminal, which can redraw a line. */
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal in characters; 80 where it is not known. */
  readonly columns?: number | undefined;
  /** False once the stream has ended or closed. */
  readonly writable?: boolean | undefined;
  /** Adds a listener for write errors, which end the output. */
  on?(event: 'error', listener: () => void): unknown;
  /** Removes that listener. */
  off?(event: 'error', listener: () => void): unknown;
}

/** What `progressBar` returns. */
export interface ProgressBar {
  /** Whether it redraws one line, as on a terminal. */
  readonly live: boolean;
  /** Writes a line of text above the bar. */
  line(text: string): void;
  /** Shows the progress of a stage before training, as the `onStage` of a callback. In a log it writes a line at its start. */
  stage(stage: Stage, done?: number): void;
  /** Shows the progress of the training. */
  report(progress: Progress): void;
  /** Ends the line, and prepares the bar for another training. */
  finish(): void;
}

/** Milliseconds between two updates: more are not visible, and terminals are slow. */
const PAUSE = 50;

/**
 * A bar that shows percentage, steps, loss and time left. On a terminal it redraws one line that fits the
 * columns; elsewhere it writes a plain line whenever the whole percentage has moved on, at most one per report. Stages before
 * training are shown by their name and percentage, or by one plain line each.
 * `NO_COLOR` in the environment and `TERM=dumb` are respected. Errors of a closed stream are ignored.
 *
 *     const bar = progressBar();
 *     const umap = new ParametricUMAP({ callbacks: [{ onStage: bar.stage }] });
 *     for await (const progress of umap.steps(X)) bar.report(progress);
 *     bar.finish();
 *
 * The default stream is the standard error of Node.js; in a browser, lines go to the console.
 */
export function progressBar(stream: ProgressStream = defaultStream()): ProgressBar {
  // A web page may have a replacement for `process` without these properties.
  const { TERM, NO_COLOR } = globalThis.process?.env ?? {};
  const live = stream.isTTY === true && TERM !== 'dumb';
  const colored = live && !NO_COLOR;
  let closed = false;
  let first: { at: number; step: number } | undefined;
  let latest: Progress | undefined;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let drawnPercent = -1;
  let drawnLength = 0;
  let drawnStage: Stage | undefined;
  let unseen = false;
  let listening = false;
  const close = () => {
    closed = true;
  };

  const write = (text: string) => {
    if (closed || stream.writable === false) return;
    if (!listening) stream.on?.('error', close);
    listening = true;
    try {
      stream.write(text);
    } catch {
      closed = true;
    }
  };

  const draw = (progress: Progress, time: string) => {
    unseen = false;
    drawnStage = undefined;
    drawParts(describe(progress, time), fractionOf(progress));
  };

  const drawParts = (parts: readonly string[], fraction: number) => {
    // Some pseudo-terminals report 0 columns.
    const room = Math.max(1, (stream.columns || 80) - 1);
    if (!live) return write(`${parts.join('  ')}\n`);
    const { bar, text } = fit(parts, fraction, room);
    // Without escape codes, blanks overwrite the rest of a longer line.
    const blanks = ' '.repeat(Math.max(0, Math.min(room, drawnLength) - bar.length - text.length));
    drawnLength = bar.length + text.length;
    write(colored ? `\r${paint(bar)}${text}\x1b[K` : `\r${bar}${text}${blanks}`);
  };

  const line = (text: string) => {
    const blanks = ' '.repeat(Math.max(0, drawnLength - text.length));
    write(drawnLength === 0 ? `${text}\n` : colored ? `\r${text}\x1b[K\n` : `\r${text}${blanks}\n`);
    drawnLength = 0;
    drawnAt = Number.NEGATIVE_INFINITY;
  };

  const stage = (name: Stage, done?: number) => {
    const now = performance.now();
    const begins = name !== drawnStage;
    drawnStage = name;
    if (live ? !begins && done !== 1 && now - drawnAt < PAUSE : !begins) return;
    // What follows a stage is drawn at once.
    drawnAt = done === 1 ? Number.NEGATIVE_INFINITY : now;
    if (!live) drawParts([`stage: ${name}`], 0);
    else drawParts(done === undefined ? [name] : [name, percentage(done)], done ?? 0);
  };

  const report = (progress: Progress) => {
    const now = performance.now();
    first ??= { at: now, step: progress.step };
    latest = progress;
    unseen = true;
    const percent = Math.floor(100 * fractionOf(progress));
    const due = live ? now - drawnAt >= PAUSE || percent === 100 : percent !== drawnPercent;
    if (!due) return;
    drawnAt = now;
    drawnPercent = percent;
    draw(progress, timeLeft(progress, first, now));
  };

  const finish = () => {
    if (first !== undefined && latest !== undefined) {
      if (live || unseen) draw(latest, `${duration(performance.now() - first.at)} in all`);
      if (live) write('\n');
    } else if (live && drawnLength > 0) write('\n');
    first = undefined;
    latest = undefined;
    drawnAt = Number.NEGATIVE_INFINITY;
    drawnPercent = -1;
    drawnLength = 0;
    drawnStage = undefined;
    listening = false;
    // An error of the last write arrives after it.
    setTimeout(() => {
      if (!listening) stream.off?.('error', close);
    });
  };

  return { live, line, stage, report, finish };
}

function defaultStream(): ProgressStream {
  const stream = globalThis.process?.stderr;
  if (typeof stream?.write === 'function') return stream;
  return { write: (text) => console.info(text.trimEnd()) };
}

function fractionOf({ step, steps }: Progress): number {
  return steps > 0 ? Math.min(1, Math.max(0, step / steps)) : 1;
}

function percentage(fraction: number): string {
  return `${Math.floor(100 * fraction)}%`.padStart(4);
}

/** The parts of the line, the most important first. */
function describe(progress: Progress, time: string): string[] {
  const parts = [percentage(fractionOf(progress)), `step ${progress.step}/${progress.steps}`];
  const { loss } = progress.losses;
  if (loss !== undefined) parts.push(`loss ${Number.isFinite(loss) ? loss.toPrecision(4) : loss}`);
  if (time !== '') parts.push(time);
  return parts;
}

/** Drops what does not fit, from the end; the bar takes what is left, up to 40 columns, if that is at least 8. */
function fit(parts: readonly string[], fraction: number, room: number): { bar: string; text: string } {
  let kept = parts.length;
  const join = () => parts.slice(0, kept).join('  ');
  while (kept > 1 && join().length > room) kept--;
  const text = join().slice(0, room);
  const width = Math.min(40, room - text.length - 1);
  if (width < 8) return { bar: '', text };
  const done = Math.round(width * fraction);
  return { bar: '━'.repeat(done) + '─'.repeat(width - done), text: ` ${text}` };
}

/** Done in cyan, the rest dim. */
function paint(bar: string): string {
  const done = bar.lastIndexOf('━') + 1;
  return `\x1b[36m${bar.slice(0, done)}\x1b[0m\x1b[2m${bar.slice(done)}\x1b[0m`;
}

/** From the speed since the first report, which excludes the time before training. */
function timeLeft({ step, steps }: Progress, first: { at: number; step: number }, now: number): string {
  const speed = (step - first.step) / (now - first.at);
  if (step >= steps || !(speed > 0) || !Number.isFinite(speed)) return '';
  return `${duration((steps - step) / speed)} left`;
}

/** `12 s`, `3 min 05 s`, `1 h 04 min`. */
function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}
