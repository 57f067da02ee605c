import { UsherError } from '../../errors';
import { instantiate, WASM_PAGE_BYTES, type WasmMemory } from '../../webassembly';
import { SIMILARITY_WASM_BASE64 } from './similarity-wasm';

/**
 * A growing block of float32 memory and the one operation on it that must be fast. Offsets and lengths are in floats
 * and multiples of `LANE_FLOATS`; floats between the dimensions and that multiple must be zero.
 */
export interface SimilarityKernel {
  readonly name: 'wasm-simd' | 'javascript';
  /** The whole block. It is another object after `reserve`, so do not keep it. */
  readonly floats: Float32Array;
  /**
   * Makes the block at least this long and keeps its content. Throws `UsherError('store-unavailable')` if memory is
   * short.
   */
  reserve(floats: number): void;
  /** out[i] = |query − row i|², for `rows` consecutive rows. */
  squaredDistances(query: number, row: number, rows: number, rowFloats: number, out: number): void;
}

/** Floats that the kernel takes in one turn; rows are padded to it. */
export const LANE_FLOATS = 16;

interface KernelExports {
  readonly memory: WasmMemory;
  squaredDistances(query: number, row: number, rows: number, rowBytes: number, out: number): void;
}

const PAGE_FLOATS = WASM_PAGE_BYTES / 4;

/** Grows by an eighth: V8 extends a WebAssembly memory in place, so growing costs no copy and wastes little. */
class WasmKernel implements SimilarityKernel {
  readonly name = 'wasm-simd';
  floats: Float32Array;

  constructor(private readonly exports: KernelExports) {
    this.floats = new Float32Array(exports.memory.buffer);
  }

  reserve(floats: number): void {
    const missing = floats - this.floats.length;
    if (missing <= 0) return;
    const least = Math.ceil(missing / PAGE_FLOATS);
    const generous = Math.max(least, Math.ceil(this.floats.length / 8 / PAGE_FLOATS));
    if (!this.tryGrow(generous) && !this.tryGrow(least)) throw outOfMemory(floats, null);
    this.floats = new Float32Array(this.exports.memory.buffer);
  }

  private tryGrow(pages: number): boolean {
    try {
      this.exports.memory.grow(pages);
      return true;
    } catch {
      return false;
    }
  }

  squaredDistances(query: number, row: number, rows: number, rowFloats: number, out: number): void {
    this.exports.squaredDistances(query * 4, row * 4, rows, rowFloats * 4, out * 4);
  }
}

/** The same in plain JavaScript: the reference for tests, and the fallback without WebAssembly SIMD. */
export class JavaScriptKernel implements SimilarityKernel {
  readonly name = 'javascript';
  floats = new Float32Array(PAGE_FLOATS);

  reserve(floats: number): void {
    if (floats <= this.floats.length) return;
    try {
      const larger = new Float32Array(Math.max(floats, Math.ceil(this.floats.length * 1.5)));
      larger.set(this.floats);
      this.floats = larger;
    } catch (cause) {
      throw outOfMemory(floats, cause);
    }
  }

  squaredDistances(query: number, row: number, rows: number, rowFloats: number, out: number): void {
    const floats = this.floats;
    let at = row;
    for (let i = 0; i < rows; i += 1) {
      let even = 0;
      let odd = 0;
      for (let j = 0; j < rowFloats; j += 2, at += 2) {
        const a = (floats[at] as number) - (floats[query + j] as number);
        const b = (floats[at + 1] as number) - (floats[query + j + 1] as number);
        even += a * a;
        odd += b * b;
      }
      floats[out + i] = even + odd;
    }
  }
}

/** The fastest kernel that this engine runs. */
export function createKernel(): SimilarityKernel {
  const exports = instantiate(SIMILARITY_WASM_BASE64);
  return exports === null ? new JavaScriptKernel() : new WasmKernel(exports as KernelExports);
}

function outOfMemory(floats: number, cause: unknown): UsherError {
  const mebibytes = Math.ceil((floats * 4) / 2 ** 20);
  return new UsherError('store-unavailable', `the gallery needs ${mebibytes} MiB of memory, which are not available`, {
    remedy: 'Give the process more memory, or remove templates of members who left.',
    ...(cause === null ? {} : { cause }),
  });
}
