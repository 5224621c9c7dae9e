/**
 * Two copies of TensorFlow.js in one program, as when two versions of it are installed. They share backends, tensors and
 * the names of variables, but neither knows the layers and models of the other.
 */
import * as tf from '../core/tf.js';

/** What to do about it. */
export const oneCopyAdvice =
  "run npm dedupe (npm ls @tensorflow/tfjs-core shows the copies), or import { tf } from 'parametric-umap'";

let warned = false;

/** Warns, once, about a user-supplied model that another copy has made. It is trained like any other. */
export function warnOfOtherCopy(model: tf.LayersModel, name: string): void {
  if (warned || model instanceof tf.LayersModel) return;
  warned = true;
  console.warn(
    `parametric-umap: ${name}: expected a model of the TensorFlow.js that parametric-umap uses (tfjs-layers ` +
      `${tf.version_layers}), got one of another copy (${versionOf(model)}); it works, but layers of both cannot be mixed, ` +
      `and making or loading models of both in one program can fail: ${oneCopyAdvice}`,
  );
}

/** The version that made the model, as the model names it. */
function versionOf(model: tf.LayersModel): string {
  try {
    const { keras_version: version } = model.toJSON(null, false) as { keras_version?: string };
    return version ?? 'of unknown version';
  } catch {
    return 'of unknown version';
  }
}

/** Whether TensorFlow.js rejected a variable because another one has its name, which happens only with two copies. */
export function isNameTaken(error: unknown): boolean {
  return /^Variable with name \S+ was already registered/.test(String((error as Error | undefined)?.message));
}

/** Gives a callback the model. A `tf.Callback` of another copy rejects it by `instanceof`; its field is then set directly. */
export function giveModel(
  callback: { setModel(model: tf.LayersModel): void; model?: tf.LayersModel },
  model: tf.LayersModel,
): void {
  try {
    callback.setModel(model);
  } catch (error) {
    if (
      callback instanceof tf.Callback ||
      !/^model must be a LayersModel/.test(String((error as Error).message))
    )
      throw error;
    callback.model = model;
  }
}
