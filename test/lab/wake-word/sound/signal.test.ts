import fc from 'fast-check';
import { equalise } from '../../../../src/lab/wake-word/sound/equalise';
import { multiplySpectra, RealFft } from '../../../../src/voice/features/fft';
import { activeLevel, decibels } from '../../../../src/lab/wake-word/sound/levels';
import { RATE_HZ } from '../../../../src/lab/wake-word/sound/rate';
import { resample } from '../../../../src/lab/wake-word/sound/resample';
import { roomOf, simulateRoom } from '../../../../src/lab/wake-word/sound/room';
import { seededRandom } from '../../../../src/random';
import { sound } from './sounds';

const reals = (length: number) =>
  fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: length, maxLength: length });

describe('the Fourier transform', () => {
  const fft = new RealFft(32);

  it('is that of the definition, and is undone by its inverse', () => {
    fc.assert(
      fc.property(reals(32), (values) => {
        const spectrum = Float32Array.from(values);
        fft.forward(spectrum);
        for (let k = 0; k <= 16; k++) {
          const at = (of: (x: number) => number): number =>
            values.reduce((sum, value, i) => sum + value * of((2 * Math.PI * k * i) / 32), 0);
          const re = at(Math.cos);
          const [gotRe, gotIm] =
            k === 0 ? [spectrum[0]!, 0] : k === 16 ? [spectrum[1]!, 0] : [spectrum[2 * k]!, spectrum[2 * k + 1]!];
          expect(gotRe).toBeCloseTo(re, 4);
          if (k > 0 && k < 16) expect(gotIm).toBeCloseTo(-at(Math.sin), 4);
        }
        fft.inverse(spectrum);
        values.forEach((value, i) => expect(spectrum[i]).toBeCloseTo(value, 5));
      }),
      { numRuns: 30 },
    );
  });

  it('convolves by multiplication', () => {
    const a = new Float32Array(32);
    const b = new Float32Array(32);
    a.set([1, 2, 3], 4);
    b.set([1, 0, -1], 2);
    fft.forward(a);
    fft.forward(b);
    multiplySpectra(a, b);
    fft.inverse(a);
    [1, 2, 2, -2, -3].forEach((value, i) => expect(a[6 + i]).toBeCloseTo(value, 5));
  });
});

describe('resampling', () => {
  it.each([44_100, 22_050, 8_000, 32_000])('keeps a tone of 1 kHz at %i Hz what it is', (rate) => {
    const tone = Float32Array.from({ length: rate / 4 }, (_, i) => Math.sin((2 * Math.PI * 1000 * i) / rate));
    const out = resample(tone, rate / RATE_HZ);
    for (let i = 200; i < out.length - 200; i++)
      expect(Math.abs(out[i]! - Math.sin((2 * Math.PI * 1000 * i) / RATE_HZ))).toBeLessThan(0.005);
  });

  it('lets nothing through that the new rate cannot hold', () => {
    const tone = Float32Array.from({ length: 12_000 }, (_, i) => Math.sin((2 * Math.PI * 11_000 * i) / 48_000));
    const out = resample(tone, 3);
    expect(Math.max(...out.subarray(100, -100).map(Math.abs))).toBeLessThan(0.001);
  });
});

describe('rooms', () => {
  it.each([1, 2, 3, 4, 5])('begin with the direct sound and have the energy of 1 (seed %i)', (seed) => {
    const room = simulateRoom(seededRandom(seed));
    const energy = room.reduce((sum, value) => sum + value * value, 0);
    expect(energy).toBeCloseTo(1, 3);
    expect(Math.abs(room[0]!)).toBeGreaterThan(0);
    // It dies away: the last fifth is a small part of it.
    const late = room.subarray(Math.floor(room.length * 0.8)).reduce((sum, value) => sum + value * value, 0);
    expect(late).toBeLessThan(0.05);
    expect([...room].every(Number.isFinite)).toBe(true);
  });

  it('are told from effects', () => {
    const decay = sound(0.5, (t) => 0.8 * Math.exp(-12 * t) * Math.sin(2 * Math.PI * 700 * t + 1.2));
    expect(roomOf(decay)).not.toBeNull();
    expect(roomOf(Int16Array.from(decay).reverse())).toBeNull();
    expect(roomOf(sound(2, (t) => 0.5 * Math.sin(2 * Math.PI * 200 * t)))).toBeNull();
    expect(roomOf(new Int16Array(1000))).toBeNull();
  });
});

it('measures speech where it is active, whatever pauses it makes', () => {
  const tone = Float32Array.from(
    sound(1, (t) => 0.1 * Math.sin(2 * Math.PI * 500 * t)),
    (x) => x / 32_768,
  );
  const padded = new Float32Array(5 * RATE_HZ);
  padded.set(tone, 2 * RATE_HZ);
  expect(decibels(activeLevel(padded))).toBeCloseTo(decibels(activeLevel(tone)), 1);
  expect(decibels(activeLevel(tone))).toBeCloseTo(-23, 0);
});

it('equalises within reason: no filter blows up', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const random = seededRandom(seed);
      const noise = Float32Array.from({ length: 4000 }, () => random.between(-1, 1));
      equalise(noise, noise.length, random);
      expect(noise.every((x) => Math.abs(x) < 20)).toBe(true);
    }),
    { numRuns: 50 },
  );
});
