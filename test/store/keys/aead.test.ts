import fc from 'fast-check';
import { type Binding, seal, SEAL_OVERHEAD, tagOf, unseal } from '../../../src/store/keys/aead';

const KEY = new Uint8Array(32).fill(3);
const OTHER = new Uint8Array(32).fill(4);
const binding = fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 4 });

describe('sealing', () => {
  it('gives back what was sealed, to the same key and binding only', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), binding, binding, (plain, bound, other) => {
        const sealed = seal(KEY, plain, bound);
        expect(sealed).toHaveLength(plain.length + SEAL_OVERHEAD);
        expect(Uint8Array.from(unseal(KEY, sealed, bound)!)).toEqual(Uint8Array.from(plain));
        expect(unseal(OTHER, sealed, bound)).toBeNull();
        if (JSON.stringify(other) !== JSON.stringify(bound)) expect(unseal(KEY, sealed, other)).toBeNull();
      }),
    );
  });

  it('opens nothing of which any bit was changed, or that was cut', () => {
    const bound: Binding = ['template', 'a', 'space', 1];
    const sealed = seal(KEY, new Uint8Array(64).fill(5), bound);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const bent = Uint8Array.from(sealed);
      bent[bit >> 3]! ^= 1 << (bit & 7);
      expect(unseal(KEY, bent, bound)).toBeNull();
    }
    for (let length = 0; length < sealed.length; length += 1)
      expect(unseal(KEY, sealed.subarray(0, length), bound)).toBeNull();
  });

  it('never gives the same bytes twice', () => {
    const tags = Array.from({ length: 500 }, () =>
      Buffer.from(tagOf(seal(KEY, new Uint8Array(4), []))).toString('hex'),
    );
    expect(new Set(tags).size).toBe(500);
  });

  it('tells bindings apart that read alike', () => {
    const sealed = seal(KEY, new Uint8Array(4), ['a', 'b']);
    for (const other of [['a,b'], ['ab'], ['a', 'b', ''], ['"a","b"']]) expect(unseal(KEY, sealed, other)).toBeNull();
  });
});
