/** What the real TensorBoard reads, where Python has it; `PYTHON` names another interpreter. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { useBackend } from '../../src/backend/choose.js';
import { ParametricUMAP, type Progress } from '../../src/index.js';
import { tensorboard } from '../../src/node.js';
import { near } from '../helpers/assert.js';
import { run } from '../helpers/child.js';
import { groups } from '../helpers/data.js';
import { root, withDirectory } from '../helpers/files.js';
import { readEvents } from '../helpers/tfevents.js';
import { quick } from '../subjects/parametricUmap.js';

const python = process.env.PYTHON ?? 'python3';
const importing = run(python, ['-c', 'import tensorboard.backend.event_processing.event_accumulator']);
const skip = await importing.then(
  () => false,
  () => `${python} cannot import tensorboard`,
);

test('TensorBoard reads curves, histograms and the embedding', { skip }, async () => {
  await useBackend();
  await withDirectory(async (directory) => {
    const rows = groups();
    const labels = { name: rows.map((_, i) => `row "${i}"`), group: rows.map((_, i) => i % 3) };
    const callbacks = [tensorboard(directory, { labels, histogramEvery: 1 })];
    const umap = new ParametricUMAP({ ...quick, parametricReconstruction: true, callbacks });
    const reports: Progress[] = [];
    for await (const report of umap.steps(rows)) reports.push(report);
    umap.dispose();
    const program = path.join(root, 'test/tensorboard/readLog.py');
    const { stdout } = await run(python, [program, directory]);
    const read = JSON.parse(stdout);
    for (const name of Object.keys(reports[0]!.losses)) {
      const curve: [step: number, value: number, seconds: number][] = read.scalars[`loss/${name}`];
      assert.deepEqual(
        curve.map(([step]) => step),
        reports.map(({ step }) => step),
      );
      for (const [i, [, value, seconds]] of curve.entries()) {
        near(value, reports[i]!.losses[name]!, 1e-6);
        assert.ok(Math.abs(seconds - Date.now() / 1000) < 3600);
      }
    }
    const [log] = readdirSync(directory).filter((name) => name.includes('tfevents'));
    const ours = readEvents(readFileSync(path.join(directory, log!))).filter(
      ({ histograms }) => Object.keys(histograms).length > 0,
    );
    const tags = Object.keys(ours[0]!.histograms);
    assert.ok(tags.includes('encoder/dense0/kernel') && tags.includes('decoder/dense3/bias'), tags.join());
    for (const tag of tags) {
      const theirs: { step: number; num: number; sum: number }[] = read.histograms[tag];
      assert.equal(theirs.length, reports.length);
      for (const [i, { step, num, sum }] of theirs.entries()) {
        const histogram = ours[i]!.histograms[tag]!;
        assert.deepEqual([step, num], [ours[i]!.step, histogram.num]);
        near(sum, histogram.sum, 1e-5);
      }
    }
    assert.deepEqual(read.plugins.histograms, tags.toSorted());
    assert.ok(read.plugins.scalars.includes('loss/umap') && read.plugins.scalars.includes('learning_rate'));
    const [{ tensor, metadata }, ...others] = read.embeddings;
    assert.deepEqual(others, []);
    const lines = (name: string) => readFileSync(path.join(directory, name), 'utf8').trimEnd().split('\n');
    assert.equal(lines(tensor).length, rows.length);
    assert.deepEqual(lines(metadata).slice(0, 2), ['row\tname\tgroup', '0\trow "0"\t0']);
  });
});
