/** The networks of a fitted estimator as ONNX models. */

import { type AffineMap, onnxModel } from '../artifact/onnx/onnx.js';
import { returnTo } from '../backend/choose.js';
import { describe, NotFittedError, OptionError } from '../core/errors.js';
import { resolveOptions } from '../core/options.js';
import { choice, object, orNull } from '../core/rules.js';
import type { Network, RowFrame } from '../core/types.js';
import type { Fitted } from '../fit/records.js';
import { rowSize } from '../networks/network.js';

/** Scaling of rows: x becomes (x - shift) * factor. Arrays of one number for each number of a row. */
export interface OnnxScaling {
  /** What is taken off each number. */
  readonly shift: ArrayLike<number>;
  /** What the difference is multiplied by. */
  readonly factor: ArrayLike<number>;
  /** What stands in for a number that is missing (NaN). Default: nothing does, and the embedding of such a row is NaN. */
  readonly missing?: ArrayLike<number> | undefined;
}

/** Options of `toONNX`. */
export interface OnnxOptions {
  /**
   * What the model computes. `'encoder'`: the embedding of rows, as `transform` gives it. `'decoder'`: rows for positions in the
   * embedding, as `inverseTransform`. `'classifier'`: the probability of each class for rows, as `predictProba`. Default `'encoder'`.
   */
  readonly part?: 'encoder' | 'decoder' | 'classifier' | undefined;
  /**
   * Scaling that was applied to the rows before `fit`: it is put in front of an encoder or a classifier and undone behind a decoder, so
   * that the model takes and gives unscaled rows, as 64-bit floats. Default null: none.
   */
  readonly scaling?: OnnxScaling | null | undefined;
  /** Texts that go along with the model, by name, beside its own `estimator`, `part` and `classes`. Default: none. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

const defaults: Required<OnnxOptions> = { part: 'encoder', scaling: null, metadata: {} };
const rules = {
  part: choice('encoder', 'decoder', 'classifier'),
  scaling: orNull(object('{ shift, factor }')),
  metadata: object('an object of texts'),
};

/** The ONNX model of a part of a fitted estimator, named `kind`. */
export async function onnxOf(kind: string, fitted: Fitted, options: OnnxOptions): Promise<Uint8Array> {
  const {
    part,
    scaling,
    metadata: given,
  } = resolveOptions<Required<OnnxOptions>>('toONNX', options, defaults, rules);
  const { encoder, decoder, classifier, frame, rowShape, placement, reconstruction, classNames, backend } =
    fitted;
  if (placement && part !== 'decoder') {
    throw new NotFittedError(
      'toONNX: expected an encoder that is a network, got an embedding without one; fit with parametricEmbedding: true',
    );
  }
  await returnTo(backend);
  const maps = [
    ...(scaling ? [scalingMap(scaling, rowSize(rowShape))] : []),
    ...(frame ? [frameMap(frame)] : []),
  ];
  const metadata = { ...texts(given), estimator: kind, part };
  if (part === 'encoder') {
    const names = { name: 'encoder', inputName: 'rows', outputName: 'embedding' };
    return onnxModel({ ...names, before: maps, networks: [['encoder', encoder.model]], metadata });
  }
  if (part === 'decoder') {
    const { model } = required(decoder, part, 'parametricReconstruction: true');
    return onnxModel({
      ...{
        name: part,
        inputName: 'embedding',
        outputName: 'rows',
        networks: [[part, model]],
        undone: maps,
        metadata,
      },
      activation: reconstruction?.kind === 'logits' ? 'Sigmoid' : undefined,
    });
  }
  const { model } = required(classifier, part, 'classifier: true and labels in y');
  return onnxModel({
    ...{ name: part, inputName: 'rows', outputName: 'probabilities', before: maps, activation: 'Softmax' },
    networks: [
      ['encoder', encoder.model],
      ['classifier', model],
    ],
    metadata: { ...metadata, classes: JSON.stringify(classNames) },
  });
}

function texts(given: Readonly<Record<string, unknown>>): Record<string, string> {
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === 'string') continue;
    throw new OptionError(
      `toONNX metadata.${name}: expected text, got ${describe(value)}; give JSON.stringify of it`,
    );
  }
  return given as Record<string, string>;
}

function required(network: Network | undefined, part: string, advice: string): Network {
  if (network) return network;
  throw new NotFittedError(`toONNX: expected a ${part}, got none; fit with ${advice}`);
}

function frameMap({ shift, scale }: RowFrame): AffineMap {
  return { shift, factor: new Float64Array(shift.length).fill(scale) };
}

function scalingMap(scaling: OnnxScaling, width: number): AffineMap {
  const numbers = (name: keyof OnnxScaling, refused?: number) => {
    const given: unknown = scaling[name];
    const list = Float64Array.from((given ?? []) as ArrayLike<number>);
    if (list.length === width && list.every((value) => Number.isFinite(value) && value !== refused))
      return list;
    const other = refused === undefined ? '' : ` other than ${refused}`;
    throw new OptionError(
      `toONNX scaling.${name}: expected ${width} finite numbers${other}, one for each number of a row, got ${describe(given)}; ` +
        'give those that the rows were scaled by',
    );
  };
  return {
    ...{ shift: numbers('shift'), factor: numbers('factor', 0) },
    missing: scaling.missing && numbers('missing'),
  };
}
