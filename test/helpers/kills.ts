/** Kills processes that fit, at random moments, and looks at what they leave behind. */
import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readCheckpoint } from '../../src/artifact/checkpoint.js';
import { loadModel } from '../../src/artifact/model.js';
import type { Random } from '../../src/core/types.js';
import { checkpointName } from '../../src/fit/checkpoints.js';
import { withDirectory } from './files.js';

/** What a process that may be killed is to do; see `killProgram.ts`. */
export interface KillTask {
  /** The title of a subject. */
  readonly title: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly everySteps: number;
  /** Holds all that it writes. */
  readonly directory: string;
}

/** What came of the kills. */
export interface KillCount {
  kills: number;
  /** Fits that came to their end after at least one kill, and those of them with the bits of an uninterrupted one. */
  ended: number;
  equal: number;
  /** Models and checkpoints that could not be read after a kill. */
  unreadable: number;
  /** Kills after which there was a checkpoint, and an unfinished file beside it. */
  withCheckpoint: number;
  whileWriting: number;
}

/** Names of what a task writes into its directory. */
export const places = { checkpoint: 'checkpoint', first: 'first', second: 'second', map: 'map.bin' };

const program = fileURLToPath(new URL('./killProgram.js', import.meta.url));

/** Runs a task until it ends, or until it is killed `killAfter` milliseconds after it began to fit. Returns how long that took. */
async function runTask(task: KillTask, killAfter?: number): Promise<{ killed: boolean; time: number }> {
  const child = spawn(process.execPath, [program, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  child.stderr.on('data', (text) => {
    printed += String(text);
  });
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal })),
  );
  await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended]);
  const from = performance.now();
  if (killAfter !== undefined) {
    await Promise.race([sleep(killAfter), ended]);
    child.kill('SIGKILL');
  }
  const { code, signal } = await ended;
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`${task.title}: ended with ${code}: ${printed}`);
  return { killed: signal === 'SIGKILL', time: performance.now() - from };
}

/** Kills fits `kills` times, and compares the maps of those that end with that of one that nobody disturbs. */
export async function killAtRandom(
  task: Omit<KillTask, 'directory'>,
  kills: number,
  random: Random,
): Promise<KillCount> {
  const count: KillCount = {
    kills: 0,
    ended: 0,
    equal: 0,
    unreadable: 0,
    withCheckpoint: 0,
    whileWriting: 0,
  };
  const { expected, time } = await withDirectory(async (directory) => {
    const { time } = await runTask({ ...task, directory });
    return { expected: await readFile(path.join(directory, places.map)), time };
  });
  while (count.kills < kills) {
    await withDirectory(async (directory) => {
      for (let mine = 0; ; ) {
        const spared = count.kills >= kills || mine >= 4;
        const { killed } = await runTask(
          { ...task, directory },
          spared ? undefined : random.next() * time * 0.7,
        );
        if (!killed) {
          if (mine === 0) return;
          count.ended++;
          if (expected.equals(await readFile(path.join(directory, places.map)))) count.equal++;
          return;
        }
        mine++;
        count.kills++;
        await inspect(directory, count);
      }
    });
  }
  return count;
}

/** Reads all that a killed process has left. */
async function inspect(directory: string, count: KillCount): Promise<void> {
  const list = (folder: string): Promise<string[]> => readdir(path.join(directory, folder)).catch(() => []);
  const there = await list('.');
  for (const name of [places.first, places.second]) {
    // A model that was just moved aside is one too.
    if (
      !there.includes(name) &&
      !there.some((other) => other.startsWith(`.${name}.`) && other.endsWith('.old'))
    ) {
      continue;
    }
    await loadModel(path.join(directory, name)).catch(() => count.unreadable++);
  }
  const files = await list(places.checkpoint);
  if (files.some((name) => name.endsWith('.new'))) count.whileWriting++;
  if (!files.includes(checkpointName)) return;
  count.withCheckpoint++;
  const file = path.join(directory, places.checkpoint, checkpointName);
  await readCheckpoint(await readFile(file), file).catch(() => count.unreadable++);
}
