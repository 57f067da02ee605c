import { createKernel, JavaScriptKernel } from '../../../src/access/members/similarity';
import { SIMILARITY_WASM_BASE64 } from '../../../src/access/members/similarity-wasm';
import { compileWat } from '../../support/compile-wat';

describe('similarity kernel', () => {
  it('is the committed source, compiled', async () => {
    expect(SIMILARITY_WASM_BASE64).toBe(await compileWat('access/members/similarity.wat'));
  });

  it('is the fast one on this engine', () => {
    expect(createKernel().name).toBe('wasm-simd');
  });

  it('falls back to JavaScript where the engine refuses the module', () => {
    const engine = globalThis as unknown as { WebAssembly: { validate: () => boolean } };
    const validate = jest.spyOn(engine.WebAssembly, 'validate').mockReturnValue(false);
    try {
      expect(createKernel().name).toBe('javascript');
    } finally {
      validate.mockRestore();
    }
  });

  it.each([
    ['WebAssembly SIMD', createKernel],
    ['JavaScript', () => new JavaScriptKernel()],
  ])('%s keeps its contents when it grows', (_, create) => {
    const kernel = create();
    kernel.floats.set([1, 2, 3], 100);
    kernel.reserve(3_000_000);
    expect(kernel.floats.length).toBeGreaterThanOrEqual(3_000_000);
    expect([...kernel.floats.subarray(99, 104)]).toEqual([0, 1, 2, 3, 0]);
    kernel.floats[2_999_999] = 4;
    expect(kernel.floats[2_999_999]).toBe(4);
  });

  it.each([
    ['WebAssembly SIMD', createKernel],
    ['JavaScript', () => new JavaScriptKernel()],
  ])('%s compares a query with rows wherever they lie', (_, create) => {
    const kernel = create();
    kernel.floats.set([3, 4], 32);
    kernel.floats.set([3, 0], 64);
    kernel.floats.set([0, 4, 2], 80);
    kernel.squaredDistances(32, 64, 2, 16, 128);
    expect([...kernel.floats.subarray(127, 131)]).toEqual([0, 16, 13, 0]);
  });

  it.each([
    ['WebAssembly SIMD', createKernel, undefined],
    ['JavaScript', () => new JavaScriptKernel(), 'RangeError'],
  ])('%s tells who runs out of memory what to do', (_, create, cause) => {
    let error: unknown;
    try {
      create().reserve(2 ** 50);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: 'store-unavailable',
      remedy: expect.stringContaining('more memory') as string,
    });
    expect(((error as Error).cause as Error | undefined)?.name).toBe(cause);
  });
});
