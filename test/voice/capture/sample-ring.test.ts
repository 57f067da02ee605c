import fc from 'fast-check';
import { SampleRing } from '../../../src/voice/capture/sample-ring';

const CAPACITY = 12;

test('gives back what was heard last, however it came in, and forgets at a reset', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 3 * CAPACITY }), { maxLength: 8 });
  const asked = fc
    .tuple(fc.integer({ min: 0, max: CAPACITY }), fc.integer({ min: 0, max: CAPACITY }))
    .filter(([length, ago]) => length + ago <= CAPACITY);
  fc.assert(
    fc.property(lengths, lengths, asked, (before, pieces, [length, ago]) => {
      const ring = new SampleRing(CAPACITY);
      for (const size of before) ring.add(new Float32Array(size).fill(-1));
      ring.reset();
      const heard: number[] = [];
      for (const size of pieces) {
        const piece = Float32Array.from({ length: size }, (_, i) => heard.length + i);
        heard.push(...piece);
        // Behind what counts a lent buffer may hold anything.
        ring.add(Float32Array.of(...piece, -2, -2), size);
      }
      expect(ring.heard).toBe(heard.length);
      const end = Math.max(0, heard.length - ago);
      expect([...ring.last(length, ago)]).toEqual(heard.slice(Math.max(0, end - length), end));
    }),
  );
});
