import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { networkArtifacts, networkFrom } from '../../src/artifact/layersModel.js';

type Topology = { class_name: string; config: { name: string; layers: Layer[] } };
type Layer = {
  name?: string;
  class_name: string;
  config: Record<string, unknown>;
  inbound_nodes?: unknown[][];
};

/** A layer with weights of every dtype that can be saved, and no initializer in its config. */
class Tally extends tf.layers.Layer {
  static readonly className = 'Tally';
  override build(shape: tf.Shape): void {
    const zeros = tf.initializers.zeros();
    const width = shape.at(-1)!;
    this.addWeight('scale', [width], 'float32', tf.initializers.ones(), undefined, true);
    this.addWeight('counts', [width, 2], 'int32', zeros, undefined, false);
    this.addWeight('seen', [width], 'bool', zeros, undefined, false);
    this.built = true;
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tf.mul(x, this.weights[0]!.read());
  }
}

class Unregistered extends Tally {
  static override readonly className: 'Tally' = 'Unregistered' as 'Tally';
}

before(async () => {
  tf.serialization.registerClass(Tally);
  await tf.setBackend('cpu');
});

let seed = 1;
const kernel = () => tf.initializers.glorotUniform({ seed: seed++ });

function dense(units: number, more: Partial<Parameters<typeof tf.layers.dense>[0]> = {}) {
  return tf.layers.dense({ units, kernelInitializer: kernel(), ...more });
}

const networks: Record<string, () => tf.LayersModel> = {
  'sequential perceptron': () =>
    tf.sequential({
      layers: [
        dense(5, { inputShape: [4], activation: 'relu', kernelRegularizer: 'l1l2' }),
        tf.layers.dropout({ rate: 0.5, seed: 3 }),
        dense(2, { useBias: false }),
      ],
    }),
  'convolutions with batch normalization and reshape': () =>
    tf.sequential({
      layers: [
        tf.layers.reshape({ targetShape: [6, 6, 1], inputShape: [36] }),
        tf.layers.conv2d({
          filters: 3,
          kernelSize: 3,
          strides: 2,
          padding: 'same',
          kernelInitializer: kernel(),
        }),
        tf.layers.batchNormalization(),
        tf.layers.leakyReLU({ alpha: 0.2 }),
        tf.layers.maxPooling2d({ poolSize: 2, padding: 'same' }),
        tf.layers.flatten(),
        dense(2),
      ],
    }),
  'transposed convolution': () =>
    tf.sequential({
      layers: [
        dense(8, { inputShape: [3], activation: 'hardSigmoid' }),
        tf.layers.reshape({ targetShape: [2, 2, 2] }),
        tf.layers.conv2dTranspose({ filters: 1, kernelSize: 2, strides: 2, kernelInitializer: kernel() }),
      ],
    }),
  'functional model with a shared layer and a nested model': () => {
    const input = tf.input({ shape: [4] });
    const shared = dense(4, { activation: 'tanh', name: 'shared_Layer_1' });
    const nested = tf.sequential({ layers: [dense(3, { inputShape: [4] }), tf.layers.batchNormalization()] });
    const twice = shared.apply(shared.apply(input)) as tf.SymbolicTensor;
    const branches = [nested.apply(twice), nested.apply(input), twice] as tf.SymbolicTensor[];
    return tf.model({
      inputs: input,
      outputs: dense(2).apply(tf.layers.concatenate().apply(branches)) as tf.SymbolicTensor,
    });
  },
  'constrained weights': () =>
    tf.sequential({ layers: [dense(7, { inputShape: [5], kernelConstraint: 'unitNorm' }), dense(2)] }),
  'frozen layer': () =>
    tf.sequential({
      layers: [dense(3, { inputShape: [5], trainable: false }), dense(2), dense(2, { trainable: false })],
    }),
  'custom layer with integer and boolean weights': () =>
    tf.sequential({ layers: [dense(3, { inputShape: [2] }), new Tally({ name: 'tally' }), dense(2)] }),
};

