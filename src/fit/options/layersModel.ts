/** The rule for an option that takes a network. */

import { hasMethods, type Rule } from '../../core/rules.js';

const applicable = hasMethods('a tf.LayersModel', 'apply');

export const layersModel: Rule = {
  ...applicable,
  accepts: (value) => {
    if (!applicable.accepts(value)) return false;
    const { inputs, outputs } = value as Record<string, unknown>;
    return Array.isArray(inputs) && Array.isArray(outputs);
  },
  bad: [...applicable.bad, { apply() {} }, { apply() {}, inputs: [] }, { apply() {}, outputs: [] }],
  advice: (value) =>
    applicable.accepts(value) ? 'a layer is not a model; give tf.sequential({ layers: [layer] })' : undefined,
};
