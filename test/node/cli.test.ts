/** The command line, as a shell calls it. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { load } from '../../src/estimators/load.js';
import { estimatorRows, kebab } from '../../src/node/cli/flags.js';
import { run } from '../helpers/child.js';
import { onnxSession } from '../helpers/onnxRuntime.js';

const bin = fileURLToPath(new URL('../../src/node/cli/bin.js', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'parametric-umap-cli-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What a call of the command printed, and its exit code. */
async function call(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    return { code: 0, ...(await run(process.execPath, [bin, ...args], { cwd: folder })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

const file = (name: string) => readFileSync(path.join(folder, name), 'utf8');
const lines = (text: string) => text.trimEnd().split('\n');
const names = ['Adelie', 'Chinstrap', 'Gentoo, big'];
const islands = ['Biscoe', 'Dream'];

/** Three groups of rows far apart, with columns of very different scales. */
function species(rows: number): string {
  const text = Array.from({ length: rows }, (_, i) => {
    const group = i % 3;
    const small = ((i * 37) % 101) / 101;
    const big = ((i * 53) % 97) / 97;
    const name = group === 2 ? `"${names[2]}"` : names[group];
    const id = String(i).padStart(3, '0');
    return `${id},${40 + 5 * group + small},${3700 + 500 * group + 100 * big},${islands[i % 2]},${name}`;
  });
  return `id,bill,mass,island,species\n${text.join('\n')}\n`;
}

const short = ['--label', 'species', '--id', 'id', '--n-epochs', '5', '--n-neighbors', '8', '--quiet'];

before(async () => {
  writeFileSync(path.join(folder, 'species.csv'), species(120));
  const { code, stderr } = await call(
    ...['fit', 'species.csv', ...short, '--encode', 'onehot', '--classifier', '--parametric-reconstruction'],
    ...['--out', 'model', '--embedding', 'map.csv', '--plot', 'map.html'],
  );
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
});

test('a fit writes a model, the map with ids and labels, and a picture', async () => {
  const [header, first] = lines(file('map.csv'));
  assert.equal(header, 'id,x,y,species');
  assert.match(first!, /^000,-?[\d.]+,-?[\d.]+,Adelie$/);
  assert.equal(lines(file('map.csv')).length, 121);
  assert.match(file('map.csv'), /^002,.*,"Gentoo, big"$/m);
  assert.match(file('map.html'), /<canvas/);
  const model = await load(path.join(folder, 'model'));
  assert.deepEqual(model.encoder.inputs[0]!.shape, [null, 4]);
  model.dispose();
});

test('transform places the same rows at the same places, from a file and from the standard input', async () => {
  assert.equal((await call('transform', 'model', 'species.csv', '--out', 'again.csv', '--quiet')).code, 0);
  assert.equal(file('again.csv'), file('map.csv'));
  const shell = `"${process.execPath}" "${bin}" transform model - --out - --quiet < species.csv`;
  const { stdout } = await run('sh', ['-c', shell], { cwd: folder });
  assert.equal(stdout, file('map.csv'));
});

test('predict, inverse and evaluate', async () => {
  const { stdout } = await call('predict', 'model', 'species.csv', '--out', '-', '--proba', '--quiet');
  const [header, ...rows] = lines(stdout);
  assert.equal(header, 'id,species,predicted,p_Adelie,p_Chinstrap,"p_Gentoo, big"');
  const right = rows.filter((row) => /^\d+,(Adelie|Chinstrap|"Gentoo, big"),\1,/.test(row)).length;
  assert.ok(right > 100, `${right} of 120 predicted`);

  assert.equal((await call('inverse', 'model', 'map.csv', '--out', 'back.csv', '--quiet')).code, 0);
  const back = lines(file('back.csv'));
  assert.equal(back[0], 'bill,mass,island');
  assert.equal(back.length, 121);
  // In the units of the file, and with its texts.
  for (const row of back.slice(1)) assert.match(row, /^(3|4|5)\d\.\d+,[345]\d\d\d(\.\d+)?,(Biscoe|Dream)$/);

  const evaluated = await call('evaluate', 'model', 'species.csv', '--json');
  const scores = JSON.parse(evaluated.stdout);
  assert.equal(scores.rows, 120);
  assert.ok(scores.knnAccuracy > 0.9 && scores.trustworthiness > 0.8, evaluated.stdout);
});

test('a variational autoencoder is chosen by --estimator or --config, and draws rows', async () => {
  const config = { estimator: 'vae', numSteps: 40, cellsEncoder: [8], exclude: ['island', 'id', 'species'] };
  writeFileSync(path.join(folder, 'vae.json'), JSON.stringify(config));
  const { code, stderr } = await call(
    'fit',
    'species.csv',
    '--config',
    'vae.json',
    '--out',
    'vae',
    '--quiet',
  );
  assert.equal(code, 0, stderr);
  const { stdout } = await call('sample', 'vae', '--count', '7', '--out', '-', '--quiet');
  assert.equal(lines(stdout)[0], 'bill,mass');
  assert.equal(lines(stdout).length, 8);
  const inspected = JSON.parse((await call('inspect', 'vae', '--json')).stdout);
  assert.equal(inspected.estimator, 'CompressionVAE');
  assert.deepEqual(inspected.options, { cellsEncoder: [8], numSteps: 40 });
});

test('a training that is resumed ends with the same weights', async () => {
  const fit = ['fit', 'species.csv', ...short, '--exclude', 'island', '--checkpoint', 'checkpoint'];
  assert.equal((await call(...fit, '--out', 'first')).code, 0);
  assert.equal((await call(...fit, '--out', 'second', '--resume')).code, 0);
  assert.equal(file('second/encoder/weights.bin'), file('first/encoder/weights.bin'));
});

test('Parquet and queries, by DuckDB', async () => {
  const { code, stderr } = await call('transform', 'model', 'species.csv', '--out', 'map.parquet', '--quiet');
  assert.equal(code, 0, stderr);
  const query = "SELECT * FROM 'map.parquet' WHERE species <> 'Adelie'";
  assert.equal((await call('transform', 'model', query, '--out', 'some.jsonl', '--quiet')).code, 0);
  const some = lines(file('some.jsonl')).map((line) => JSON.parse(line));
  assert.equal(some.length, 80);
  const [, , second] = lines(file('map.csv'));
  // Ids were read as numbers in Parquet.
  assert.equal(`00${some[0].id},${some[0].x},${some[0].y},${some[0].species}`, second);
});

test('every option of an estimator that can be typed is a flag', async () => {
  for (const [estimator, rows] of Object.entries(estimatorRows)) {
    const listed: { flag: string }[] = JSON.parse((await call('options', estimator, '--json')).stdout);
    const flags = new Set(listed.map(({ flag }) => flag.split(' ')[0]!.replace('--no-', '--')));
    const lacking = Object.entries(rows)
      .filter(([name, { rule }]) => rule.kind !== 'function' && !flags.has(`--${kebab(name)}`))
      .map(([name]) => name);
    const byOthers = [
      'backend',
      'callbacks',
      'checkpoint',
      'decoder',
      'encoder',
      'reconstructionValidation',
      'verbose',
    ];
    assert.deepEqual(
      lacking.filter((name) => !byOthers.includes(name)),
      [],
    );
  }
});

test('wrong command lines end with code 2, a message of at most three lines, and nothing written', async () => {
  writeFileSync(path.join(folder, 'ragged.csv'), `${species(30)}1,2,3\n`);
  writeFileSync(path.join(folder, 'holes.csv'), 'a,b\n1,2\n,4\n5,6\n');
  writeFileSync(path.join(folder, 'other.csv'), 'id,bill,island\n1,2,Dream\n');
  writeFileSync(path.join(folder, 'unknown.csv'), 'id,bill,mass,island\n1,40,3700,Atlantis\n');
  writeFileSync(path.join(folder, 'broken.json'), '{');
  writeFileSync(path.join(folder, 'config.json'), '{"nNeighbours": 5}');
  const fit = ['fit', 'species.csv', '--out', 'none'];
  const wrong: readonly (readonly [RegExp, ...string[]])[] = [
    [/unknown command 'frobnicate'/, 'frobnicate'],
    [/missing required argument 'source'/, 'fit'],
    [/expected --out, --embedding or --plot/, 'fit', 'species.csv'],
    [/nothing\.csv: expected a file/, 'fit', 'nothing.csv', '--out', 'none'],
    [/got text in island, species; leave it out \(--exclude island,species\)/, ...fit],
    [/columns are id, bill, mass, island, species/, ...fit, '--label', 'nope'],
    [/expected 5 fields in line 32/, 'fit', 'ragged.csv', '--exclude', 'island,species', '--out', 'none'],
    [/expected a value in line 3, column a, got a missing value/, 'fit', 'holes.csv', '--out', 'none'],
    [/unknown option '--outt'[\s\S]*--out/, 'fit', 'species.csv', '--outt', 'none'],
    [/'--encode <how>' argument 'hash' is invalid/, ...fit, '--encode', 'hash'],
    [/expected JSON|expected a JSON file/, ...fit, '--config', 'broken.json'],
    [/unknown flag 'nNeighbours'; did you mean 'nNeighbors'/, ...fit, '--config', 'config.json'],
    [/--resume: expected --checkpoint/, ...fit, '--resume'],
    [/ends in \.html or \.svg/, 'fit', 'species.csv', '--plot', 'map.gif'],
    [/ends in \.csv/, 'transform', 'model', 'species.csv', '--out', 'none.xlsx'],
    [/expected a saved model, got nothing/, 'transform', 'missing', 'species.csv', '--out', 'none.csv'],
    [/expected a column mass/, 'transform', 'model', 'other.csv', '--out', 'none.csv'],
    [
      /got 'Atlantis', which the model does not know/,
      'transform',
      'model',
      'unknown.csv',
      '--out',
      'none.csv',
    ],
    [/expected a model of --estimator vae/, 'sample', 'model', '--out', 'none.csv'],
    [/expected columns x, y/, 'inverse', 'model', 'species.csv', '--out', 'none.csv'],
    [/DuckDB/, 'fit', "SELECT * FROM 'nothing.parquet'", '--out', 'none'],
  ];
  const rules = Object.entries(estimatorRows.umap!).filter(
    ([name, { rule }]) => ['integer', 'number', 'choice'].includes(rule.kind) && name !== 'verbose',
  );
  const before = readdirSync(folder).sort();
  const check = async ([message, ...args]: readonly [RegExp, ...string[]]) => {
    const { code, stdout, stderr } = await call(...args);
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, message);
    assert.ok(lines(stderr).length <= 3, stderr);
    assert.doesNotMatch(stderr, /^\s+at /m);
    assert.equal(stdout, '');
  };
  for (const each of wrong) await check(each);
  for (const [name] of rules.slice(0, 6)) {
    await check([new RegExp(`--${kebab(name)}`), ...fit, `--${kebab(name)}`, 'wrong']);
  }
  assert.deepEqual(readdirSync(folder).sort(), before);
  assert.ok(!existsSync(path.join(folder, 'none')));
});

test('completion scripts name commands and flags', async () => {
  const bash = (await call('completion', 'bash')).stdout;
  assert.match(bash, /compgen -W "fit transform inverse sample predict/);
  assert.match(bash, /fit\) flags=".*--n-neighbors/);
  await run('bash', ['-n', '-c', bash]);
});

test('an exported encoder gives the map for the numbers of the columns, unscaled', async () => {
  const { code, stdout } = await call('export', 'model', '--onnx', 'encoder.onnx', '--json');
  assert.equal(code, 0);
  const { columns, scaling, bytes } = JSON.parse(stdout) as {
    columns: string[];
    scaling: boolean;
    bytes: number;
  };
  assert.deepEqual(columns, ['bill', 'mass', 'island=Biscoe', 'island=Dream']);
  assert.equal(scaling, true);
  const model = readFileSync(path.join(folder, 'encoder.onnx'));
  assert.equal(model.length, bytes);
  const session = await onnxSession(model);
  const rows = lines(file('species.csv'))
    .slice(1, 13)
    .map((line) => line.split(','));
  const numbers = rows.flatMap((row) => [
    Number(row[1]),
    Number(row[2]),
    ...islands.map((island) => (row[3] === island ? 1 : 0)),
  ]);
  const { data } = await session.run(Float64Array.from(numbers), [rows.length, 4]);
  const map = lines(file('map.csv')).slice(1, 13);
  for (const [i, line] of map.entries()) {
    const [, x, y] = line.split(',').map(Number);
    assert.ok(Math.abs(data[2 * i]! - x!) < 1e-4 && Math.abs(data[2 * i + 1]! - y!) < 1e-4);
  }
  await session.close();
});

test('an export that cannot be is refused in one line', async () => {
  for (const [args, message] of [
    [['export', 'model', '--onnx', 'encoder.bin'], /expected a name that ends in \.onnx/],
    [['export', 'model'], /--onnx/],
    [['export', 'nowhere', '--onnx', 'a.onnx'], /nowhere/],
    [
      ['export', 'model', '--onnx', 'a.onnx', '--part', 'head'],
      /Allowed choices are encoder, decoder, classifier/,
    ],
  ] as const) {
    const { code, stderr } = await call(...args);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
  assert.ok(!existsSync(path.join(folder, 'a.onnx')));
});
