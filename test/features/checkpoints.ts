/** A fit that was interrupted goes on from its checkpoint, and ends with the same bits. */
import assert from 'node:assert/strict';
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../src/core/random.js';
import { checkpointName } from '../../src/fit/checkpoints.js';
import { ArtifactError, DataError, earlyStopping, embeddingLog, OptionError } from '../../src/index.js';
import { embeddingOf, fitted, quickly, type Subject, titleOf } from '../checks/subject.js';
import { saying } from '../helpers/assert.js';
import { logged, warned } from '../helpers/child.js';
import { groups } from '../helpers/data.js';
import { withDirectory } from '../helpers/files.js';
import { feature } from './feature.js';

const { test, check } = feature('callbacks');

const rows = groups();
const resume = { resume: true };

/** Aborts a fit after a number of batches, or of reports where there are no batches. */
function abortAfter(subject: Subject, count: number) {
  const control = new AbortController();
  let left = count;
  const tick = async () => {
    if (--left === 0) control.abort(new Error('enough'));
  };
  const callback = subject.traits.batches ? { onBatchEnd: tick } : { onEpochEnd: tick };
  return { callback, inputs: { signal: control.signal } };
}

/** Batches of the quick fit, or reports. */
async function lengthOf(subject: Subject): Promise<number> {
  const { callback } = abortAfter(subject, 0);
  let count = 0;
  const [[moment]] = Object.entries(callback) as [[string, unknown]];
  const counting = { [moment]: async () => void count++ };
  (await fitted(subject, { callbacks: [counting] })).dispose();
  return count;
}

test('a fit that is aborted at any step resumes, and ends with the same bits', async (subject) => {
  const before = tf.memory().numTensors;
  const stopping = () => earlyStopping({ patience: 50, restoreBestWeights: true });
  const whole = await fitted(subject, { callbacks: [stopping()] });
  const expected = await embeddingOf(whole, rows);
  const length = await lengthOf(subject);
  const random = createRandom(titleOf(subject));
  for (const everySteps of [1000, 3]) {
    await withDirectory(async (directory) => {
      const checkpoint = { path: directory, everySteps };
      await writeFile(path.join(directory, 'notes.txt'), 'mine');
      for (let interruptions = 0; interruptions < 2; interruptions++) {
        const { callback, inputs } = abortAfter(
          subject,
          1 + random.integer(Math.max(1, Math.floor(length / 3))),
        );
        const callbacks = [stopping(), callback];
        const estimator = quickly(subject, { callbacks, checkpoint });
        await assert.rejects(estimator.fit(rows, null, { ...inputs, ...resume }), saying(Error, /enough/));
        estimator.dispose();
      }
      const again = { callbacks: [stopping()], checkpoint };
      const resumed = quickly(subject, again);
      await resumed.fit(rows, null, resume);
      assert.deepEqual(await embeddingOf(resumed, rows), expected);
      assert.deepEqual(structuredClone(resumed.history), structuredClone(whole.history));
      resumed.dispose();
      // A finished fit is taken as it is.
      const finished = quickly(subject, again);
      for await (const report of finished.steps(rows, null, resume)) assert.fail(`report ${report.epoch}`);
      assert.deepEqual(await embeddingOf(finished, rows), expected);
      assert.deepEqual(structuredClone(finished.history), structuredClone(whole.history));
      // And a later fit goes on from it as from the uninterrupted one.
      const here = await fitted(subject, { callbacks: [stopping()] });
      for (const each of [finished, here]) await each.fit(rows);
      assert.deepEqual(await embeddingOf(finished, rows), await embeddingOf(here, rows));
      for (const each of [finished, here]) each.dispose();
      assert.deepEqual((await readdir(directory)).sort(), ['notes.txt', checkpointName]);
    });
  }
  whole.dispose();
  assert.equal(tf.memory().numTensors, before);
});

