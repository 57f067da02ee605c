import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { filter, firstValueFrom, lastValueFrom, take, tap, toArray } from 'rxjs';
import { MicrophoneConfig } from '../../../src/config/schema/microphones';
import { type UsherError } from '../../../src/errors';
import { superviseSource, type SourceHealth } from '../../../src/sources/source-supervisor';
import { createMicrophoneSource } from '../../../src/voice/sources/create';
import { type MicrophoneSource } from '../../../src/voice/sources/sound';
import { microphoneSupervision } from '../../../src/voice/supervision';
import { describeWithArecord, FileSoundCard, hasSox } from '../../support/alsa';
import { setForPrograms } from '../../support/environment';
import { childrenRunning } from '../../support/processes';
import { tone } from '../../support/sound';

const microphone = (source: object): MicrophoneConfig =>
  MicrophoneConfig.parse({ id: 'hall', source, words: [{ model: 'wake-beep' }], stallMs: 700, startMs: 8000 });
const sourceOf = (source: object): MicrophoneSource =>
  createMicrophoneSource(microphone(source), { warn: () => undefined }, () => {
    throw new Error('not asked for');
  });
const failure = (source: MicrophoneSource): Promise<UsherError> =>
  lastValueFrom(source.open(), { defaultValue: null }).then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as UsherError,
  );

describe('what a configuration may call a device', () => {
  test.each(['default', 'plughw:1,0', 'plughw:CARD=Device,DEV=0', 'sysdefault:CARD=C920', 'pulse', 'usher_mic'])(
    '%s',
    (device) =>
      expect(microphone({ type: 'arecord', device }).source).toEqual({ type: 'arecord', device, channel: 'auto' }),
  );
  test.each([
    '',
    '-D',
    '--help',
    'hw:1;reboot',
    '$(id)',
    'a b',
    '/dev/snd/pcm',
    'x:/etc/passwd',
    '|sh',
    'plughw:1,0\n',
  ])('not %j', (device) => {
    for (const type of ['arecord', 'sox'])
      expect(MicrophoneConfig.shape.source.safeParse({ type, device }).success).toBe(false);
  });
  test('rec takes the default device alone, and says so', () => {
    expect(MicrophoneConfig.shape.source.safeParse({ type: 'rec', device: 'default' }).success).toBe(false);
  });
});

