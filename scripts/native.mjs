/**
 * Makes native TensorFlow (@tensorflow/tfjs-node) work for the project in the current folder: `npm run
 * native`, or from another project `node node_modules/parametric-umap/scripts/native.mjs`. It changes
 * node_modules only, and may be run again at any time; run it again after `npm install`, which removes what
 * package.json does not name.
 *
 * First the ordinary way: tfjs-node's own install script, which downloads TensorFlow 2.9 and a compiled
 * binding. Where that cannot work (no way to the download, no build for this system, a processor or library
 * it does not suit), the binding, two C++ files, is compiled against the TensorFlow library of a Python
 * wheel: of a TensorFlow that Python already has, else of one that pip fetches into node_modules/.cache (0.3
 * GB to fetch, 1.3 GB on disk). That takes a C++ compiler and Python 3 with pip. It is known to work on Linux
 * x64 with TensorFlow 2.21 and Node.js 20, 22 and 24; on macOS it is tried but nobody has reported on it.
 *
 *   --wheel              do not try the ordinary way
 *   --tensorflow FOLDER  compile against this one (the `tensorflow` folder of a Python installation); implies --wheel
 *
 * Exit code 0: native TensorFlow works. 1: it does not, and the last lines say what is missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const tensorflowVersion = '2.21.0';
const project = process.cwd();
const modules = path.join(project, 'node_modules');
const home = path.join(modules, '@tensorflow/tfjs-node');
const { values: options } = parseArgs({
  options: { wheel: { type: 'boolean', default: false }, tensorflow: { type: 'string' } },
});

try {
  await main();
} catch (error) {
  console.error(`native: ${error.message}`);
  process.exit(1);
}

async function main() {
  const before = check();
  if (before.works && options.tensorflow === undefined) {
    say(`already works (TensorFlow ${before.version})`);
    return;
  }
  fetchPackage();
  if (!options.wheel && options.tensorflow === undefined && (await install())) return;
  compile(findTensorflow());
  const after = check();
  if (!after.works) throw new Error(`compiled, but it does not run:\n${after.output}`);
  say(`works: binding compiled against the TensorFlow ${after.version} of a Python wheel`);
}

/** Loads tfjs-node in a process of its own and multiplies two matrices with it. */
function check() {
  const script = `
    const util = require('node:util');
    util.isNullOrUndefined ??= (value) => value == null;
    util.isArray ??= Array.isArray;
    const tf = require(${JSON.stringify(home)});
    const sum = tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).sum().dataSync()[0];
    if (tf.getBackend() !== 'tensorflow' || sum !== 12) throw new Error('wrong result: ' + sum);
    console.log('version ' + tf.backend().binding.TF_Version);`;
  const env = { TF_CPP_MIN_LOG_LEVEL: '2', TF_ENABLE_ONEDNN_OPTS: '0', ...process.env };
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', env });
  const version = /^version (.*)$/m.exec(stdout)?.[1];
  return { works: version !== undefined, version, output: stderr };
}

/**
 * The JavaScript of tfjs-node, in the version of the installed TensorFlow.js, without running its install
 * script.
 */
function fetchPackage() {
  const tfjs = path.join(modules, '@tensorflow/tfjs-core/package.json');
  if (!existsSync(tfjs)) throw new Error(`no @tensorflow/tfjs-core in ${modules}; run \`npm install\` first`);
  const { version } = JSON.parse(readFileSync(tfjs, 'utf8'));
  if (existsSync(path.join(home, 'package.json')) && existsSync(path.join(modules, 'node-api-headers'))) return;
  say(`fetching @tensorflow/tfjs-node ${version}`);
  // Both in one command: npm would remove the first again when it installs the second. And as a dependency, though
  // none is saved: npm does not install what package.json calls an optional peer.
  const wanted = [`@tensorflow/tfjs-node@${version}`, 'node-api-headers@1'];
  const result = npm(['install', '--no-save', '--save-prod', '--ignore-scripts', '--no-audit', '--no-fund', ...wanted]);
  if (result.status !== 0) throw new Error(`npm could not fetch ${wanted.join(' and ')}`);
}

function npm(words) {
  const own = process.env.npm_execpath;
  if (own !== undefined && /npm/.test(own)) return run(process.execPath, [own, ...words]);
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', words, { shell: process.platform === 'win32' });
}

