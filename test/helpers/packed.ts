/** The packed package as a project has it that installed it alone: packed once a run, for all test files together. */
import { cp, mkdir, mkdtemp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { run } from './child.js';
import { root } from './files.js';

/** npm as it was started with, or the one on the path. */
export async function npm(...args: string[]): Promise<string> {
  const { npm_execpath: cli, npm_config_local_prefix: _, ...env } = process.env;
  const [program, ...first] = cli?.endsWith('.js') ? [process.execPath, cli] : ['npm'];
  const shell = program === 'npm' && process.platform === 'win32';
  return (await run(program!, [...first, ...args], { cwd: root, env, shell })).stdout;
}

/** Where this run keeps things; `test/run.ts` makes it and removes it. */
const home =
  process.env.PARAMETRIC_UMAP_TEST_FOLDER ?? (await mkdtemp(path.join(tmpdir(), 'parametric-umap-')));

/** Makes `target` by `make` if no other test file has, or waits for the one that does. */
async function once(target: string, make: (fresh: string) => Promise<void>): Promise<string> {
  const fresh = `${target}.fresh`;
  const isFirst = await mkdir(`${target}.claimed`).then(
    () => true,
    () => false,
  );
  const there = () => readdir(target).then(...([() => true, () => false] as const));
  if (isFirst) {
    await mkdir(fresh);
    await make(fresh);
    await rename(fresh, target);
  } else {
    for (let tenths = 0; !(await there()); tenths++) {
      if (tenths === 3000) throw new Error(`${target} was not made by the test file that began with it`);
      await wait(100);
    }
  }
  return target;
}

/** The file that `npm pack` makes. */
export async function tarball(): Promise<string> {
  const folder = await once(path.join(home, 'tarball'), async (fresh) => {
    await npm('pack', '--silent', '--pack-destination', fresh);
  });
  return path.join(folder, (await readdir(folder))[0]!);
}

/**
 * A folder whose `node_modules` holds the package, unpacked, and what it depends on, copied from here: what `npm install`
 * would put there, but without asking a registry.
 */
export async function project(): Promise<string> {
  const file = await tarball();
  return once(path.join(home, 'project'), async (fresh) => {
    const modules = path.join(fresh, 'node_modules');
    await mkdir(modules);
    await run('tar', ['-xzf', file, '-C', fresh]);
    await rename(path.join(fresh, 'package'), path.join(modules, 'parametric-umap'));
    for (const name of await dependencies()) {
      const filter = (source: string) => !/\.map$|@tensorflow\/[\w-]+\/src(\/|$)/.test(source);
      await cp(path.join(root, name), path.join(fresh, name), { recursive: true, filter });
    }
    await writeFile(path.join(fresh, 'package.json'), '{ "private": true, "type": "module" }');
  });
}

/** Paths of all that an installation without development brings, as in the lock file. */
export async function dependencies(): Promise<string[]> {
  const { packages } = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8'));
  const kept = Object.entries<Record<string, unknown>>(packages).filter(
    ([name, { dev, peer, optional, devOptional }]) =>
      name !== '' && !(dev || peer || optional || devOptional),
  );
  return kept.map(([name]) => name);
}

/** A new folder inside the project, with these files. */
export async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  return write(await mkdtemp(path.join(await project(), 'program-')), files);
}

/** A new folder from which no `node_modules` can be seen. */
export async function folderAlone(files: Readonly<Record<string, string>> = {}): Promise<string> {
  return write(await mkdtemp(path.join(home, 'alone-')), files);
}

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  return folder;
}

/** Node.js on a program in a folder; what it prints, both streams. Whatever the tests are told to run on is not passed on. */
export async function node(folder: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const { PARAMETRIC_UMAP_BACKEND: _, NODE_OPTIONS: __, ...env } = process.env;
  return run(process.execPath, args, { cwd: folder, env });
}

/**
 * A program that places 96 rows of 8 and says how, for pages and servers: a module that exports `main`. A hash stands
 * for the map, which is the same with any number of threads.
 */
export const program = `
import { ParametricUMAP, tf } from 'parametric-umap';
export async function main(options = {}) {
  const rows = Array.from({ length: 96 }, (_, i) => Array.from({ length: 8 }, (_, j) => Math.sin(i * (j + 1) / 9) + i % 3));
  const umap = new ParametricUMAP({ nNeighbors: 8, nEpochs: 3, ...options });
  const map = await umap.fitTransform(rows);
  const saved = await umap.save('model').then(() => 'saved', ({ name, message }) => name + ': ' + message);
  let hash = 0;
  for (const char of JSON.stringify(map)) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return { rows: map.length, hash, backend: tf.getBackend(), saved, chained: tf.scalar(2).add(3).square().arraySync() };
}
`;
