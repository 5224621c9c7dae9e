/** The columns of a table in a saved model. */

import type { Artifact, LoadedArtifact } from '../../artifact/artifact.js';
import { asCount, asList, asObject, asString, invalid, type Json, show } from '../../artifact/json.js';
import type { ColumnPlan, Feature } from './columnPlan.js';

/** The name of its file in a saved model. */
const NAME = 'columns';

/** Adds the plan to what an estimator saves. */
export function withPlan(artifact: Artifact, plan: ColumnPlan): Artifact {
  const { features, label, id, scaling, missing, shift, factor, mean } = plan;
  const array = (data: Float64Array) => ({ data, shape: [data.length] });
  const arrays = { shift: array(shift), factor: array(factor), mean: array(mean) };
  const table = { state: { features, label, id, scaling, missing }, arrays };
  return { ...artifact, tables: { ...artifact.tables, [NAME]: table } };
}

/** The plan in a saved model; undefined for one that was saved without. Throws `ArtifactError` for one that is damaged. */
export function planIn({ tables }: LoadedArtifact): ColumnPlan | undefined {
  const table = tables[NAME];
  if (!table) return undefined;
  const state = table.state as Readonly<Record<string, Json>>;
  const features = asList(state.features, `${NAME}.features`).map(featureOf);
  const width = features.reduce((sum, feature) => sum + feature.width, 0);
  const numbers = (name: string): Float64Array => {
    const array = table.arrays[name];
    if (array?.data instanceof Float64Array && array.data.length === width) return array.data;
    throw invalid(`${NAME}.${name}`, `${width} numbers of 64 bits`, `${array?.data.length}`);
  };
  return {
    features,
    label: textOrNull(state.label, 'label'),
    id: textOrNull(state.id, 'id'),
    scaling: oneOf(state.scaling, ['standard', 'minmax', 'none'], 'scaling'),
    missing: oneOf(state.missing, ['error', 'drop', 'mean'], 'missing'),
    ...{ shift: numbers('shift'), factor: numbers('factor'), mean: numbers('mean') },
  };
}

function featureOf(item: Json, i: number): Feature {
  const where = `${NAME}.features[${i}]`;
  const { name, kind, width, shape, categories } = asObject(item, where);
  return {
    name: asString(name, `${where}.name`),
    kind: oneOf(kind, ['number', 'vector', 'onehot'], `features[${i}].kind`),
    width: asCount(width, `${where}.width`),
    ...(shape !== undefined && {
      shape: asList(shape, `${where}.shape`).map((size) => asCount(size, `${where}.shape`)),
    }),
    ...(categories !== undefined && {
      categories: asList(categories, `${where}.categories`).map((each) =>
        asString(each, `${where}.categories`),
      ),
    }),
  };
}

function textOrNull(value: Json | undefined, name: string): string | null {
  return value === null ? null : asString(value, `${NAME}.${name}`);
}

function oneOf<T extends string>(value: Json | undefined, choices: readonly T[], name: string): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw invalid(`${NAME}.${name}`, `one of ${choices.join(', ')}`, show(value));
}