for (const [title, make] of Object.entries(networks)) {
  test(`${title}: the same outputs and weights to the last bit`, async () => {
    const model = make();
    randomize(model);
    const tensors = tf.memory().numTensors;
    const loaded = await networkFrom(await networkArtifacts(model));
    assert.equal(tf.memory().numTensors - tensors, model.weights.length);
    const x = tf.randomNormal([3, ...(model.inputs[0]!.shape.slice(1) as number[])], 0, 1, 'float32', 5);
    assert.deepEqual(await predict(loaded, x), await predict(model, x));
    assert.deepEqual(
      loaded.weights.map(({ originalName, shape, dtype }) => [originalName, shape, dtype]),
      model.weights.map(({ originalName, shape, dtype }) => [originalName, shape, dtype]),
    );
    for (const [i, weight] of model.getWeights().entries()) {
      assert.deepEqual(await bits(loaded.getWeights()[i]!), await bits(weight));
    }
    assert.deepEqual(
      loaded.layers.map((layer) => layer.trainable),
      model.layers.map((layer) => layer.trainable),
    );
    // A second round gives the very same artifacts.
    const [first, second] = [await networkArtifacts(model), await networkArtifacts(loaded)];
    assert.deepEqual(second.modelTopology, first.modelTopology);
    assert.deepEqual(second.weightSpecs, first.weightSpecs);
    // Not `loaded.dispose()`: TensorFlow.js counts a shared layer twice and so keeps its weights.
    for (const weight of loaded.weights) weight.dispose();
    x.dispose();
    assert.equal(tf.memory().numTensors, tensors);
  });
}

test('weights of NaN, infinity, subnormal and minus zero survive', async () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [2] })] });
  const values = [Number.NaN, Number.NEGATIVE_INFINITY, 1e-45, -0];
  model.setWeights([tf.tensor2d(values, [2, 2]), tf.tensor1d([3e38, 1])]);
  const loaded = await networkFrom(await networkArtifacts(model));
  assert.deepEqual(await bits(loaded.getWeights()[0]!), await bits(model.getWeights()[0]!));
});

test('loading draws no random number and runs no initializer', async () => {
  const artifacts = await networkArtifacts(
    tf.sequential({
      layers: [tf.layers.dense({ units: 2, inputShape: [3] }), tf.layers.dense({ units: 2 })],
    }),
  );
  const { random } = Math;
  Math.random = () => {
    throw new Error('Math.random was called');
  };
  try {
    await networkFrom(artifacts);
  } finally {
    Math.random = random;
  }
  // And whoever builds a layer next gets initial weights again, not zeros.
  const layer = tf.layers.dense({ units: 9, inputShape: [9], kernelInitializer: tf.initializers.ones() });
  assert.equal(
    tf
      .sequential({ layers: [layer] })
      .getWeights()[0]!
      .min()
      .dataSync()[0],
    1,
  );
});

test('a compiled model is saved without its optimizer, and metadata is kept', async () => {
  const model = tf.sequential({ layers: [dense(2, { inputShape: [3] })] });
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  model.setUserDefinedMetadata({ classes: ['a', 'b'] as unknown as object });
  const artifacts = await networkArtifacts(model);
  assert.equal(artifacts.trainingConfig, undefined);
  assert.equal(artifacts.weightSpecs!.length, 2);
  assert.deepEqual((await networkFrom(artifacts)).getUserDefinedMetadata(), { classes: ['a', 'b'] });
});

test('a network that could not be loaded again is not saved', async () => {
  const twice = tf.sequential({
    layers: [dense(2, { inputShape: [2], name: 'a' }), dense(2, { name: 'a' })],
  });
  await assert.rejects(
    networkArtifacts(twice, 'encoder'),
    /encoder: expected each name once, got "a\/kernel" twice/,
  );
  const custom = tf.sequential({ layers: [new Unregistered({ inputShape: [2] })] });
  await assert.rejects(networkArtifacts(custom, 'encoder'), {
    name: 'ArtifactError',
    message:
      /encoder: modelTopology\.config\.layers\[0\]: expected a registered class, got "Unregistered".*registerClass/,
  });
  await assert.rejects(
    networkArtifacts(tf.sequential(), 'encoder'),
    /encoder: expected a network with layers, got one without/,
  );
});