test('a fit that is left early can go on, in a second fit of a saved model too', async (subject) => {
  await withDirectory(async (directory) => {
    const model = path.join(directory, 'model');
    const checkpoint = { path: path.join(directory, 'made', 'for it') };
    const first = quickly(subject, { checkpoint });
    await first.fit(rows);
    await first.save(model);
    await first.fit(rows);
    const expected = await embeddingOf(first, rows);
    const { length } = first.history.loss!;
    first.dispose();
    await rm(checkpoint.path, { recursive: true });
    const load = async () => {
      const loaded = await subject.load(model);
      const artifact = await loaded.toArtifact();
      assert.equal('checkpoint' in artifact.options, false);
      loaded.dispose();
      return subject.fromArtifact(artifact as never, { checkpoint });
    };
    const left = await load();
    for await (const { epoch } of left.steps(rows, null, resume)) if (epoch === 1) break;
    left.dispose();
    const resumed = await load();
    let reports = 0;
    for await (const _ of resumed.steps(rows, null, resume)) reports++;
    assert.equal(reports, length / 2 - 2);
    assert.deepEqual(await embeddingOf(resumed, rows), expected);
    assert.equal(resumed.history.loss!.length, length);
    resumed.dispose();
  });
});

test('a file in place of the directory is named', async (subject) => {
  await withDirectory(async (directory) => {
    const file = path.join(directory, 'file');
    await writeFile(file, 'mine');
    const one = quickly(subject, { checkpoint: { path: file } });
    await assert.rejects(
      one.fit(rows, null, resume),
      saying(ArtifactError, 'expected a directory', 'got a file'),
    );
    one.dispose();
  });
});

test('another width of the embedding than that of the saved model is refused', async (subject) => {
  const one = await fitted(subject, {});
  const artifact = (await one.toArtifact()) as never;
  const { dimensions } = subject.names;
  await assert.rejects(
    subject.fromArtifact(artifact, { [dimensions]: 3 }),
    saying(OptionError, `load: ${dimensions}: expected 2`, 'got 3'),
  );
  one.dispose();
});

test('a log of embeddings has the records made before the interruption', ['needsGraph'], async (subject) => {
  await withDirectory(async (directory) => {
    const [whole, first, second] = [embeddingLog(), embeddingLog(), embeddingLog()];
    (await fitted(subject, { callbacks: [whole] })).dispose();
    const checkpoint = { path: directory };
    const left = quickly(subject, { checkpoint, callbacks: [first] });
    for await (const { epoch } of left.steps(rows)) if (epoch === 1) break;
    left.dispose();
    const resumed = quickly(subject, { checkpoint, callbacks: [second] });
    await resumed.fit(rows, null, resume);
    assert.deepEqual(second.records, whole.records);
    resumed.dispose();
  });
});

test('the checkpoint of another fit is refused, with what differs', async (subject) => {
  const before = tf.memory().numTensors;
  await withDirectory(async (directory) => {
    const options = { checkpoint: { path: directory } };
    const made = await fitted(subject, options);
    const refused = async (
      kind: new (message?: string) => Error,
      text: RegExp,
      more: object = {},
      X = rows,
      inputs: object = {},
    ) => {
      const estimator = quickly(subject, { ...options, ...more });
      await assert.rejects(estimator.fit(X, null, { ...resume, ...inputs }), saying(kind, text));
      estimator.dispose();
    };
    const { seed, learningRate } = subject.names;
    await refused(OptionError, /option seed \(42 in the checkpoint, 7 now\)/, { [seed]: 7 });
    if (subject.traits.batches) {
      await refused(OptionError, /option learningRate \(.* in the checkpoint, a function now\)/, {
        [learningRate]: () => 0.1,
      });
    }
    await refused(DataError, /another rows \(/, {}, groups(60, 6, 'others'));
    await refused(OptionError, /expected the option checkpoint/, { checkpoint: null });
    // One fit further than the first one, which is part of what goes on.
    const text = await logged(async () => {
      const verbose = quickly(subject, { ...options, verbose: true });
      await verbose.fit(rows);
      await verbose.fit(rows, null, resume);
      await assert.rejects(made.fit(rows.slice(1), null, resume), DataError);
      verbose.dispose();
    });
    assert.match(text, /of fit 1, which is done; fit 2 begins from the start/);
    await refused(OptionError, /another fit \(2 in the checkpoint, 1 now\)/);
    made.dispose();
  });
  assert.equal(tf.memory().numTensors, before);
});

test('a checkpoint that is damaged, cut or of another version is named', async (subject) => {
  await withDirectory(async (directory) => {
    const options = { checkpoint: { path: directory } };
    (await fitted(subject, options)).dispose();
    const file = path.join(directory, checkpointName);
    const bytes = await readFile(file);
    const changed = Buffer.from(bytes);
    changed[bytes.length - 100]! ^= 1;
    const other = Buffer.from(
      bytes.toString('latin1').replace('"formatVersion":1', '"formatVersion":9'),
      'latin1',
    );
    for (const [content, text] of [
      [changed, /SHA-256/],
      [bytes.subarray(0, bytes.length >> 1), /expected/],
      [other, /expected format 1, which parametric-umap \S+ reads, got 9, written by/],
      [Buffer.from('my own file'), /expected a checkpoint or nothing, got another file/],
    ] as const) {
      await writeFile(file, content);
      const estimator = quickly(subject, options);
      await assert.rejects(estimator.fit(rows, null, resume), saying(ArtifactError, text));
      assert.deepEqual(await readFile(file), Buffer.from(content));
      estimator.dispose();
    }
  });
});

test('where it cannot be written, training goes on, says so once, and tries again', async (subject) => {
  await withDirectory(async (directory) => {
    const blocked = path.join(directory, 'blocked');
    await writeFile(blocked, '');
    const expected = await fitted(subject);
    const frees = {
      onEpochEnd: async (epoch: number) => {
        if (epoch === 1) await rm(blocked).then(() => mkdir(blocked));
      },
    };
    const estimator = quickly(subject, { checkpoint: { path: blocked, everySteps: 1 }, callbacks: [frees] });
    const lines = await warned(async () => {
      await estimator.fit(rows);
      assert.deepEqual(await embeddingOf(estimator, rows), await embeddingOf(expected, rows));
    });
    estimator.dispose();
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^parametric-umap: checkpoint: \S+ was not written: .*; the training goes on.*$/);
    assert.deepEqual(await readdir(blocked), [checkpointName]);
    expected.dispose();
  });
});

