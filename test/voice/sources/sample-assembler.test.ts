import fc from 'fast-check';
import { SampleAssembler, type SampleFormat } from '../../../src/voice/sources/sample-assembler';
import { type LentSound, PIECE_SAMPLES } from '../../../src/voice/sources/sound';
import { noise, shorts } from '../../support/sound';

const floats = (values: readonly number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);
/** Pushes in the given cuts, copying and releasing every piece. */
function heard(assembler: SampleAssembler, bytes: Buffer, cuts: readonly number[] = []) {
  const samples: number[] = [];
  const pieces: LentSound[] = [];
  const take = (sound: LentSound): void => {
    pieces.push(sound);
    samples.push(...sound.samples.subarray(0, sound.length));
    sound.release();
  };
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    assembler.push(bytes.subarray(from, from + cut), take);
    from = Math.min(bytes.length, from + cut);
  }
  assembler.flush(take);
  return { samples, pieces };
}

describe('turning bytes into sound', () => {
  test.each<[SampleFormat, Buffer]>([
    ['s16le', shorts(noise(0.4, 0.9))],
    ['f32le', Buffer.from(noise(0.2, 0.9).buffer)],
  ])('%s: any chunking gives the same samples, in whole pieces but for the last', (format, bytes) => {
    const whole = heard(new SampleAssembler(format), bytes).samples;
    expect(whole).toHaveLength(bytes.length / (format === 's16le' ? 2 : 4));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 40 }), (cuts) => {
        const { samples, pieces } = heard(new SampleAssembler(format), bytes, cuts);
        expect(samples).toEqual(whole);
        expect(pieces.slice(0, -1).every(({ length }) => length === PIECE_SAMPLES)).toBe(true);
        expect(pieces.map(({ gap }) => gap)).toEqual(pieces.map((_, i) => i === 0));
        expect(pieces.at(-1)?.endSample).toBe(whole.length);
      }),
      { numRuns: 40 },
    );
  });

  test('full scale of 16 bits is −1 to just below 1', () => {
    const bytes = Buffer.from(Int16Array.of(-32_768, 0, 32_767).buffer);
    expect(heard(new SampleAssembler('s16le'), bytes).samples).toEqual([-1, 0, 32_767 / 32_768]);
  });

  test('floats beyond full scale are held to it, and what is no number is silence and counted', () => {
    const { samples, pieces } = heard(new SampleAssembler('f32le'), floats([0.25, 3, -1e30, NaN, Infinity, -Infinity]));
    expect(samples).toEqual([0.25, 1, -1, 0, 1, -1]);
    expect(pieces[0]?.invalid).toBe(1);
  });

  test.each([
    ['nothing at all', Buffer.alloc(0), 'ended without a single sample'],
    ['half a sample', Buffer.alloc(1), 'ended without a single sample'],
    ['an odd number of bytes', Buffer.alloc(7), 'ended 1 bytes into a sample'],
  ])('an end after %s is told', (_name, bytes, told) => {
    const assembler = new SampleAssembler('s16le');
    heard(assembler, bytes);
    expect(assembler.faultAtEnd('arecord')).toContain(told);
  });

  test('a good end is none to tell of', () => {
    const assembler = new SampleAssembler('s16le');
    heard(assembler, Buffer.alloc(8));
    expect(assembler.faultAtEnd('arecord')).toBeNull();
  });

  test('an overrun that the recorder complains of marks the next piece, and only that', () => {
    const assembler = new SampleAssembler('s16le');
    const gaps = (): boolean[] => heard(assembler, Buffer.alloc(3 * PIECE_SAMPLES)).pieces.map(({ gap }) => gap);
    expect(gaps()).toEqual([true, false]);
    assembler.remark('overrun!!! (at least 12.345 ms long)\n');
    assembler.remark('rec WARN alsa: over-run\n');
    assembler.remark('something else');
    expect(gaps()).toEqual([true, false]);
    expect(assembler.overruns).toBe(2);
  });

  test('what is waited for is given on as it comes', () => {
    const assembler = new SampleAssembler('s16le');
    const lengths: number[] = [];
    const taking =
      (attentive: boolean) =>
      (sound: LentSound): void => {
        lengths.push(sound.length);
        sound.release(attentive);
      };
    assembler.push(Buffer.alloc(2 * PIECE_SAMPLES + 200), taking(true));
    assembler.push(Buffer.alloc(301), taking(true));
    assembler.push(Buffer.alloc(401), taking(false));
    assembler.push(Buffer.alloc(500), taking(false));
    expect(lengths).toEqual([PIECE_SAMPLES, 100, 150, 201]);
  });

  test('what came before an overrun is a piece of its own', () => {
    const assembler = new SampleAssembler('s16le');
    const pieces: [number, boolean][] = [];
    const take = (sound: LentSound): void => void pieces.push([sound.length, sound.gap]);
    assembler.push(Buffer.alloc(1000), take);
    assembler.remark('overrun!!!');
    assembler.push(Buffer.alloc(600), take);
    assembler.flush(take);
    expect(pieces).toEqual([
      [500, true],
      [300, true],
    ]);
  });

  test('whoever holds pieces makes the writer wait, and giving one back lets it go on', () => {
    const assembler = new SampleAssembler('s16le');
    let room = 0;
    assembler.whenRoom = () => room++;
    const held: LentSound[] = [];
    while (!assembler.full) assembler.push(Buffer.alloc(2 * PIECE_SAMPLES), (sound) => held.push(sound));
    expect(held.length).toBeLessThanOrEqual(16);
    expect(new Set(held.map(({ samples }) => samples)).size).toBe(held.length);
    held[0]!.release();
    held[0]!.release();
    expect([assembler.full, room]).toEqual([false, 1]);
    const [again] = heard(assembler, Buffer.alloc(2 * PIECE_SAMPLES)).pieces;
    expect(again?.samples).toBe(held[0]!.samples);
  });
});
