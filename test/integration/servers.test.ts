/** The packed package in servers, under Node.js' permission model, and in a test runner that has a realm of its own. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../helpers/files.js';
import { folderWith, node, program } from '../helpers/packed.js';

test('a server with its own error listener keeps running after a fit', async () => {
  const folder = await folderWith({
    'program.js': program,
    'server.js': `
      import { main } from './program.js';
      process.on('unhandledRejection', (error) => console.log('caught', error.message));
      process.on('uncaughtException', (error) => console.log('caught', error.message));
      await main({ nEpochs: 1 });
      Promise.reject(new Error('a rejection'));
      setTimeout(() => { throw new Error('an exception'); }, 10);
      setTimeout(() => console.log('still there'), 50);`,
  });
  const { stdout, stderr } = await node(folder, 'server.js');
  assert.deepEqual([stdout, stderr], ['caught a rejection\ncaught an exception\nstill there\n', '']);
});

test('where no worker thread may start, a fit takes one thread and gives the same map', async () => {
  // So many numbers that the search for neighbors asks for threads.
  const folder = await folderWith({
    'fit.js': `
      import { createHash } from 'node:crypto';
      import { ParametricUMAP } from 'parametric-umap';
      let state = 1;
      const draw = () => (state = (state * 48271) % 2147483647) / 2147483647;
      const data = Float32Array.from({ length: 1000 * 512 }, draw);
      const umap = new ParametricUMAP({ nEpochs: 1, nNeighbors: 5 });
      const map = await umap.fitTransform({ data, shape: [1000, 512] });
      console.log(createHash('sha256').update(map.data).digest('hex'));`,
  });
  const flag = await node(folder, '--permission', '--allow-fs-read=*', '-e', '0').then(
    () => '--permission',
    () => '--experimental-permission',
  );
  const free = await node(folder, 'fit.js');
  const held = await node(folder, flag, '--allow-fs-read=*', '--no-warnings', 'fit.js');
  assert.deepEqual(held, free);
  assert.match(free.stdout, /^[0-9a-f]{64}\n$/);
});

test('Vitest with vmThreads saves and loads', async () => {
  const folder = await folderWith({
    'life.test.js': `
      import { ParametricUMAP } from 'parametric-umap';
      test('life', async () => {
        const rows = Array.from({ length: 60 }, (_, i) => [Math.sin(i), Math.cos(i), i % 3]);
        const umap = new ParametricUMAP({ nEpochs: 1, nNeighbors: 5 });
        const map = await umap.fitTransform(rows);
        await umap.save('model');
        const again = await ParametricUMAP.load('model');
        expect(await again.transform(rows)).toEqual(map);
      }, 120_000);`,
  });
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
  const words = ['run', '--root', folder, '--pool', 'vmThreads', '--globals', '--no-color'];
  const { stdout, stderr } = await node(folder, vitest, ...words).catch((error) => error);
  assert.match(stdout, /Tests {2}1 passed/, stderr);
});
