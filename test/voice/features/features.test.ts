import fc from 'fast-check';
import { seededRandom } from '../../../src/random';
import { FeatureExtractor, featuresOf, MEL_BANDS, SAMPLE_RATE_HZ } from '../../../src/voice/features/features';
import { RealFft } from '../../../src/voice/features/fft';
import { melFilters } from '../../../src/voice/features/mel';

/** Two tones, a sweep, noise and a pause: half a second that moves every band. */
function testSignal(seconds = 0.5): Float32Array {
  const random = seededRandom(7);
  return Float32Array.from({ length: seconds * SAMPLE_RATE_HZ }, (_, i) => {
    const t = i / SAMPLE_RATE_HZ;
    if (t > 0.2 && t < 0.25) return 0;
    return (
      0.2 * Math.sin(2 * Math.PI * 220 * t) +
      0.1 * Math.sin(2 * Math.PI * (300 + 6000 * t) * t) +
      0.01 * random.normal()
    );
  });
}

/** Cuts `samples` at the given lengths, over and over, and collects the frames. */
function inChunks(samples: Float32Array, lengths: readonly number[]): Float32Array {
  const extractor = new FeatureExtractor();
  const frames: number[] = [];
  let turn = 0;
  for (let at = 0; at < samples.length; turn++) {
    const chunk = samples.subarray(at, at + (lengths[turn % lengths.length] as number));
    const out = new Float32Array(extractor.framesAfter(chunk.length) * MEL_BANDS);
    const written = extractor.push(chunk, out);
    expect(written * MEL_BANDS).toBe(out.length);
    frames.push(...out);
    at += chunk.length;
  }
  return Float32Array.from(frames);
}

describe('features', () => {
  it('are the same, bit by bit, however the sound is cut', () => {
    const samples = testSignal();
    const whole = featuresOf(samples);
    expect(whole.length).toBe(48 * MEL_BANDS);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 8 }), (lengths) => {
        expect(inChunks(samples, lengths)).toEqual(whole);
      }),
      { numRuns: 40, examples: [[[1]], [[160_000]], [[1280]], [[399, 1]]] },
    );
  });

  it('are these numbers', () => {
    const frames = featuresOf(testSignal());
    const seen = [0, 9, 24, 47].map((frame) =>
      [0, 3, 11, 20, 39].map((band) => Number((frames[frame * MEL_BANDS + band] as number).toFixed(5))),
    );
    expect(seen).toEqual([
      [0.29201, 0.2871, 0.26377, 0.26772, 0.26669],
      [0.28968, 0.22409, 0.00653, 0.09393, 0.38852],
      [0.48566, 0.56506, 0.00636, 0.00498, 0.48396],
      [0.30038, 0.26409, 0.02658, 0.02055, 0.37716],
    ]);
  });

  it('hardly change with gain', () => {
    const samples = testSignal();
    const whole = featuresOf(samples);
    const quiet = featuresOf(samples.map((sample) => sample / 10));
    const worst = whole.reduce((most, value, i) => Math.max(most, Math.abs(value - (quiet[i] as number))), 0);
    expect(Math.max(...whole)).toBeGreaterThan(1);
    expect(worst).toBeLessThan(0.3);
  });

  it('are zero in digital silence, and finite after it', () => {
    const samples = new Float32Array(8000);
    samples.fill(0.5, 6000);
    const frames = featuresOf(samples);
    expect([...frames.subarray(0, 30 * MEL_BANDS)].every((value) => Math.abs(value) < 1e-6)).toBe(true);
    expect([...frames].every(Number.isFinite)).toBe(true);
  });

  it('start afresh after a reset', () => {
    const samples = testSignal();
    const extractor = new FeatureExtractor();
    const out = new Float32Array(60 * MEL_BANDS);
    extractor.push(samples.subarray(0, 3001), out);
    extractor.reset();
    const written = extractor.push(samples, out);
    expect(out.subarray(0, written * MEL_BANDS)).toEqual(featuresOf(samples));
  });

  it('refuse samples that are no numbers, and an output that is too small', () => {
    const samples = testSignal();
    samples[1000] = NaN;
    expect(() => featuresOf(samples)).toThrow(/not numbers/);
    expect(() => new FeatureExtractor().push(testSignal(), new Float32Array(40))).toThrow(RangeError);
  });
});

describe('the spectrum', () => {
  // An odd and an even number of stages.
  it.each([4, 8, 16, 64, 128, 512])('is that of the definition, of %i samples', (size) => {
    const random = seededRandom(3);
    const fft = new RealFft(size);
    for (let i = 0; i < size; i++) fft.input[i] = random.normal();
    fft.powers();
    for (let k = 0; k <= size / 2; k++) {
      let re = 0;
      let im = 0;
      for (let i = 0; i < size; i++) {
        re += (fft.input[i] as number) * Math.cos((2 * Math.PI * k * i) / size);
        im -= (fft.input[i] as number) * Math.sin((2 * Math.PI * k * i) / size);
      }
      expect(fft.power[k]).toBeCloseTo(re * re + im * im, 9);
    }
  });
});

describe('mel filters', () => {
  it('cover the range without gap, and each holds something', () => {
    const filters = melFilters(40, 100, 7600, 512, 16_000);
    const covered = new Float64Array(257);
    for (const { first, weights } of filters) {
      expect(weights.length).toBeGreaterThan(0);
      weights.forEach((weight, i) => {
        expect(weight).toBeGreaterThan(0);
        expect(weight).toBeLessThanOrEqual(1);
        covered[first + i] = (covered[first + i] as number) + weight;
      });
    }
    // Between the outermost centres, the two triangles over a bin add up to 1.
    for (let bin = 6; bin < 226; bin++) expect(covered[bin]).toBeCloseTo(1, 9);
    expect(covered[0]).toBe(0);
  });
});