test('what a topology lists as weights elsewhere is not fetched', async () => {
  const artifacts = await networkArtifacts(tf.sequential({ layers: [dense(2, { inputShape: [3] })] }));
  const topology = artifacts.modelTopology as Record<string, unknown>;
  const { fetch } = globalThis;
  globalThis.fetch = () => assert.fail('fetch was called');
  try {
    topology.modelTopology = structuredClone(topology);
    topology.weightsManifest = [{ paths: ['http://localhost:9/x'], weights: artifacts.weightSpecs }];
    assert.equal((await networkFrom(artifacts)).weights.length, 2);
  } finally {
    globalThis.fetch = fetch;
  }
});

test('hostile or damaged artifacts are refused quickly, and leave no tensor behind', async (t) => {
  const input = tf.input({ shape: [4], name: 'in' });
  const hidden = dense(3, { name: 'hidden' }).apply(input);
  const functional = tf.model({
    inputs: input,
    outputs: dense(2, { name: 'out' }).apply(hidden) as tf.SymbolicTensor,
  });
  const good = await networkArtifacts(functional);
  const topology =
    (change: (layers: Layer[], whole: Topology) => void) => (artifacts: tf.io.ModelArtifacts) => {
      const copy = structuredClone(good.modelTopology) as Topology;
      change(copy.config.layers, copy);
      artifacts.modelTopology = copy;
    };
  const specs =
    (change: (specs: tf.io.WeightsManifestEntry[]) => void) => (artifacts: tf.io.ModelArtifacts) => {
      artifacts.weightSpecs = structuredClone(good.weightSpecs!);
      change(artifacts.weightSpecs);
    };
  const cases: [string, (artifacts: tf.io.ModelArtifacts) => void, RegExp][] = [
    ['no topology', (a) => delete a.modelTopology, /modelTopology: expected an object, got null/],
    [
      'a binary topology',
      (a) => Object.assign(a, { modelTopology: new ArrayBuffer(8) }),
      /got a ArrayBuffer/,
    ],
    [
      'an unknown class',
      topology((l) => Object.assign(l[1]!, { class_name: 'Shell' })),
      /expected a registered class, got "Shell"/,
    ],
    [
      'a class of Object',
      topology((l) => Object.assign(l[1]!, { class_name: 'constructor' })),
      /expected a registered class, got "constructor"/,
    ],
    [
      'a class behind another spelling',
      topology((l) => Object.assign(l[1]!, { class__name: 'Shell' })),
      /expected a registered class, got "Shell"/,
    ],
    [
      'an unknown initializer',
      topology((l) =>
        Object.assign(l[1]!.config, { kernel_initializer: { class_name: 'Evil', config: {} } }),
      ),
      /config\.layers\[1\]\.config\.kernelInitializer: expected a registered class, got "Evil"/,
    ],
    [
      'an unknown activation',
      topology((l) => Object.assign(l[1]!.config, { activation: 'evil' })),
      /cannot be built: .*evil/s,
    ],
    [
      'an activation of Object',
      topology((l) => Object.assign(l[1]!.config, { activation: 'constructor' })),
      /cannot be built/,
    ],
    [
      'billions of units',
      topology((l) => Object.assign(l[1]!.config, { units: 1e9 })),
      /\[4,1000000000\].* more than was saved/,
    ],
    [
      'NaN units',
      topology((l) => Object.assign(l[1]!.config, { units: Number.NaN })),
      /expected a finite number, as JSON has it, got NaN/,
    ],
    ['negative units', topology((l) => Object.assign(l[1]!.config, { units: -3 })), /cannot be built/],
    [
      'a wide input',
      topology((l) => Object.assign(l[0]!.config, { batch_input_shape: [null, 1e12] })),
      /more than was saved/,
    ],
    [
      'layers that wait for each other',
      topology((l) => Object.assign(l[1]!, { inbound_nodes: [[['out', 0, 0, {}]]] })),
      /expected an order in which all layers can be called, got none for "hidden, out"/,
    ],
    [
      'a layer that waits for a stranger',
      topology((l) => Object.assign(l[1]!, { inbound_nodes: [[['nobody', 0, 0, {}]]] })),
      /expected an order in which all layers can be called/,
    ],
    [
      'a call that never happens',
      topology((l) => Object.assign(l[2]!, { inbound_nodes: [[['hidden', 1, 0, {}]]] })),
      /can be called, got none for "out"/,
    ],
    [
      'a layer under two names',
      topology((l) => Object.assign(l[1]!, { name: 'other' })),
      /layers\[1\]\.name: expected "hidden", as in its config, got "other"/,
    ],
    [
      'a layer that is there twice',
      topology((l) => l.push(l[1]!)),
      /layers\[3\]\.name: expected each name once, got "hidden" twice/,
    ],
    [
      'no layers',
      topology((_, whole) => Object.assign(whole, { config: {} })),
      /config\.layers: expected a list/,
    ],
    [
      'another model',
      topology((_, whole) => Object.assign(whole, { class_name: 'Dense' })),
      /cannot be built|expected a layer/,
    ],
    [
      'an optimizer',
      topology((_, whole) => Object.assign(whole, { class_name: 'Adam' })),
      /cannot be built|expected/,
    ],
    ['a weight too few', specs((s) => s.pop()), /expected \d+ bytes, which the weights fill, got/],
    [
      'a weight of another name',
      specs((s) => Object.assign(s[0]!, { name: 'x' })),
      /expected a layer with the saved weight x, got none/,
    ],
    [
      'a weight that is there twice',
      specs((s) => Object.assign(s[2]!, { name: s[0]!.name })),
      /hidden\/kernel" twice/,
    ],
    [
      'a weight of another shape',
      specs((s) => Object.assign(s[0]!, { shape: [3, 4] })),
      /weight hidden\/kernel: expected float32 \[4,3\], as in the layers, got float32 \[3,4\]/,
    ],
    [
      'a weight of another dtype',
      specs((s) => Object.assign(s[0]!, { dtype: 'int32' })),
      /expected float32 \[4,3\].* got int32 \[4,3\]/,
    ],
    [
      'a weight of strings',
      specs((s) => Object.assign(s[0]!, { dtype: 'string' })),
      /expected dtype .* got "string"/,
    ],
    [
      'a weight of a wild shape',
      specs((s) => Object.assign(s[0]!, { shape: [-4, -3] })),
      /memory can hold, got \[-4,-3\]/,
    ],
    [
      'weights cut short',
      (a) => Object.assign(a, { weightData: new ArrayBuffer(8) }),
      /expected \d+ bytes, which the weights fill, got 8/,
    ],
  ];
  for (const [title, spoil, message] of cases) {
    await t.test(title, async () => {
      const artifacts = { ...good };
      spoil(artifacts);
      const tensors = tf.memory().numTensors;
      await assert.rejects(networkFrom(artifacts, 'encoder'), { name: 'ArtifactError', message });
      assert.equal(tf.memory().numTensors, tensors);
    });
  }
  await t.test('and the good one still loads', async () => {
    await networkFrom(good);
  });
});

/** Weights that no initializer gives, so that a loaded network cannot agree by chance. */
function randomize(model: tf.LayersModel): void {
  for (const weight of model.weights) {
    const random = tf.randomUniform(weight.shape as number[], 0.1, 1.9, 'float32', seed++);
    (weight.read() as tf.Variable).assign(random.cast(weight.dtype));
  }
}

async function predict(model: tf.LayersModel, x: tf.Tensor): Promise<number[]> {
  const output = model.predict(x) as tf.Tensor;
  const result = await bits(output);
  output.dispose();
  return result;
}

async function bits(tensor: tf.Tensor): Promise<number[]> {
  const { buffer, byteOffset, byteLength } = await tensor.data();
  return [...new Uint8Array(buffer, byteOffset, byteLength)];
}
