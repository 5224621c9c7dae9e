/** A fitted Parametric UMAP <-> plain records that can be saved. */

import { edgesOf, graphTable, type NumericArray, type Table, takeArray } from '../../artifact/arrays.js';
import type { Artifact, LoadedArtifact } from '../../artifact/artifact.js';
import { asCount, asList, asObject, asString, type Json, messageOf, show } from '../../artifact/json.js';
import { networkArtifacts, networkFrom } from '../../artifact/layersModel.js';
import { ArtifactError, OptionError } from '../../core/errors.js';
import { resolveOptions } from '../../core/options.js';
import type { Network, OptimizerState, RowFrame } from '../../core/types.js';
import type { Reconstruction } from '../../losses/reconstruction.js';
import { networkOf, rowSize } from '../../networks/network.js';
import type { Projection } from '../../networks/projection.js';
import { adam, suppliedOptimizer } from '../../training/optimizer.js';
import type { Landmarks } from './landmarks.js';
import {
  type GivenUMAPOptions,
  type ParametricUMAPOptions,
  parametricUmapDefaults,
  parametricUmapRules,
} from './options.js';
import type { Fitted } from './run.js';

/** Options that hold what is saved elsewhere (networks) or cannot be saved (functions, callbacks, rows). */
const unsaved = [
  'encoder',
  'decoder',
  'optimizer',
  'callbacks',
  'parametricReconstructionLossFn',
  'landmarkLossFn',
  'reconstructionValidation',
] as const satisfies readonly (keyof ParametricUMAPOptions)[];

type State = Readonly<Record<string, Json>>;

/** Everything of a fit that lasts, for `toFiles`. */
export async function umapArtifact(
  options: Readonly<ParametricUMAPOptions>,
  fitted: Fitted,
  landmarks: Landmarks | undefined,
  includeGraph: boolean,
): Promise<Artifact> {
  const { encoder, decoder, classifier, curve, rowShape, fits, history, classNames, reconstruction } = fitted;
  const networks: Artifact['networks'] = {};
  for (const [name, network] of Object.entries({ encoder, decoder, classifier })) {
    if (network) Object.assign(networks, { [name]: await networkArtifacts(network.model, name) });
  }
  const plain: Partial<ParametricUMAPOptions> = { ...options, classifier: options.classifier !== false };
  for (const name of unsaved) delete plain[name];
  if (typeof plain.metric === 'function') delete plain.metric;
  if (typeof plain.learningRate === 'function') delete plain.learningRate;
  if (typeof plain.init !== 'string') delete plain.init;
  const memory = await fitted.optimizer.state();
  const tables: Record<string, Table> = {};
  if (memory?.kind === 'adam') tables.optimizer = optimizerTable(memory);
  if (fitted.projection) tables.projection = projectionTable(fitted.projection);
  if (fitted.frame) {
    const { shift, scale } = fitted.frame;
    tables.frame = { state: { scale }, arrays: { shift: { data: shift, shape: [shift.length] } } };
  }
  if (landmarks) {
    const { matrix, y, weight } = landmarks;
    tables.landmarks = {
      state: { weight, y: y?.map((label) => label ?? null) ?? null },
      arrays: { rows: matrix },
    };
  }
  const state = { curve, rowShape, fits, history, classNames, reconstruction: reconstruction ?? null };
  return {
    kind: 'ParametricUMAP',
    options: plain,
    state,
    networks,
    tables,
    ...(includeGraph && fitted.edges && { graph: graphTable(fitted.edges) }),
  };
}

/**
 * Reads a loaded artifact: the options to make an estimator of, and how to bring its fit back. Throws
 * `ArtifactError` for fields that are missing or contradict each other.
 */
export function restoreUmap(artifact: LoadedArtifact, overrides: GivenUMAPOptions) {
  const options = { ...savedOptions(artifact), ...overrides };
  return {
    options,
    async restore(
      resolved: Readonly<ParametricUMAPOptions>,
    ): Promise<{ fitted: Omit<Fitted, 'backend'>; landmarks?: Landmarks }> {
      const networks: Record<string, Network> = {};
      try {
        for (const name of ['encoder', 'decoder', 'classifier']) {
          const saved = artifact.networks[name];
          if (saved) networks[name] = networkOf(await networkFrom(saved, name), name, true);
        }
        return await restoreFit(artifact, resolved, networks);
      } catch (error) {
        for (const network of Object.values(networks)) network.dispose();
        throw error;
      }
    },
  };
}