/** The ordinary way. True when it worked. */
async function install() {
  const address = process.env.TFJS_NODE_CDN_STORAGE ?? 'https://storage.googleapis.com/';
  try {
    await fetch(address, { method: 'HEAD', signal: AbortSignal.timeout(10_000) });
  } catch {
    say(`${address} is out of reach, so the prebuilt library is too`);
    return false;
  }
  say('running the install script of tfjs-node');
  run(process.execPath, ['scripts/install.js'], { cwd: home });
  const { works, version, output } = check();
  if (works) say(`works: prebuilt (TensorFlow ${version})`);
  else say(`the prebuilt binding does not run here: ${output.split('\n').find((line) => /Error/.test(line)) ?? ''}`);
  return works;
}

/** The folder with the library and the headers: given, of Python's own installation, or fetched by pip. */
function findTensorflow() {
  if (options.tensorflow !== undefined) {
    if (libraries(options.tensorflow)) return path.resolve(options.tensorflow);
    throw new Error(`--tensorflow: ${options.tensorflow} has no libtensorflow_cc and include/tensorflow/c/c_api.h`);
  }
  const python = [process.env.PYTHON, 'python3', 'python'].find((name) => name && succeeds(name, ['--version']));
  if (python === undefined) throw new Error('no Python 3 found to fetch TensorFlow with; install it, or set PYTHON');
  // Finds the folder without loading the library.
  const where = "import importlib.util as u; s = u.find_spec('tensorflow'); print(s.submodule_search_locations[0])";
  const installed = spawnSync(python, ['-c', where], { encoding: 'utf8' }).stdout?.trim();
  if (installed && libraries(installed)) {
    say(`using the TensorFlow of ${python}: ${installed}`);
    return installed;
  }
  const name = process.platform === 'linux' && process.arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
  const target = path.join(modules, '.cache/parametric-umap', `${name}-${tensorflowVersion}`);
  const fetched = path.join(target, 'tensorflow');
  if (!libraries(fetched)) {
    say(`fetching ${name} ${tensorflowVersion} with pip, into ${path.relative(project, target)}`);
    const words = ['-m', 'pip', 'install', '--no-deps', '--upgrade', '--target', target];
    run(python, [...words, `${name}==${tensorflowVersion}`]);
    if (!libraries(fetched)) {
      throw new Error(
        `pip did not fetch ${name} ${tensorflowVersion} (it is made for certain Python versions; set PYTHON to another, ` +
          'or name a TensorFlow with --tensorflow)',
      );
    }
  }
  return fetched;
}

/** The two shared libraries of a wheel, if they and the headers are there. */
function libraries(folder) {
  const names = process.platform === 'darwin' ? ['cc.2.dylib', 'framework.2.dylib'] : ['cc.so.2', 'framework.so.2'];
  const files = names.map((name) => path.join(folder, `libtensorflow_${name}`));
  const header = path.join(folder, 'include/tensorflow/c/c_api.h');
  return [header, ...files].every((file) => existsSync(file)) ? files : undefined;
}

/**
 * The binding uses the stable C interface of TensorFlow and version 8 of Node-API: any Node.js from 16 on can
 * load it.
 */
function compile(tensorflow) {
  if (process.platform === 'win32') throw new Error('compiling against a Python wheel works on Linux and macOS only');
  const compiler = [process.env.CXX, 'g++', 'clang++', 'c++'].find((name) => name && succeeds(name, ['--version']));
  if (compiler === undefined) throw new Error('no C++ compiler found; install g++ or clang++, or set CXX');
  const target = path.join(home, 'lib/napi-v8');
  mkdirSync(target, { recursive: true });
  say(`compiling the binding with ${compiler}`);
  const { status, stderr } = spawnSync(
    compiler,
    [
      ...['-std=c++17', '-O2', '-fPIC', '-shared', '-w', '-DNAPI_VERSION=8'],
      ...(process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []),
      `-I${path.join(modules, 'node-api-headers/include')}`,
      `-I${path.join(tensorflow, 'include')}`,
      ...['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc', ...libraries(tensorflow)],
      ...[`-Wl,-rpath,${tensorflow}`, '-o', path.join(target, 'tfjs_binding.node')],
    ],
    { cwd: home, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`the binding does not compile:\n${stderr}`);
}

function succeeds(command, words) {
  return spawnSync(command, words).status === 0;
}

function run(command, words, settings = {}) {
  return spawnSync(command, words, { stdio: 'inherit', ...settings });
}

function say(line) {
  console.log(`native: ${line}`);
}
