/** The fitted state that all estimators save <-> plain records: networks, optimizer, projection, frame, history, labels, landmarks. */

import { edgesOf, graphTable, type NumericArray, type Table, takeArray } from '../artifact/arrays.js';
import type { Artifact, LoadedArtifact } from '../artifact/artifact.js';
import { asCount, asList, asObject, asString, invalid, type Json, show } from '../artifact/json.js';
import { networkArtifacts, networkFrom } from '../artifact/layersModel.js';
import type { Edges, Matrix, Network, OptimizerState, RowFrame } from '../core/types.js';
import type { Landmarks } from '../fit/landmarks.js';
import type { FitOptions } from '../fit/options/fitOptions.js';
import { type OptimizerOptions, optimizerOf } from '../fit/prepare.js';
import type { FitNetworks, Learned } from '../fit/records.js';
import type { Reconstruction } from '../losses/reconstruction.js';
import { networkOf, rowSize } from '../networks/network.js';
import type { Projection } from '../networks/projection.js';
import { readScalars, scalarParameter } from '../networks/scalar.js';

type State = Readonly<Record<string, Json>>;

/** What an estimator saves beside the state that all estimators have. */
interface Own {
  readonly kind: string;
  /** Plain data: no functions, networks or callbacks. */
  readonly options: object;
  readonly state?: object;
  /** The graph, where it is to be saved. */
  readonly edges?: Edges | undefined;
  readonly landmarks?: Landmarks | undefined;
}

/** The fitted state, for `toFiles`. */
export async function savedFit(learned: Learned, own: Own): Promise<Artifact> {
  const { encoder, decoder, classifier, rowShape, fits, history, classNames, reconstruction } = learned;
  const networks: Artifact['networks'] = {};
  for (const [name, network] of Object.entries({ encoder, decoder, classifier })) {
    if (network) Object.assign(networks, { [name]: await networkArtifacts(network.model, name) });
  }
  const memory = await learned.optimizer.state();
  const tables: Record<string, Table> = {};
  if (memory && memory.kind !== 'tf') tables.optimizer = optimizerTable(memory);
  if (learned.projection) tables.projection = projectionTable(learned.projection);
  if (learned.frame) tables.frame = frameTable(learned.frame);
  if (learned.placement) tables.placement = { state: {}, arrays: { rows: learned.placement.rows } };
  if (own.landmarks) tables.landmarks = landmarksTable(own.landmarks);
  return {
    kind: own.kind,
    options: own.options,
    state: {
      ...own.state,
      // As they are trained: logarithms.
      ...(learned.numbers && { numbers: await readScalars(learned.numbers) }),
      ...{ rowShape, fits, history, classNames, reconstruction: reconstruction ?? null },
    },
    networks,
    tables,
    ...(own.edges && { graph: graphTable(own.edges) }),
  };
}

/** The state that `savedFit` saved. */
export interface RestoredFit {
  /** Without `placement`, which the estimator completes from its options. */
  readonly learned: Learned;
  /** The rows of the fit, for an embedding without a network. */
  readonly placed: Matrix | undefined;
  readonly edges: Edges | undefined;
  readonly landmarks: Landmarks | undefined;
}

/**
 * Restores a saved fit. `read` reads the estimator's own fields from `state`. Throws `ArtifactError` for fields that are
 * missing or contradict each other, after freeing all tensors.
 */
export async function restoreFit<More>(
  artifact: LoadedArtifact,
  options: Pick<FitOptions, 'nComponents'> & OptimizerOptions,
  read: (state: LoadedArtifact['state']) => More,
): Promise<RestoredFit & { readonly own: More }> {
  const networks: Record<string, Network> = {};
  try {
    for (const name of ['encoder', 'decoder', 'classifier']) {
      const saved = artifact.networks[name];
      if (saved) networks[name] = networkOf(await networkFrom(saved, name), name, true);
    }
    const restored = readFit(artifact, options, networks);
    const own = read(artifact.state);
    const values = numbersIn(artifact.state.numbers);
    const memory = artifact.tables.optimizer && optimizerState(artifact.tables.optimizer);
    // Last, when nothing can fail any more: this makes tensors.
    await restored.learned.optimizer.restore(memory);
    const numbers =
      values && Object.fromEntries(values.map(([name, value]) => [name, scalarParameter(value, name)]));
    return { ...restored, learned: { ...restored.learned, numbers }, own };
  } catch (error) {
    for (const network of Object.values(networks)) network.dispose();
    throw error;
  }
}

function readFit(
  { state, tables, graph }: LoadedArtifact,
  options: Pick<FitOptions, 'nComponents'> & OptimizerOptions,
  networks: Record<string, Network>,
): RestoredFit {
  const rowShape = asList(state.rowShape, 'state.rowShape').map((size) => asCount(size, 'state.rowShape'));
  const classNames = asList(state.classNames, 'state.classNames').map(asLabel);
  const size = rowSize(rowShape);
  const placed = tables.placement && placedRows(tables.placement, size, networks.encoder);
  const learned: Learned = {
    ...checkNetworks(networks, placed ? 1 : size, size, options.nComponents, classNames.length),
    reconstruction: reconstructionOf(state.reconstruction),
    classNames,
    projection: tables.projection && projectionOf(tables.projection, size),
    optimizer: optimizerOf(options),
    history: historyOf(state.history),
    rowShape,
    frame: tables.frame && frameOf(tables.frame, size),
    fits: asCount(state.fits, 'state.fits'),
  };
  return {
    learned,
    placed,
    edges: graph && edgesOf(graph),
    landmarks: tables.landmarks && landmarksOf(tables.landmarks, size),
  };
}