/** The options as saved, complete. Options of another version, or damaged ones, are the model's fault. */
function savedOptions({ options }: LoadedArtifact): ParametricUMAPOptions {
  const saved: Partial<ParametricUMAPOptions> = { metric: missingMetric, ...options };
  try {
    return resolveOptions('options', saved, parametricUmapDefaults, parametricUmapRules);
  } catch (cause) {
    throw new ArtifactError(`saved model: ${messageOf(cause)}`, { cause });
  }
}

/** Stands for a metric function that was not saved: only a later fit needs it. */
function missingMetric(): number {
  throw new OptionError(
    'fit: this model was fitted with a metric function, which is not saved; pass it to load(path, { metric })',
  );
}

async function restoreFit(
  { state, tables, graph }: LoadedArtifact,
  options: Readonly<ParametricUMAPOptions>,
  { encoder, decoder, classifier }: Record<string, Network>,
): Promise<{ fitted: Omit<Fitted, 'backend'>; landmarks?: Landmarks }> {
  const rowShape = asList(state.rowShape, 'state.rowShape').map((size) => asCount(size, 'state.rowShape'));
  const classNames = asList(state.classNames, 'state.classNames').map(asLabel);
  const size = rowSize(rowShape);
  checkNetwork('encoder', encoder, size, options.nComponents);
  if (decoder) checkNetwork('decoder', decoder, options.nComponents, size);
  if (classifier) checkNetwork('classifier', classifier, options.nComponents, classNames.length);
  const optimizer = options.optimizer ? suppliedOptimizer(options.optimizer) : adam();
  const memory = tables.optimizer && adamState(tables.optimizer);
  const landmarks = tables.landmarks && landmarksOf(tables.landmarks, size);
  const fitted: Omit<Fitted, 'backend'> = {
    encoder: encoder!,
    decoder,
    classifier,
    reconstruction: reconstructionOf(state.reconstruction),
    classNames,
    projection: tables.projection && projectionOf(tables.projection, size),
    optimizer,
    history: historyOf(state.history),
    rowShape,
    frame: tables.frame && frameOf(tables.frame, size),
    fits: asCount(state.fits, 'state.fits'),
    curve: { a: numberOf(state.curve, 'state.curve', 'a'), b: numberOf(state.curve, 'state.curve', 'b') },
    edges: graph && edgesOf(graph),
  };
  // Last, when nothing can fail any more: this makes tensors.
  await optimizer.restore(memory);
  return { fitted, ...(landmarks && { landmarks }) };
}

function checkNetwork(name: string, network: Network | undefined, inputs: number, outputs: number): void {
  if (!network) throw new ArtifactError(`saved model: the network ${name} is missing`);
  const found = [rowSize(network.inputShape), rowSize(network.outputShape)];
  if (found[0] === inputs && found[1] === outputs) return;
  throw new ArtifactError(
    `saved model: ${name} must take ${inputs} values and give ${outputs}; it takes ${found[0]} and gives ${found[1]}`,
  );
}

function optimizerTable({ taken, shapes, values }: OptimizerState): Table {
  const arrays: Record<string, NumericArray> = {};
  values.forEach((data, i) => {
    arrays[`moment${i}`] = { data, shape: shapes[i >> 1]! };
  });
  return { state: { taken, shapes }, arrays };
}

function adamState(table: Table): OptimizerState {
  const state = table.state as State;
  const shapes = asList(state.shapes, 'optimizer.shapes').map((shape) =>
    asList(shape, 'optimizer.shapes').map((size) => asCount(size, 'optimizer.shapes')),
  );
  const values = shapes.flatMap((shape, i) =>
    [2 * i, 2 * i + 1].map((index) => takeArray(table, `moment${index}`, 'float32', shape)),
  );
  return { kind: 'adam', taken: asCount(state.taken, 'optimizer.taken'), shapes, values };
}

