import { lastValueFrom, Subject } from 'rxjs';
import { type UsherError } from '../../../src/errors';
import { MicrophoneMonitor, type MonitorOptions } from '../../../src/voice/microphone/microphone-monitor';
import { type LentSound, type MicrophoneSource, PIECE_SAMPLES } from '../../../src/voice/sources/sound';
import { joined, mixed, noise, silence, tone } from '../../support/sound';

/** A microphone that gives what the test says, on a clock that the test turns. */
function rig(options: Partial<MonitorOptions> = {}, live = true) {
  let now = 0;
  const hearing = new MicrophoneMonitor({ stuckMs: 30_000, paced: false, monotonicMs: () => now, ...options });
  let opened = new Subject<LentSound>();
  let endSample = 0;
  const source: MicrophoneSource = {
    name: 'the microphone',
    live,
    open: () => {
      opened = new Subject();
      endSample = 0;
      return opened;
    },
  };
  const watched = hearing.watch(source);
  let failed: Promise<UsherError | null> = Promise.resolve(null);
  const open = (): void => {
    failed = lastValueFrom(watched.open(), { defaultValue: null }).then(
      () => null,
      (error: unknown) => error as UsherError,
    );
  };
  const hear = (
    samples: Float32Array,
    { gap = false, rate = 16_000, invalid = 0, trouble = null as string | null } = {},
  ): void => {
    for (let at = 0; at < samples.length; at += PIECE_SAMPLES) {
      const piece = samples.slice(at, at + PIECE_SAMPLES);
      now += (piece.length * 1000) / rate;
      endSample += piece.length;
      opened.next({
        ...{ samples: piece, length: piece.length, endSample, invalid, trouble, at: 1000 + now },
        ...{ gap: gap && at === 0 ? true : endSample === piece.length, release: () => undefined },
      });
    }
  };
  open();
  return {
    hearing,
    hear,
    open,
    failure: () => failed,
    end: () => opened.complete(),
    wait: (ms: number) => (now += ms),
  };
}

