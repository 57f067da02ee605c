import { UsherError } from '../../../errors';
import { instantiate, WASM_PAGE_BYTES, type WasmMemory } from '../../../webassembly';
import { RECURRENT_WASM_BASE64 } from './recurrent-wasm';

/** Exports of `recurrent.wat`, where each is explained. Offsets and strides are in bytes. */
interface Exports {
  readonly memory: WasmMemory;
  multiply(
    a: number,
    aRow: number,
    aColumn: number,
    b: number,
    bRow: number,
    c: number,
    cRow: number,
    m: number,
    n: number,
    k: number,
    accumulate: number,
  ): void;
  gatesForward(x: number, hidden: number, h: number, next: number, rows: number, bytes: number): void;
  gatesBackward(gates: number, hidden: number, h: number, dh: number, rows: number, bytes: number): void;
}

/** A matrix in the arena: where its (0, 0) is, and how far it is to the next row and to the next column. */
export interface Strided {
  readonly at: number;
  readonly row: number;
  readonly column: number;
}

/** Rows of A that stay in the cache while all of B passes; terms of a long sum that do. */
const BLOCK_ROWS = 64;
const BLOCK_TERMS = 128;
const ALIGN = 64;

/**
 * Memory of the training kernels. Blocks are handed out one after the other and all given back at once by `clear`, at the begin of
 * each training step: what the forward pass leaves lies there until the backward pass has read it.
 */
export class Arena {
  private readonly exports: Exports;
  private top = 0;

  /** @throws UsherError `dependency-missing` where the engine has no WebAssembly SIMD */
  constructor() {
    const exports = instantiate(RECURRENT_WASM_BASE64);
    if (exports === null)
      throw new UsherError('dependency-missing', 'training needs WebAssembly SIMD, which this engine lacks', {
        remedy: 'Train with Node.js 20.9 or later on x64 or arm64.',
      });
    this.exports = exports as Exports;
  }

  clear(): void {
    this.top = 0;
  }

  /** Byte offset of a block of so many floats, of whatever content. */
  take(floats: number): number {
    const at = this.top;
    this.top = at + Math.ceil((floats * 4) / ALIGN) * ALIGN;
    const missing = this.top - this.exports.memory.buffer.byteLength;
    if (missing > 0) this.exports.memory.grow(Math.ceil(missing / WASM_PAGE_BYTES));
    return at;
  }

  put(values: Float32Array): number {
    const at = this.take(values.length);
    this.view(at, values.length).set(values);
    return at;
  }

  /** Good until the next `take`. */
  view(at: number, floats: number): Float32Array {
    return new Float32Array(this.exports.memory.buffer, at, floats);
  }

  /** C (dense rows of `cRow` bytes) = or += A · B. m must be a multiple of 4 and n of 8. */
  multiply(
    a: Strided,
    b: { at: number; row: number },
    c: { at: number; row: number },
    { m, n, k }: { m: number; n: number; k: number },
    accumulate: boolean,
  ): void {
    if (m % 4 !== 0 || n % 8 !== 0) throw new RangeError(`a product of ${m} × ${n} does not fit the kernel`);
    for (let term = 0; term < k; term += BLOCK_TERMS) {
      const terms = Math.min(BLOCK_TERMS, k - term);
      for (let row = 0; row < m; row += BLOCK_ROWS)
        this.exports.multiply(
          a.at + row * a.row + term * a.column,
          a.row,
          a.column,
          b.at + term * b.row,
          b.row,
          c.at + row * c.row,
          c.row,
          Math.min(BLOCK_ROWS, m - row),
          n,
          terms,
          accumulate || term > 0 ? 1 : 0,
        );
    }
  }

  gatesForward(x: number, hidden: number, h: number, next: number, rows: number, units: number): void {
    this.exports.gatesForward(x, hidden, h, next, rows, 4 * units);
  }

  gatesBackward(gates: number, hidden: number, h: number, dh: number, rows: number, units: number): void {
    this.exports.gatesBackward(gates, hidden, h, dh, rows, 4 * units);
  }
}
