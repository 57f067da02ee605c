import { createRequire } from 'node:module';
import path from 'node:path';
import type * as Core from '@tensorflow/tfjs-core';
import { messageOf, UsherError } from '../../errors';

export type Tf = typeof Core;
export type {
  Rank,
  Scalar,
  Tensor as TfTensor,
  Tensor1D,
  Tensor2D,
  Tensor3D,
  Tensor4D,
  Variable,
} from '@tensorflow/tfjs-core';

export const TFJS_BACKENDS = ['tfjs-node-gpu', 'tfjs-node', 'wasm'] as const;
export type TfjsBackend = (typeof TFJS_BACKENDS)[number];

export interface LoadedTf {
  readonly tf: Tf;
  /** The backend in use, which may differ from the wanted one. */
  readonly backend: TfjsBackend;
}

type Require = (id: string) => unknown;

/**
 * Loads TensorFlow.js, the training engine. `@tensorflow/tfjs-node-gpu` and `@tensorflow/tfjs-node` download a library
 * at install time and exist for some machines only, so they are optional peers, tried in this order. Without them
 * WebAssembly is used, which installs everywhere. The wasm backend lacks `Conv2DBackpropFilter`: write convolutions in
 * training as unfold + matMul.
 * @param wanted only this backend
 * @throws UsherError `dependency-missing` if no backend, or not the wanted one, can be loaded
 */
export async function loadTfjs(
  wanted?: TfjsBackend,
  load: Require = createRequire(__filename) as Require,
): Promise<LoadedTf> {
  const refusals: string[] = [];
  for (const backend of wanted === undefined ? TFJS_BACKENDS : [wanted]) {
    try {
      return { tf: await (backend === 'wasm' ? wasm(load) : native(load, backend)), backend };
    } catch (error) {
      refusals.push(`${backend}: ${messageOf(error).split('\n')[0] ?? ''}`);
    }
  }
  throw new UsherError('dependency-missing', `TensorFlow.js cannot be loaded (${refusals.join('; ')})`, {
    remedy:
      wanted === undefined || wanted === 'wasm'
        ? 'Run npm ci in usher’s folder.'
        : `npm install --no-save @tensorflow/${wanted}, or train without a backend option`,
  });
}

async function native(load: Require, name: 'tfjs-node' | 'tfjs-node-gpu'): Promise<Tf> {
  const tf = load(`@tensorflow/${name}`) as Tf;
  if (!(await tf.setBackend('tensorflow'))) throw new Error('its backend did not start');
  return tf;
}

async function wasm(load: Require): Promise<Tf> {
  // The whole package, not tfjs-core: it registers the gradients of its operations.
  const tf = load('@tensorflow/tfjs') as Tf;
  const entry = createRequire(__filename).resolve('@tensorflow/tfjs-backend-wasm');
  const backend = load('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(prefix: string): void };
  backend.setWasmPaths(`${path.dirname(entry)}${path.sep}`);
  if (!(await tf.setBackend('wasm'))) throw new Error('the wasm backend did not start');
  await tf.ready();
  return tf;
}
