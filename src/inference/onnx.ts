import { createRequire } from 'node:module';
import type * as Runtime from 'onnxruntime-node';
import { messageOf, UsherError } from '../errors';
import { type ExecutionOptions, type ExecutionProvider, type Model, type TensorData, type Tensors } from './model';

const DTYPES = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int32: Int32Array,
  int64: BigInt64Array,
} as const;

function dtypeOf(data: TensorData): keyof typeof DTYPES {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Uint8Array) return 'uint8';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Int32Array) return 'int32';
  return 'int64';
}

class OnnxModel implements Model {
  constructor(
    private readonly runtime: typeof Runtime,
    private readonly session: Runtime.InferenceSession,
    readonly provider: ExecutionProvider,
  ) {}

  get inputs(): readonly string[] {
    return this.session.inputNames;
  }

  get outputs(): readonly string[] {
    return this.session.outputNames;
  }

  async run(inputs: Tensors): Promise<Tensors> {
    const feeds: Record<string, Runtime.Tensor> = {};
    for (const [name, tensor] of Object.entries(inputs))
      feeds[name] = new this.runtime.Tensor(dtypeOf(tensor.data), tensor.data, tensor.dims);
    const results = await this.session.run(feeds);
    const outputs: Record<string, { data: TensorData; dims: readonly number[] }> = {};
    for (const [name, tensor] of Object.entries(results)) {
      if (!(tensor.type in DTYPES))
        throw new UsherError('model-invalid', `output "${name}" has the unsupported element type ${tensor.type}`);
      outputs[name] = { data: tensor.data as TensorData, dims: tensor.dims };
    }
    return outputs;
  }

  async dispose(): Promise<void> {
    await this.session.release();
  }
}

/**
 * Loads an ONNX network. Providers are tried one at a time, because with a list onnxruntime silently falls back to the
 * CPU. The result names the provider in use, and the caller compares it with the configured ones.
 * @param source path of the file, or its bytes
 * @throws UsherError `model-invalid` if no provider can run it
 */
export async function loadOnnx(source: string | Uint8Array, options: ExecutionOptions): Promise<Model> {
  // Loaded late: a process that only reads cards, like control, then saves the native library's memory.
  const runtime = createRequire(__filename)('onnxruntime-node') as typeof Runtime;
  const refusals: string[] = [];
  for (const provider of options.providers) {
    const sessionOptions: Runtime.InferenceSession.SessionOptions = {
      executionProviders: [provider],
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      logSeverityLevel: 4,
    };
    try {
      const session =
        typeof source === 'string'
          ? await runtime.InferenceSession.create(source, sessionOptions)
          : await runtime.InferenceSession.create(source, sessionOptions);
      return new OnnxModel(runtime, session, provider);
    } catch (error) {
      refusals.push(`${provider}: ${messageOf(error)}`);
    }
  }
  const where = typeof source === 'string' ? source : 'a network in memory';
  throw new UsherError('model-invalid', `${where} cannot be loaded (${refusals.join('; ')})`, {
    remedy:
      'Check the execution providers in the configuration, then fetch or build the model again: usher models ensure',
  });
}