function projectionTable({ mean, components, scale, bends }: Projection): Table {
  const arrays: Record<string, NumericArray> = { mean: { data: mean, shape: [mean.length] }, components };
  if (bends) arrays.bends = { data: bends, shape: [bends.length] };
  return { state: { scale }, arrays };
}

function projectionOf(table: Table, columns: number): Projection {
  const components = table.arrays.components?.shape[0] ?? 0;
  const shape = [components, columns] as const;
  const data = takeArray(table, 'components', 'float32', shape);
  const scale = numberOf(table.state as Json, 'projection', 'scale');
  const mean = takeArray(table, 'mean', 'float32', [columns]);
  if (!table.arrays.bends) return { mean, components: { data, shape }, scale };
  return { mean, components: { data, shape }, scale, bends: bendsOf(table, components) };
}

/** A 32-bit number has no more powers of ten. */
const MOST_BENDS = 40;

function bendsOf(table: Table, components: number): Int32Array {
  const bends = takeArray(table, 'bends', 'int32', [components]);
  const wrong = bends.findIndex((count) => count < 0 || count > MOST_BENDS);
  if (wrong < 0) return bends;
  throw new ArtifactError(
    `saved model: bends must hold whole numbers from 0 to ${MOST_BENDS}, it holds ${bends[wrong]}`,
  );
}

function frameOf(table: Table, columns: number): RowFrame {
  const scale = numberOf(table.state as Json, 'frame', 'scale');
  if (!(scale > 0)) throw new ArtifactError(`saved model: frame.scale must be above 0, not ${scale}`);
  return { shift: takeArray(table, 'shift', 'float64', [columns]), scale };
}

function landmarksOf(table: Table, columns: number): Landmarks {
  const state = table.state as State;
  const count = table.arrays.rows?.shape[0] ?? 0;
  const shape = [count, columns] as const;
  const y =
    state.y === null
      ? undefined
      : asList(state.y, 'landmarks.y').map((l) => (l === null ? null : asLabel(l)));
  if (y && y.length !== count) {
    throw new ArtifactError(`saved model: landmarks.y must have ${count} entries, it has ${y.length}`);
  }
  return {
    matrix: { data: takeArray(table, 'rows', 'float32', shape), shape },
    y,
    weight: numberOf(state, 'landmarks', 'weight'),
  };
}

function reconstructionOf(value: Json | undefined): Reconstruction | undefined {
  if (value === null || value === undefined) return undefined;
  const kind = asString(asObject(value, 'state.reconstruction').kind, 'state.reconstruction.kind');
  if (kind === 'squared') {
    const variance = numberOf(value, 'state.reconstruction', 'variance');
    const { limit } = asObject(value, 'state.reconstruction');
    return limit === undefined
      ? { kind, variance }
      : { kind, variance, limit: numberOf(value, 'state.reconstruction', 'limit') };
  }
  if (kind === 'logits' || kind === 'probabilities' || kind === 'custom') return { kind };
  throw new ArtifactError(
    `saved model: state.reconstruction.kind is ${show(kind)}, which is none that is known`,
  );
}

function historyOf(value: Json | undefined): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(asObject(value, 'state.history')).map(([name, list]) => [
      name,
      asList(list, `state.history.${name}`).map((entry) => {
        if (typeof entry === 'number') return entry;
        throw new ArtifactError(
          `saved model: state.history.${name} must hold numbers, it holds ${show(entry)}`,
        );
      }),
    ]),
  );
}

function asLabel(value: Json): number | string {
  if (typeof value === 'number' || typeof value === 'string') return value;
  throw new ArtifactError(`saved model: a label must be a number or a word, not ${show(value)}`);
}

function numberOf(value: Json | undefined, where: string, key: string): number {
  const found = asObject(value, where)[key];
  if (typeof found === 'number' && Number.isFinite(found)) return found;
  throw new ArtifactError(`saved model: ${where}.${key} must be a finite number, not ${show(found)}`);
}