function checkNetworks(
  { encoder, decoder, classifier }: Record<string, Network>,
  inputs: number,
  rows: number,
  components: number,
  classes: number,
): FitNetworks {
  if (!encoder) throw invalid('networks', 'an encoder', 'none');
  checkNetwork('encoder', encoder, inputs, components);
  if (decoder) checkNetwork('decoder', decoder, components, rows);
  if (classifier) checkNetwork('classifier', classifier, components, classes);
  return { encoder, decoder, classifier };
}

function checkNetwork(name: string, network: Network, inputs: number, outputs: number): void {
  const found = [rowSize(network.inputShape), rowSize(network.outputShape)];
  if (found[0] === inputs && found[1] === outputs) return;
  throw invalid(name, `${inputs} values in and ${outputs} out`, `${found[0]} and ${found[1]}`);
}

/** Arrays of an optimizer for each variable: mean gradient and mean square, or a velocity. */
const momentsOf = { adam: 2, sgd: 1 } as const;

/** The kind is left out for Adam, as models of version 0.1 have it. */
function optimizerTable({ kind, taken, shapes, values }: OptimizerState): Table {
  const arrays: Record<string, NumericArray> = {};
  values.forEach((data, i) => {
    arrays[`moment${i}`] = { data, shape: shapes[Math.floor((i * shapes.length) / values.length)]! };
  });
  return { state: { ...(kind !== 'adam' && { kind }), taken, shapes }, arrays };
}

function optimizerState(table: Table): OptimizerState {
  const state = table.state as State;
  const kind = state.kind ?? 'adam';
  if (kind !== 'adam' && kind !== 'sgd') throw invalid('optimizer.kind', 'adam or sgd', show(kind));
  const moments = momentsOf[kind];
  const shapes = asList(state.shapes, 'optimizer.shapes').map((shape) =>
    asList(shape, 'optimizer.shapes').map((size) => asCount(size, 'optimizer.shapes')),
  );
  const values = shapes.flatMap((shape, i) =>
    Array.from({ length: moments }, (_, m) => takeArray(table, `moment${moments * i + m}`, 'float32', shape)),
  );
  return { kind, taken: asCount(state.taken, 'optimizer.taken'), shapes, values };
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

/** More than the powers of ten that 32-bit floats span. */
const MOST_BENDS = 40;

function bendsOf(table: Table, components: number): Int32Array {
  const bends = takeArray(table, 'bends', 'int32', [components]);
  const wrong = bends.findIndex((count) => count < 0 || count > MOST_BENDS);
  if (wrong < 0) return bends;
  throw invalid('projection.bends', `whole numbers from 0 to ${MOST_BENDS}`, String(bends[wrong]));
}

function frameOf(table: Table, columns: number): RowFrame {
  const scale = numberOf(table.state as Json, 'frame', 'scale');
  if (!(scale > 0)) throw invalid('frame.scale', 'a number above 0', String(scale));
  return { shift: takeArray(table, 'shift', 'float64', [columns]), scale };
}

function frameTable({ shift, scale }: RowFrame): Table {
  return { state: { scale }, arrays: { shift: { data: shift, shape: [shift.length] } } };
}

/** The rows of the fit, one for each point of the table. */
function placedRows(table: Table, columns: number, encoder: Network | undefined): Matrix {
  const points = encoder?.variables()[0]?.shape[0] ?? 0;
  const shape = [points, columns] as const;
  return { data: takeArray(table, 'rows', 'float32', shape), shape };
}

function landmarksTable({ matrix, y, weight }: Landmarks): Table {
  return {
    state: { weight, y: y?.map((label) => label ?? null) ?? null },
    arrays: { rows: matrix },
  };
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
    throw invalid('landmarks.y', `${count} entries`, String(y.length));
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
  throw invalid('state.reconstruction.kind', 'logits, probabilities, squared or custom', show(kind));
}

/** Learned numbers by name; undefined for a model without them. */
function numbersIn(saved: Json | undefined): [name: string, value: number][] | undefined {
  if (saved === undefined) return undefined;
  const names = Object.keys(asObject(saved, 'state.numbers'));
  return names.map((name) => [name, numberOf(saved, 'state.numbers', name)]);
}

function historyOf(value: Json | undefined): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(asObject(value, 'state.history')).map(([name, list]) => [
      name,
      asList(list, `state.history.${name}`).map((entry) => {
        if (typeof entry === 'number') return entry;
        throw invalid(`state.history.${name}`, 'numbers', show(entry));
      }),
    ]),
  );
}

function asLabel(value: Json): number | string {
  if (typeof value === 'number' || typeof value === 'string') return value;
  throw invalid('labels', 'numbers or texts', show(value));
}

/** A finite number among saved state. Throws `ArtifactError`. */
export function numberOf(value: Json | undefined, where: string, key: string): number {
  const found = asObject(value, where)[key];
  if (typeof found === 'number' && Number.isFinite(found)) return found;
  throw invalid(`${where}.${key}`, 'a finite number', show(found));
}