describe('whether a microphone hears', () => {
  test('noise: it does, and how loud it is', () => {
    const { hearing, hear } = rig();
    hear(noise(1, 0.1));
    const report = hearing.report();
    expect(report).toMatchObject({ stuck: false, trouble: null, samples: 16_000, gaps: 0, overruns: 0 });
    // The root mean square of even noise is its amplitude over √3.
    expect(report.level?.rmsDbfs).toBeCloseTo(20 * Math.log10(0.1 / Math.sqrt(3)), 0);
    expect(hearing.report().level).toBeNull();
  });

  test.each([
    ['zeros', silence(1), 'nothing but zeros'],
    ['a direct current', silence(1).fill(0.25), 'a direct current of 25 % of full scale'],
  ])('%s: not after 3 s, and after 30 s it is opened anew', async (_name, second, told) => {
    const { hearing, hear, failure } = rig();
    hear(second);
    expect(hearing.report().stuck).toBe(false);
    for (let i = 0; i < 4; i++) hear(second);
    expect(hearing.report()).toMatchObject({ stuck: true, trouble: expect.stringContaining(told) as string });
    for (let i = 0; i < 30; i++) hear(second);
    expect(await failure()).toMatchObject({
      code: 'microphone-failed',
      remedy: expect.stringContaining('alsamixer') as string,
    });
  });

  test('one sample that differs is a sign of life', () => {
    const { hearing, hear } = rig();
    for (let i = 0; i < 60; i++) {
      const second = silence(1);
      second[5] = 1e-4;
      hear(second);
    }
    expect(hearing.report().stuck).toBe(false);
  });

  test('never anew where nobody wants it, and never a recording, which may be silent', async () => {
    for (const { hear, end, failure, hearing } of [rig({ stuckMs: null }), rig({}, false)]) {
      for (let i = 0; i < 60; i++) hear(silence(1));
      expect(hearing.report().stuck).toBe(true);
      end();
      expect(await failure()).toBeNull();
    }
  });

  test('opened anew, the silence before does not count', () => {
    const { hearing, hear, open } = rig();
    for (let i = 0; i < 20; i++) hear(silence(1));
    open();
    for (let i = 0; i < 2; i++) hear(silence(1));
    expect(hearing.report()).toMatchObject({ stuck: false, gaps: 1 });
  });

  test.each([
    ['clipped', () => tone(1, 300, 3).map((value) => Math.max(-1, Math.min(1, value))), 'too loud'],
    ['off centre', () => noise(1, 0.1).map((value) => value + 0.3), 'DC offset'],
  ])('%s sound is told of, for a while', (_name, sound, told) => {
    const { hearing, hear, wait } = rig();
    hear(sound());
    expect(hearing.report()).toMatchObject({ stuck: false, trouble: expect.stringContaining(told) as string });
    hear(noise(1, 0.1));
    expect(hearing.report().trouble).toContain(told);
    wait(60_000);
    expect(hearing.report().trouble).toBeNull();
  });

  test('a direct current that is all there is, however small', () => {
    const { hearing, hear } = rig();
    hear(noise(1, 1e-4).map((value) => value + 0.02));
    expect(hearing.report().trouble).toContain('a DC offset and almost no sound');
  });

  test('a small direct current under sound is none', () => {
    const { hearing, hear } = rig();
    hear(noise(1, 0.1).map((value) => value + 0.02));
    expect(hearing.report().trouble).toBeNull();
  });

  const hum = (hz: number, seconds: number): Float32Array => {
    const [first, third] = [tone(seconds, hz, 0.05), tone(seconds, 3 * hz, 0.02)];
    return noise(seconds, 1e-3).map((value, i) => value + 0.1 + (first[i] as number) + (third[i] as number));
  };

  test.each([50, 59.9, 60])('nothing but mains hum at %d Hz for ten seconds', (hz) => {
    const { hearing, hear } = rig();
    hear(hum(hz, 9));
    expect(hearing.report().trouble ?? '').not.toContain('hum');
    hear(hum(hz, 2));
    expect(hearing.report().trouble).toContain(`mains hum (${Math.round(hz)} Hz)`);
  });

  test.each<[string, () => Float32Array]>([
    [
      'hum below a voice',
      () => joined(...Array.from({ length: 12 }, (_, i) => mixed(hum(50, 1), noise(0.3, 0.2, i + 1), 0.3))),
    ],
    ['a tone that is none of the mains', () => tone(12, 440, 0.1)],
    ['hum with pauses of noise', () => joined(...Array.from({ length: 4 }, () => joined(hum(50, 5), noise(1, 0.1))))],
    ['silence', () => silence(12)],
  ])('%s is no hum', (_name, sound) => {
    const { hearing, hear } = rig();
    hear(sound());
    expect(hearing.report().trouble ?? '').not.toContain('hum');
  });

  test('what is wrong with the channels is passed on', () => {
    const { hearing, hear } = rig();
    hear(noise(0.08, 0.1), { trouble: 'its two channels are in antiphase' });
    expect(hearing.report().trouble).toContain('antiphase');
  });

  test('samples that were no numbers are told of', () => {
    const { hearing, hear } = rig();
    hear(noise(0.08, 0.1), { invalid: 3 });
    expect(hearing.report().trouble).toContain('not numbers');
  });

  test('losses are counted apart from openings', () => {
    const { hearing, hear, open } = rig();
    hear(noise(0.5, 0.1));
    hear(noise(0.5, 0.1), { gap: true });
    open();
    hear(noise(0.5, 0.1));
    expect(hearing.report()).toMatchObject({ gaps: 1, overruns: 1 });
  });
});

describe('the pace of a device', () => {
  test.each([48_000, 44_100, 8000, 11_025])('one that runs at %i Hz is not believed', async (rate) => {
    const { hear, failure } = rig({ paced: true });
    for (let i = 0; i < (40 * rate) / 16_000; i++) hear(noise(1, 0.1), { rate });
    const error = await failure();
    expect(error?.message).toContain(`it gives ${Math.round(rate / 100) * 100} samples a second`);
    expect(error?.remedy).toContain('plughw');
  });

  test('a sound card’s own clock, and a box that was busy for a while, are no reason', async () => {
    const { hearing, hear, wait, failure, end } = rig({ paced: true });
    for (let i = 0; i < 120; i++) {
      // Every 20 s this process stands still for 1.5 s, and gets what has waited all at once.
      if (i % 20 === 19) {
        wait(1500);
        hear(noise(1.5, 0.1), { rate: 1e9 });
      }
      hear(noise(1, 0.1), { rate: 16_003 });
    }
    expect(hearing.report().overruns).toBe(0);
    end();
    expect(await failure()).toBeNull();
  });

  test('sound that goes missing without a word is counted', () => {
    const { hearing, hear, wait } = rig({ paced: true });
    for (let i = 0; i < 60; i++) {
      if (i === 20 || i === 40) wait(400);
      hear(noise(1, 0.1));
    }
    expect(hearing.report().overruns).toBe(2);
  });
});
