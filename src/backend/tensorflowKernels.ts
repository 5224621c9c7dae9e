/** Native TensorFlow has in one operation what TensorFlow.js spells out there in eight: the gradient of ReLU. */
import type { NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';

interface Call {
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly attrs?: NamedAttrMap;
  readonly backend: NodeBackend;
}

/** The parts of tfjs-node's backend that its own kernels use. */
interface NodeBackend {
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_FLOAT: number };
  executeSingleOutput(op: string, attributes: readonly object[], inputs: readonly TensorInfo[]): TensorInfo;
}

let registered = false;

/** Registers the operation, and a gradient of ReLU that uses it where it is. */
export function shortenReluGradient(): void {
  if (registered) return;
  registered = true;
  tf.registerKernel({
    kernelName: 'ReluGrad',
    backendName: 'tensorflow',
    kernelFunc: (call) => reluGradient(call as unknown as Call),
  });
  tf.unregisterGradient('Relu');
  tf.registerGradient({
    kernelName: 'Relu',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => slope(dy as Tensor, x!) }),
  });
}

function slope(dy: Tensor, x: Tensor): Tensor {
  if (tf.getBackend() !== 'tensorflow') return tf.mul(dy, tf.step(x));
  return tf.engine().runKernel('ReluGrad', { dy, x }) as Tensor;
}

function reluGradient({ inputs: { dy, x }, backend }: Call): TensorInfo {
  const { TF_ATTR_TYPE, TF_FLOAT } = backend.binding;
  return backend.executeSingleOutput(
    'ReluGrad',
    [{ name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT }],
    [dy!, x!],
  );
}
