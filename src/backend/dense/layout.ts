/** Memory layout of a stack of dense layers, in memory that threads share. */

/** y = x W + b, then ReLU or no activation. */
export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
  readonly relu: boolean;
}

/** Parts of a batch. Their gradients are added in order, so that any number of threads gives the same bits. */
export const PARTS = 8;

/**
 * A table of rows and the noise that is added to rows gathered from it. They come first in memory; addresses in
 * bytes.
 */
export interface DenseTable {
  readonly table: number;
  /** Floats of noise, read as a ring; 0 for none. The first `inputs` of them are repeated after the last. */
  readonly ring: number;
  readonly noise: number;
  /** First free address after them. */
  readonly end: number;
}

/** Addresses of everything that a pass reads or writes, in bytes. */
export interface DenseLayout {
  /** Indices of the rows to gather from the table. */
  readonly indices: number;
  /** For each layer its kernel (inputs x outputs), followed by its bias. */
  readonly weights: readonly number[];
  /** For each layer its kernel transposed (outputs x inputs); briefly reused for the gradient of the kernel. */
  readonly transposed: readonly number[];
  /** Floats of all weights. */
  readonly weightCount: number;
  /** PARTS times the gradients of all weights, and their sum: ordered as the weights, with each kernel transposed. */
  readonly gradients: number;
  readonly gradientSum: number;
  /** The input rows, then the outputs of each layer. */
  readonly activations: readonly number[];
  /** Second buffer for input rows; empty if gradients are computed, because these need the current rows. */
  readonly nextInputs: number;
  /** Gradient with respect to the outputs of the last layer, and with respect to the input rows. */
  readonly outputGradient: number;
  readonly inputGradient: number;
  /** Scratch of thread 0; that of thread t begins `t * scratchBytes` further on. */
  readonly scratch: number;
  readonly scratchBytes: number;
  /** Within the scratch: gradients between layers, alternately in the one and the other, and one of them transposed. */
  readonly layerGradients: readonly [number, number];
  readonly transposedGradient: number;
  /** End of the memory in use. */
  readonly bytes: number;
}

/** The functions of `kernels/dense/index.ts`; pointers, sizes and flags are numbers. */
export type DenseKernels = Readonly<
  Record<
    'gemm' | 'sparseProduct' | 'transpose' | 'columnSums' | 'reluGradient' | 'fetchRows',
    (...numbers: number[]) => void
  > & {
    gemmScratch(): number;
    sparseScratch(terms: number): number;
    isSparse(values: number, count: number): number;
    areFinite(values: number, count: number): number;
  }
>;

/** Gradients that the backward pass computes: none, those of the weights, or those of the inputs too. */
export type DenseGradients = 'none' | 'weights' | 'inputs';

/** What a layout is made for. */
export interface LayoutOptions {
  readonly rows: number;
  readonly threads: number;
  readonly gradients: DenseGradients;
}

/** Assigns addresses from `from` on, the first free one. */
export function layoutFor(
  layers: readonly DenseLayer[],
  { rows, threads, gradients: needed }: LayoutOptions,
  run: DenseKernels,
  from: number,
): DenseLayout {
  const { allocate, end } = allocatorFrom(from);
  const sizes = layers.map(({ inputs, outputs, bias }) => (inputs + Number(bias)) * outputs);
  const weightCount = sizes.reduce((sum, size) => sum + size);
  const { inputs } = layers[0]!;
  const { outputs } = layers.at(-1)!;
  const backward = Number(needed !== 'none');
  const firstWeight = allocate(weightCount);
  const indices = allocate(rows);
  const transposed = layers.map((layer) => allocate(backward * layer.inputs * layer.outputs));
  const gradients = allocate(backward * PARTS * weightCount);
  const gradientSum = allocate(backward * weightCount);
  const activations = [inputs, ...layers.map((layer) => layer.outputs)].map((columns) =>
    allocate(rows * columns),
  );
  const nextInputs = allocate(backward ? 0 : rows * inputs);
  const outputGradient = allocate(backward * rows * outputs);
  const inputGradient = allocate(needed === 'inputs' ? rows * inputs : 0);
  const scratch = end();
  const { scratchBytes, ...offsets } = scratchFor(layers, Math.ceil(rows / PARTS), backward, run);
  return {
    ...{ indices, transposed, weightCount, gradients, gradientSum, activations, nextInputs },
    weights: sizes.map((_, l) => firstWeight + 4 * sizes.slice(0, l).reduce((sum, size) => sum + size, 0)),
    ...{ outputGradient, inputGradient, scratch, scratchBytes, ...offsets },
    bytes: scratch + threads * scratchBytes,
  };
}

/** Scratch of one thread: room for matrix products, then gradients of `rows` rows between layers. Offsets in bytes. */
function scratchFor(
  layers: readonly DenseLayer[],
  rows: number,
  backward: number,
  run: DenseKernels,
): Pick<DenseLayout, 'layerGradients' | 'transposedGradient' | 'scratchBytes'> {
  const { allocate, end } = allocatorFrom(0);
  // Products sum over inputs, over outputs or over rows.
  const terms = Math.max(rows, ...layers.flatMap(({ inputs, outputs }) => [inputs, outputs]));
  allocate(Math.max(run.gemmScratch(), run.sparseScratch(terms)) / 4);
  // The gradient of the last layer's outputs is `outputGradient`, so that only inner layers count here.
  const widest = backward * rows * Math.max(0, ...layers.slice(1).map(({ inputs }) => inputs));
  const layerGradients = [allocate(widest), allocate(widest)] as const;
  const transposedGradient = allocate(backward * rows * Math.max(...layers.map(({ outputs }) => outputs)));
  return { layerGradients, transposedGradient, scratchBytes: end() };
}

/** Assigns blocks one after another. */
function allocatorFrom(start: number) {
  let end = start;
  return {
    /** Address of a block of so many floats. Whole cache lines: threads must not write to the same one. */
    allocate(floats: number): number {
      const at = end;
      end += Math.ceil(floats / 16) * 64;
      return at;
    },
    end: () => end,
  };
}
