import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { OptionError } from '../../src/core/errors.js';
import { type TensorBoardOptions, tensorboard } from '../../src/node.js';
import { metadataTsv, positionsTsv, projectorEntry } from '../../src/tensorboard/projector.js';
import { saying } from '../helpers/assert.js';

test('a wrong directory, option or list of labels is refused at once', () => {
  for (const directory of ['', 3, null, undefined, {}, 'https://example.org/log']) {
    assert.throws(
      () => tensorboard(directory as string),
      saying(OptionError, 'tensorboard: directory: expected a path or a file: URL, got'),
    );
  }
  const wrong: Record<string, unknown>[] = [
    ...[{ histogramEvery: 0 }, { embeddingRows: 1 }, { labels: 'abc' }, { every: 2 }],
    ...[{ labels: { digit: 'abc' } }, { labels: { digit: null } }],
  ];
  for (const options of wrong) {
    const [name] = Object.keys(options);
    assert.throws(
      () => tensorboard('log', options as TensorBoardOptions),
      saying(OptionError, 'tensorboard', name!),
    );
  }
  for (const directory of ['log', 'C:\\log', pathToFileURL('/log'), 'file:///log']) tensorboard(directory);
});

test('the projector’s files hold one line per row', () => {
  assert.equal(
    positionsTsv({ data: Float32Array.of(1, 2.5, -3, 0.25), shape: [2, 2] }),
    '1\t2.5\n-3\t0.25\n',
  );
  const rows = Int32Array.of(0, 2);
  assert.equal(metadataTsv(rows, {}), '0\n2\n', 'a single column has no name above it');
  const columns = { 'a\tb': ['x', 'y', 'z\r\nw'], n: Float32Array.of(1, 2, 3) };
  assert.equal(metadataTsv(rows, columns), 'row\ta b\tn\n0\tx\t1\n2\tz w\t3\n');
  assert.match(projectorEntry('e 1', 'e.tsv', 'm.tsv'), /^\nembeddings \{\n {2}tensor_name: "e 1"\n/);
});