describe('with a program in the place of the recorder', () => {
  const dir = mkdtempSync(join(tmpdir(), 'usher-recorder-'));
  const path = process.env['PATH'] ?? '';
  afterAll(() => rmSync(dir, { recursive: true }));
  afterEach(() => setForPrograms('PATH', path));
  /** A stand-in for arecord that does what the script says. */
  const standIn = (script: string): void => {
    writeFileSync(join(dir, 'arecord'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(dir, 'arecord'), 0o755);
    setForPrograms('PATH', `${dir}${delimiter}${path}`);
  };

  test('raw is asked for, never wav, and the device is one argument', async () => {
    standIn(`echo "$#" "$@" > ${join(dir, 'asked')}; head -c 320000 /dev/zero`);
    await lastValueFrom(
      sourceOf({ type: 'arecord', device: 'plughw:1,0' })
        .open()
        .pipe(tap((s) => s.release())),
    );
    const asked = readFileSync(join(dir, 'asked'), 'utf8').trim();
    expect(asked).toBe('12 -D plughw:1,0 -q -r 16000 -c 2 -t raw -f S16_LE -');
  });

  test.each([
    [{ device: 'hw:1,0' }, 1],
    [{ device: 'usher_mic' }, 1],
    [{ device: 'plughw:1,0', channel: 'mix' }, 1],
    [{ device: 'usher_mic', channel: 'right' }, 2],
    [{}, 2],
  ])('%j: so many channels are asked for: %d', async (settings, channels) => {
    standIn(`echo "$@" > ${join(dir, 'asked')}; head -c 32000 /dev/zero`);
    await lastValueFrom(
      sourceOf({ type: 'arecord', ...settings })
        .open()
        .pipe(tap((s) => s.release())),
    );
    expect(readFileSync(join(dir, 'asked'), 'utf8')).toContain(` -c ${channels} `);
  });

  test.each(['arecord', 'rec', 'sox'])(
    '%s that is not installed: the package is named, and nothing crashes',
    async (type) => {
      setForPrograms('PATH', dir);
      rmSync(join(dir, 'arecord'), { force: true });
      const error = await failure(sourceOf({ type }));
      expect(error).toMatchObject({
        code: 'dependency-missing',
        message: expect.stringContaining(`${type} is not installed`) as string,
      });
      expect(error.remedy).toContain('apt-get install');
    },
  );

  test.each([
    [
      'fails',
      'head -c 16000 /dev/zero; echo "arecord: pcm_read: read error: No such device" >&2; exit 1',
      /exit code 1.*No such device/s,
    ],
    ['is killed', 'head -c 16000 /dev/zero; kill -9 $$', /killed by SIGKILL/],
    ['gives nothing', 'exit 0', /ended without a single sample/],
    ['stops in the middle of a sample', 'head -c 3201 /dev/zero', /1 bytes into a sample/],
  ])('one that %s: an error with a remedy', async (_name, script, told) => {
    standIn(script);
    const error = await failure(sourceOf({ type: 'arecord' }));
    expect(error.code).toBe('microphone-failed');
    expect(error.message).toMatch(told);
    expect(error.remedy).toContain('audio');
  });

  const watch = (source: MicrophoneSource) => {
    const supervised = superviseSource(
      source,
      microphoneSupervision(source.name, microphone({ type: 'arecord' }), () => performance.now()),
    );
    const subscription = supervised.items.subscribe((sound) => sound.release());
    const state = (wanted: string): Promise<SourceHealth> =>
      firstValueFrom(supervised.status.pipe(filter((health) => health.state === wanted)));
    return { supervised, state, stop: () => subscription.unsubscribe() };
  };

  test('one that ends in good order, as arecord does at 2 GiB of WAV: a fault, and it is started again', async () => {
    standIn('head -c 16000 /dev/zero');
    const { state, supervised, stop } = watch(sourceOf({ type: 'arecord' }));
    expect((await state('ended')).detail).toContain('the stream ended');
    const again = await firstValueFrom(supervised.status.pipe(filter(({ restarts }) => restarts > 0)));
    expect(again.restarts).toBe(1);
    stop();
  });

  test('one that hangs is noticed by the age of its sound, and is gone afterwards', async () => {
    standIn('head -c 16000 /dev/zero; exec sleep 600');
    const { state, stop } = watch(sourceOf({ type: 'arecord' }));
    expect((await state('stalled')).detail).toContain('no sound for 700 ms');
    stop();
    while (childrenRunning('sleep').length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});

describeWithArecord('the real recorders on ALSA’s file device', () => {
  const dir = mkdtempSync(join(tmpdir(), 'usher-alsa-'));
  const card = new FileSoundCard(dir);
  const mono = tone(2, 1000, 0.25);
  /** The device has no number of channels of its own: two samples of the file are one of a stereo recording. */
  const stereo = (right: number): Float32Array => {
    const both = new Float32Array(2 * mono.length);
    mono.forEach((value, i) => both.set([value, right * value], 2 * i));
    return both;
  };
  afterAll(() => {
    card.unplug();
    rmSync(dir, { recursive: true });
  });
  const crossings = (samples: readonly number[]): number =>
    samples.filter((value, i) => i > 0 && value >= 0 && (samples[i - 1] as number) < 0).length;

  const device = FileSoundCard.DEVICE;
  const recordings: [string, object, Float32Array][] = [
    ['arecord, mono', { type: 'arecord', device }, mono],
    ['arecord, antiphase', { type: 'arecord', device, channel: 'left' }, stereo(-1)],
  ];
  if (hasSox)
    recordings.push(
      ['rec, one channel asked for', { type: 'rec', channel: 'mix' }, mono],
      ['rec, both in phase', { type: 'rec' }, stereo(1)],
      ['rec, antiphase', { type: 'rec' }, stereo(-1)],
    );
  test.each(recordings)('%s: a tone of 1 kHz arrives as one', async (_name, config, played) => {
    card.plugIn(played);
    const pieces = await firstValueFrom(
      sourceOf(config)
        .open()
        .pipe(
          take(10),
          tap((sound) => sound.release()),
          toArray(),
        ),
    );
    // It takes half a second of sound to leave the mean of two channels that cancel each other.
    const heard = pieces.slice(3).flatMap((piece) => [...piece.samples.slice(0, piece.length)]);
    expect(Math.abs(crossings(heard) / (heard.length / 16_000) - 1000)).toBeLessThan(30);
    expect(Math.max(...heard)).toBeCloseTo(0.25, 2);
  });

  test('a device that is not there: ALSA’s own words, and what to look at', async () => {
    const error = await failure(sourceOf({ type: 'arecord', device: 'plughw:7,0' }));
    expect(error.code).toBe('microphone-failed');
    expect(error.message).toMatch(/plughw:7,0 \(arecord\): arecord failed with exit code 1[\s\S]*audio open error/);
    expect(error.remedy).toContain('arecord -l');
  });
});
