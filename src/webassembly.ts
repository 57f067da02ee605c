/** The little of WebAssembly's JavaScript interface that is used; its types ship with the DOM's, which is not here. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  /** Detaches every view on `buffer`. @throws RangeError where memory is short */
  grow(pages: number): number;
}
interface WasmNamespace {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: object };
}

export const WASM_PAGE_BYTES = 65_536;

/** A fresh instance of a module without imports, or null where the engine does not run it. The caller knows its exports. */
export function instantiate(base64: string): object | null {
  const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly?: WasmNamespace };
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  if (wasm?.validate(bytes) !== true) return null;
  return new wasm.Instance(new wasm.Module(bytes)).exports;
}