test('a disk that is full in the middle of writing leaves the earlier checkpoint, which can be gone on from', async (subject) => {
  await withDirectory(async (directory) => {
    const checkpoint = { path: directory, everySteps: 1 };
    const file = path.join(directory, checkpointName);
    const expected = await fitted(subject);
    const control = new AbortController();
    let earlier: Buffer | undefined;
    const disk = await fillingDisk(directory);
    const fills = {
      onEpochEnd: async (epoch: number) => {
        if (epoch === 0) {
          earlier = await readFile(file);
          disk.fill();
        } else if (disk.refused() > 1) control.abort(new Error('enough'));
      },
    };
    const estimator = quickly(subject, { checkpoint, callbacks: [fills] });
    const lines = await warned(async () => {
      try {
        await assert.rejects(estimator.fit(rows, null, { signal: control.signal }), saying(Error, /enough/));
      } finally {
        disk.free();
      }
    });
    assert.equal(lines.length, 1);
    assert.match(
      lines[0]!,
      /^parametric-umap: checkpoint: \S+ was not written: ENOSPC.*an earlier checkpoint stays$/,
    );
    assert.deepEqual(await readdir(directory), [checkpointName]);
    assert.deepEqual(await readFile(file), earlier);
    const resumed = quickly(subject, { checkpoint });
    await resumed.fit(rows, null, resume);
    assert.deepEqual(await embeddingOf(resumed, rows), await embeddingOf(expected, rows));
    for (const one of [estimator, resumed, expected]) one.dispose();
  });
});

/** Lets every file be written half and then refuses, as a disk that is full does, from `fill` to `free`. */
async function fillingDisk(directory: string) {
  const probe = await open(directory);
  const prototype = Object.getPrototypeOf(probe) as typeof probe;
  await probe.close();
  const { writeFile: write } = prototype;
  let refused = 0;
  return {
    fill() {
      prototype.writeFile = async function (bytes) {
        refused++;
        const half = (bytes as Uint8Array).subarray(0, (bytes as Uint8Array).length >> 1);
        await write.call(this, half);
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      };
    },
    free() {
      prototype.writeFile = write;
    },
    refused: () => refused,
  };
}

test('without a checkpoint there, a fit begins from the start and says so', async (subject) => {
  await withDirectory(async (directory) => {
    const estimator = quickly(subject, {
      verbose: true,
      checkpoint: { path: new URL(`file://${directory}/new`) },
    });
    const text = await logged(() => estimator.fit(rows, null, resume));
    assert.match(text, /resume: no checkpoint at \S+, the fit begins from the start/);
    assert.deepEqual(await readdir(path.join(directory, 'new')), [checkpointName]);
    estimator.dispose();
  });
});

export { check as checkCheckpoints };
