import fc from 'fast-check';
import { ChannelMixer, judgeChannels, mixRecording } from '../../src/sources/channels';
import { noise, silence, tone } from '../support/sound';

function interleaved(left: Float32Array, right: Float32Array): Float32Array {
  const stereo = new Float32Array(2 * left.length);
  left.forEach((value, i) => {
    stereo[2 * i] = value;
    stereo[2 * i + 1] = right[i] as number;
  });
  return stereo;
}

const scaled = (samples: Float32Array, gain: number): Float32Array => samples.map((value) => gain * value);
const power = (samples: Float32Array): number =>
  samples.reduce((sum, value) => sum + value * value, 0) / samples.length;

function mix(mixer: ChannelMixer, stereo: Float32Array): Float32Array {
  const mono = new Float32Array(stereo.length / 2);
  mixer.mix(stereo, mono, mono.length);
  return mono;
}

describe('which channel of two is heard', () => {
  const voice = noise(2, 0.2);

  test.each<[string, Float32Array, string | null]>([
    ['the same in both', voice, null],
    ['half as loud in the right one', scaled(voice, 0.5), null],
    ['another noise in the right one', noise(2, 0.2, 7), null],
    ['antiphase', scaled(voice, -1), 'antiphase'],
    ['antiphase, and the right one weaker', scaled(voice, -0.7), 'antiphase'],
    ['nothing in the right one', silence(2), 'only its left channel'],
    ['a direct current in the right one', silence(2).fill(0.5), 'only its left channel'],
  ])('%s: the voice is kept', (_name, right, trouble) => {
    const mixer = new ChannelMixer('auto');
    const stereo = interleaved(voice, right);
    mix(mixer, stereo);
    const heard = mix(mixer, stereo);
    expect(power(heard)).toBeGreaterThan(0.25 * power(voice));
    if (trouble === null) expect(mixer.trouble).toBeNull();
    else expect(mixer.trouble).toContain(trouble);
  });

  test('the mean alone would be silent: what was mixed before', () => {
    const antiphase = interleaved(voice, scaled(voice, -1));
    expect(power(mix(new ChannelMixer('mix'), antiphase))).toBe(0);
    expect(power(mixRecording(antiphase))).toBeCloseTo(power(voice));
    expect(mixRecording(interleaved(voice, voice))).toEqual(voice);
  });

  test('a fixed choice is kept whatever comes', () => {
    const right = tone(2, 300, 0.1);
    const stereo = interleaved(voice, right);
    expect(mix(new ChannelMixer('left'), stereo)).toEqual(voice);
    expect(mix(new ChannelMixer('right'), stereo)).toEqual(right);
  });

  test('noise of the electronics decides nothing', () => {
    const mixer = new ChannelMixer('auto');
    const hiss = noise(3, 0.001);
    mix(mixer, interleaved(hiss, scaled(hiss, -1)));
    expect(mixer.trouble).toBeNull();
    expect(judgeChannels(0, 0, 0)).toBeNull();
    expect(judgeChannels(NaN, NaN, NaN)).toBeNull();
  });

  test('once the wiring is mended the mean comes back, after ten seconds of sound', () => {
    const mixer = new ChannelMixer('auto');
    mix(mixer, interleaved(voice, scaled(voice, -1)));
    const mended = interleaved(voice, voice);
    for (let second = 0; second < 8; second += 2) mix(mixer, mended);
    expect(mixer.trouble).toContain('antiphase');
    for (let second = 8; second < 12; second += 2) mix(mixer, mended);
    expect(mixer.trouble).toBeNull();
  });

  test('pieces may be cut anywhere', () => {
    const stereo = interleaved(voice, scaled(voice, -1));
    const whole = mix(new ChannelMixer('auto'), stereo);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { maxLength: 20 }), (cuts) => {
        const mixer = new ChannelMixer('auto');
        const parts: Float32Array[] = [];
        let from = 0;
        for (const cut of [...cuts, whole.length]) {
          const to = Math.min(whole.length, from + cut);
          parts.push(mix(mixer, stereo.slice(2 * from, 2 * to)));
          from = to;
        }
        expect(parts.flatMap((part) => [...part])).toEqual([...whole]);
      }),
      { numRuns: 20 },
    );
  });
});
