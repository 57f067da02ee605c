/** The interface to inference for the rest of the program. Only `onnx.ts` imports the runtime. */

export type TensorData = Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;

export interface Tensor<T extends TensorData = TensorData> {
  readonly data: T;
  readonly dims: readonly number[];
}

export type Tensors = Readonly<Record<string, Tensor>>;

/** How a model is to be run. */
export interface ExecutionOptions {
  /** Execution providers in order of preference; the first that can be had is used. */
  readonly providers: readonly ExecutionProvider[];
  /** Threads inside one operator. Measured: 2 on 2 shared cores is slower than 1. */
  readonly threads: number;
}

export const EXECUTION_PROVIDERS = ['tensorrt', 'cuda', 'webgpu', 'cpu'] as const;
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number];

export const CPU_ONE_THREAD: ExecutionOptions = { providers: ['cpu'], threads: 1 };

/**
 * A loaded network. `run` blocks its thread in every runtime we use, so it belongs in a child process.
 * The caller may reuse its input arrays after `run` resolves; outputs belong to the caller until the next `run`.
 */
export interface Model {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The provider that was really granted. */
  readonly provider: ExecutionProvider;
  run(inputs: Tensors): Promise<Tensors>;
  dispose(): Promise<void>;
}
