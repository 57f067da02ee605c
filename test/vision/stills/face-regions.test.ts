import { seededRandom } from '../../../src/random';
import { faceMask, withoutFeatures } from '../../../src/vision/stills/face-regions';
import { plainFrame } from '../../support/faces';

describe('faces in a still', () => {
  test('nothing of a face is left: two different faces become the same picture', () => {
    const random = seededRandom(7);
    const face = { x: 20, y: 16, width: 16, height: 20 };
    const frame = (): ReturnType<typeof plainFrame> => {
      const picture = plainFrame(64, 64);
      // Noise within the box; the same number of lit and dark pixels, so that the light is the same.
      const levels = Array.from({ length: 320 }, (_, i) => (i % 2 === 0 ? 0 : 255)).sort(() => random.next() - 0.5);
      for (let y = 0; y < 20; y++)
        for (let x = 0; x < 16; x++)
          picture.data.fill(levels[y * 16 + x]!, 3 * ((16 + y) * 64 + 20 + x), 3 * ((16 + y) * 64 + 20 + x) + 3);
      return picture;
    };
    const one = withoutFeatures(frame(), [face]);
    const two = withoutFeatures(frame(), [face]);
    expect(Buffer.from(one.data).equals(Buffer.from(two.data))).toBe(true);
    expect(one.data.subarray(0, 30)).toEqual(plainFrame(64, 64).data.subarray(0, 30));
  });

  test('the mask covers the whole box, ends softly, and stays in the frame', () => {
    const mask = faceMask(64, 64, [{ x: -4, y: 20, width: 20, height: 24 }]);
    expect(mask[32 * 64 + 6]).toBe(1);
    expect(mask[32 * 64 + 15]).toBe(1);
    expect(mask[32 * 64 + 40]).toBe(0);
    expect(mask.every((value) => value >= 0 && value <= 1)).toBe(true);
  });
});
