/** Runs ONNX models: in onnxruntime-node where it is installed, else in onnxruntime-web. */

/** What is used of either package. */
interface Runtime {
  readonly Tensor: new (type: string, data: Float32Array | Float64Array, dims: readonly number[]) => Value;
  readonly InferenceSession: { create(bytes: Uint8Array, options?: object): Promise<Session> };
  readonly env: { logLevel?: string; wasm?: { numThreads?: number } };
}
interface Value {
  readonly data: Float32Array | Float64Array;
  readonly dims: readonly number[];
}
interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, Value>>): Promise<Readonly<Record<string, Value>>>;
  release(): Promise<void>;
}

let loading: Promise<Runtime> | undefined;

function runtime(): Promise<Runtime> {
  loading ??= (async () => {
    const load = (name: string) => import(name) as Promise<Runtime>;
    const found = await load('onnxruntime-node').catch(() => load('onnxruntime-web'));
    if (found.env.wasm) found.env.wasm.numThreads = 1;
    return found;
  })();
  return loading;
}

/** A model in the runtime. */
export interface OnnxSession {
  readonly inputName: string;
  readonly outputName: string;
  /** The output for rows of the given shape, first the number of rows. */
  run(data: Float32Array | Float64Array, shape: readonly number[]): Promise<Value>;
  close(): Promise<void>;
}

/** Opens a model. The runtime checks it. */
export async function onnxSession(bytes: Uint8Array): Promise<OnnxSession> {
  const { InferenceSession, Tensor } = await runtime();
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const [inputName] = session.inputNames as [string];
  const [outputName] = session.outputNames as [string];
  return {
    ...{ inputName, outputName },
    async run(data, shape) {
      const type = data instanceof Float64Array ? 'float64' : 'float32';
      const outputs = await session.run({ [inputName]: new Tensor(type, data, shape) });
      return outputs[outputName]!;
    },
    close: () => session.release(),
  };
}
