import { seededRandom, type Random } from '../../../../src/random';
import { warpBands } from '../../../../src/lab/wake-word/training/band-warp';
import { HIGHEST_HZ, LOWEST_HZ, MEL_BANDS } from '../../../../src/voice/features/features';
import { bandAt, bandCentre } from '../../../../src/voice/features/mel';

const drawing = (draw: number): Random => ({ ...seededRandom(1), below: () => draw });
const peakOf = (frame: Float32Array): number => frame.indexOf(Math.max(...frame));

describe('another build of talker', () => {
  const frames = (): Float32Array => {
    const features = new Float32Array(2 * MEL_BANDS);
    // A formant at 1.5 kHz, and in the second frame one at 500 Hz.
    [1500, 500].forEach((hz, i) => {
      const place = Math.round(bandAt(hz, MEL_BANDS, LOWEST_HZ, HIGHEST_HZ));
      features[i * MEL_BANDS + place] = 1;
    });
    return features;
  };

  it('moves every frequency by one factor', () => {
    for (const [draw, factor] of [
      [0, 0.9],
      [16, 1.1],
    ] as const) {
      const before = frames();
      const after = frames();
      warpBands(after, drawing(draw));
      for (const at of [0, MEL_BANDS]) {
        const centre = (features: Float32Array): number =>
          bandCentre(peakOf(features.subarray(at, at + MEL_BANDS)), MEL_BANDS, LOWEST_HZ, HIGHEST_HZ);
        // A band is read from `factor` times its own frequency: what is there moves the other way.
        const moved = bandAt(centre(before) / factor, MEL_BANDS, LOWEST_HZ, HIGHEST_HZ);
        expect(Math.abs(moved - bandAt(centre(after), MEL_BANDS, LOWEST_HZ, HIGHEST_HZ))).toBeLessThanOrEqual(1);
      }
    }
  });

  it('of the mean build changes nothing, and none leaves the bands', () => {
    const same = frames();
    warpBands(same, drawing(8));
    frames().forEach((value, i) => expect(same[i]).toBeCloseTo(value, 5));
    for (let draw = 0; draw <= 16; draw++) {
      const flat = new Float32Array(3 * MEL_BANDS).fill(0.7);
      warpBands(flat, drawing(draw));
      expect([...flat].every((value) => Math.abs(value - 0.7) < 1e-6)).toBe(true);
    }
  });
});

test('a band is where its centre is', () => {
  for (const band of [0, 7, 39]) expect(bandAt(bandCentre(band, 40, 100, 7600), 40, 100, 7600)).toBeCloseTo(band, 9);
});
