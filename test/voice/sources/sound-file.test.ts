import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom, take, tap, toArray } from 'rxjs';
import { decodeSounds } from '../../../src/lab/wake-word/sound/decode';
import { MicrophoneConfig } from '../../../src/config/schema/microphones';
import { type UsherError } from '../../../src/errors';
import { createMicrophoneSource } from '../../../src/voice/sources/create';
import { type LentSound } from '../../../src/voice/sources/sound';
import { soundFileArguments } from '../../../src/voice/sources/sound-file';
import { describeWithFfmpeg } from '../../support/processes';
import { joined, shorts, silence, tone, wav } from '../../support/sound';

describeWithFfmpeg('recordings through ffmpeg', () => {
  const dir = mkdtempSync(join(tmpdir(), 'usher-sound-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const warnings: string[] = [];
  beforeEach(() => warnings.splice(0));

  const open = (path: string, more: object = {}) =>
    createMicrophoneSource(
      MicrophoneConfig.parse({
        id: 'm',
        words: [{ model: 'wake-beep' }],
        source: { type: 'file', path, realtime: false, ...more },
      }),
      { warn: (message) => warnings.push(message) },
      () => {
        throw new Error('not asked for');
      },
    ).open();
  const listen = async (path: string, more: object = {}) => {
    const samples: number[] = [];
    const gaps: number[] = [];
    let invalid = 0;
    await lastValueFrom(
      open(path, more).pipe(
        tap((sound: LentSound) => {
          if (sound.gap) gaps.push(samples.length);
          samples.push(...sound.samples.subarray(0, sound.length));
          invalid += sound.invalid;
          sound.release();
        }),
      ),
    );
    return { samples, gaps, invalid };
  };
  const failure = async (path: string): Promise<UsherError> =>
    listen(path).then(
      () => Promise.reject(new Error('it did not fail')),
      (error: unknown) => error as UsherError,
    );
  const place = (name: string, bytes: Buffer): string => {
    const file = join(dir, name);
    writeFileSync(file, bytes);
    return file;
  };
  const peakOf = (samples: readonly number[]): number =>
    samples.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0);
  const hzOf = (samples: readonly number[]): number =>
    samples.filter((value, i) => i > 0 && value >= 0 && (samples[i - 1] as number) < 0).length /
    (samples.length / 16_000);

  const SECOND = tone(1, 440, 0.5);
  const plain = place('plain.wav', wav(shorts(SECOND)));

  test('16 bits, 16 kHz, mono: the very samples', async () => {
    const { samples, gaps } = await listen(plain);
    expect(samples).toHaveLength(16_000);
    expect(gaps).toEqual([0]);
    SECOND.forEach((value, i) => expect(Math.abs((samples[i] as number) - value)).toBeLessThan(2e-5));
  });

  test.each([
    ['8 bits', ['-c:a', 'pcm_u8'], 'wav'],
    ['24 bits', ['-c:a', 'pcm_s24le'], 'wav'],
    ['float', ['-c:a', 'pcm_f32le'], 'wav'],
    ['A-law at 8 kHz', ['-c:a', 'pcm_alaw', '-ar', '8000'], 'wav'],
    ['stereo at 44.1 kHz', ['-ac', '2', '-ar', '44100'], 'wav'],
    ['six channels at 48 kHz', ['-ac', '6', '-ar', '48000'], 'wav'],
    ['FLAC at 48 kHz', ['-ar', '48000'], 'flac'],
    ['Opus', ['-c:a', 'libopus', '-ar', '48000'], 'opus'],
    ['MP3', ['-c:a', 'libmp3lame', '-ar', '44100'], 'mp3'],
  ])('%s: the same tone, about as long and as loud', async (name, options, type) => {
    const file = join(dir, `${name.replaceAll(/\W/g, '-')}.${type}`);
    execFileSync('ffmpeg', ['-loglevel', 'error', '-y', '-i', plain, ...options, file]);
    const { samples } = await listen(file);
    expect(Math.abs(samples.length - 16_000)).toBeLessThan(1600);
    expect(Math.abs(hzOf(samples.slice(1600, 14_400)) - 440)).toBeLessThan(10);
    const middle = peakOf(samples.slice(4000, 12_000));
    expect(middle).toBeGreaterThan(0.3);
    expect(middle).toBeLessThan(0.6);
  });

  test('a header that claims more than there is: what is there, whole samples of it', async () => {
    const claims = place('claims.wav', wav(shorts(SECOND).subarray(0, 16_001), { dataBytes: 2 ** 31 }));
    expect((await listen(claims)).samples).toHaveLength(8000);
  });

  test('a header that claims less: what it claims', async () => {
    expect((await listen(place('less.wav', wav(shorts(SECOND), { dataBytes: 8000 })))).samples).toHaveLength(4000);
  });

  test('a stream’s header, which knows no length, is read to the end', async () => {
    expect((await listen(place('stream.wav', wav(shorts(SECOND), { dataBytes: 0xffff_ffff })))).samples).toHaveLength(
      16_000,
    );
  });

  test('floats that are no numbers, and far too loud ones', async () => {
    const odd = Float32Array.from({ length: 4000 }, (_, i) =>
      i === 7 ? NaN : i === 9 ? 1e20 : i === 11 ? -Infinity : 0.1,
    );
    const { samples, invalid } = await listen(place('nan.wav', wav(Buffer.from(odd.buffer), { format: 3, bits: 32 })));
    expect(samples.every((value) => value >= -1 && value <= 1)).toBe(true);
    expect(invalid).toBeGreaterThan(0);
    expect(samples[100]).toBeCloseTo(0.1);
  });

  test.each<[string, string | Buffer, string]>([
    ['a file that is not there', join(dir, 'absent.wav'), 'does not exist'],
    ['an empty file', Buffer.alloc(0), 'is empty (0 bytes)'],
    ['a header without sound', wav(Buffer.alloc(0)), 'without a single sample'],
    ['a header alone that claims sound', wav(Buffer.alloc(0), { dataBytes: 32_000 }), 'without a single sample'],
    ['half a header', wav(Buffer.alloc(0)).subarray(0, 20), 'ffmpeg failed'],
    ['a rate of nothing', wav(shorts(SECOND), { rate: 0 }), 'ffmpeg failed'],
    ['no channel', wav(shorts(SECOND), { channels: 0 }), 'ffmpeg failed'],
    ['a picture', Buffer.from('\x89PNG\r\n\x1a\n and so on'), 'ffmpeg failed'],
    ['a playlist that names other files', Buffer.from(`#EXTM3U\n#EXTINF:1,\n${plain}\n`), 'ffmpeg failed'],
    ['a concatenation that does', Buffer.from(`ffconcat version 1.0\nfile ${plain}\n`), 'ffmpeg failed'],
  ])('%s: a clear error', async (name, what, told) => {
    const file = typeof what === 'string' ? what : place(`${name.replaceAll(/\W/g, '-')}.wav`, what);
    const error = await failure(file);
    expect(error.code).toBe('microphone-failed');
    expect(error.message).toContain(told);
    expect(error.message).toContain(file);
    expect(error.remedy).toContain('ffprobe');
  });

  test('stereo whose channels are in antiphase is heard, not cancelled out', async () => {
    const sound = tone(1, 500, 0.5);
    const stereo = new Float32Array(2 * sound.length);
    sound.forEach((value, i) => stereo.set([value, -value], 2 * i));
    const file = place('antiphase.wav', wav(shorts(stereo), { channels: 2 }));
    const { samples } = await listen(file);
    expect(samples).toHaveLength(16_000);
    expect(peakOf(samples.slice(-4000))).toBeGreaterThan(0.45);
    const [decoded] = await decodeSounds([file]);
    expect(peakOf([...(decoded ?? [])].map((value) => value / 32_768))).toBeGreaterThan(0.45);
  });

  test('a folder: its sound files in order, each a new beginning, bad ones skipped and told', async () => {
    const folder = join(dir, 'folder');
    mkdirSync(folder);
    writeFileSync(join(folder, '10.wav'), wav(shorts(tone(0.2, 2000, 0.5))));
    writeFileSync(join(folder, '9.wav'), wav(shorts(silence(0.1))));
    writeFileSync(join(folder, '9b.wav'), 'no sound');
    writeFileSync(join(folder, 'notes.txt'), 'not looked at');
    const { samples, gaps } = await listen(folder);
    expect(gaps).toEqual([0, 1600]);
    expect(samples.length).toBe(1600 + 3200);
    expect(peakOf(samples.slice(0, 1600))).toBe(0);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('9b.wav');
  });

  test('a folder without one good file, or without any, is an error', async () => {
    const bad = join(dir, 'bad');
    mkdirSync(bad);
    expect((await failure(bad)).message).toContain('has no sound files');
    writeFileSync(join(bad, 'a.wav'), 'no sound');
    expect((await failure(bad)).message).toContain('none of its sound files can be played');
  });

  test('looped, a file never ends, and whoever takes its time gets all of it', async () => {
    const short = place('short.wav', wav(shorts(joined(tone(0.05, 440, 0.5), silence(0.05)))));
    const pieces = await lastValueFrom(
      open(short, { loop: true }).pipe(
        tap((sound) => void setTimeout(() => sound.release(), 1)),
        take(60),
        toArray(),
      ),
    );
    expect(pieces.at(-1)!.endSample).toBeGreaterThan(4 * 1600);
    pieces.slice(1).forEach((piece, i) => expect(piece.endSample - piece.length).toBe(pieces[i]!.endSample));
  });
});

test('a name stays one argument, and a file', () => {
  const list = soundFileArguments('a;reboot:1.wav', { loop: false, realtime: true });
  expect(list[list.indexOf('-i') + 1]).toBe('file:a;reboot:1.wav');
  expect(list).toContain('-re');
  expect(soundFileArguments('a.wav', { loop: true, realtime: false })).toEqual(
    expect.arrayContaining(['-stream_loop', '-1']),
  );
});
