import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { NutReader } from '../../../src/vision/camera/nut';
import { describeWithFfmpeg } from '../../support/processes';

const [width, height] = [64, 48];
const bytes = width * height * 3;

/** What ffmpeg writes of a test picture, and the same as bare pixels. */
const record = (size: string, more: readonly string[] = [], frames = 5): { nut: Buffer; raw: Buffer } => {
  const source = [
    '-loglevel',
    'error',
    '-f',
    'lavfi',
    '-i',
    `testsrc2=size=${size}:rate=10`,
    '-frames:v',
    String(frames),
  ];
  const run = (...args: string[]) => execFileSync('ffmpeg', [...source, ...more, ...args], { maxBuffer: 1e8 });
  return {
    nut: run(
      '-enc_time_base',
      '1:1000',
      '-pix_fmt',
      'rgb24',
      '-c:v',
      'rawvideo',
      '-f',
      'nut',
      '-write_index',
      '0',
      'pipe:1',
    ),
    raw: run('-pix_fmt', 'rgb24', '-f', 'rawvideo', 'pipe:1'),
  };
};

/** Times and pixels, with the stream cut into chunks at will. */
function read(stream: Buffer, size: readonly [number, number], cut: () => number): { times: number[]; pixels: Buffer } {
  const reader = new NutReader(...size);
  const frameBytes = size[0] * size[1] * 3;
  const times: number[] = [];
  const pixels: Buffer[] = [];
  let missing = 0;
  for (let from = 0; from < stream.length;) {
    const chunk = stream.subarray(from, (from += Math.max(1, cut())));
    for (let at = 0; at < chunk.length;) {
      if (missing === 0) {
        at = reader.read(chunk, at);
        if (at === -1) break;
        times.push(reader.timeMs);
        const beginning = reader.beginning ?? new Uint8Array();
        pixels.push(Buffer.from(beginning));
        missing = frameBytes - beginning.length;
      }
      const taken = chunk.subarray(at, at + missing);
      pixels.push(taken);
      at += taken.length;
      missing -= taken.length;
    }
  }
  return { times, pixels: Buffer.concat(pixels) };
}

describeWithFfmpeg('what ffmpeg’s NUT muxer writes', () => {
  let recorded: { nut: Buffer; raw: Buffer };
  beforeAll(() => {
    recorded = record(`${width}x${height}`);
  });

  test('any chunking gives the same times and pixels', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 9000 })), (cuts) => {
        const { times, pixels } = read(recorded.nut, [width, height], () => cuts.next().value as number);
        expect(times).toEqual([0, 100, 200, 300, 400]);
        expect(pixels.equals(recorded.raw)).toBe(true);
      }),
      { numRuns: 50 },
    );
    expect(read(recorded.nut, [width, height], () => 1).times).toHaveLength(5);
  });

  test('irregular times, large ones, and headers that are repeated in the middle of the stream', () => {
    const { nut, raw } = record(`${width}x${height}`, ['-vf', 'settb=1/1000,setpts=1e9+N*N*37'], 150);
    const { times, pixels } = read(nut, [width, height], () => 65_536);
    expect(times.map((time) => time - times[0]!)).toEqual(Array.from({ length: 150 }, (_, n) => n * n * 37));
    expect(times[0]).toBe(1e9);
    expect(pixels.length).toBe(150 * bytes);
    expect(pixels.subarray(0, bytes).equals(raw.subarray(0, bytes))).toBe(true);
  });

  test('small frames whose beginning the muxer leaves out', () => {
    // 0, 0, 1 is how many video formats begin, so the muxer has it in its table.
    const { nut, raw } = record('16x16', ['-vf', 'format=rgb24,geq=r=0:g=0:b=1']);
    const { pixels, times } = read(nut, [16, 16], () => 100);
    expect(times).toHaveLength(5);
    expect(pixels.equals(raw)).toBe(true);
  });

  test.each([
    ['of another size', () => [recorded.nut, [32, 48]] as const, /64×48 pixels, not 32×48/],
    ['that is something else', () => [Buffer.from('RIFF'.repeat(20)), [width, height]] as const, /does not begin/],
    ['of bare pixels', () => [recorded.raw, [width, height]] as const, /does not begin/],
    [
      'of another pixel format',
      () => [record('64x48', ['-pix_fmt', 'rgb24', '-vf', 'format=gray']).nut, [width, height]] as const,
      null,
    ],
    [
      'with bytes lost',
      () => [Buffer.concat([recorded.nut.subarray(0, 5000), recorded.nut.subarray(5100)]), [width, height]] as const,
      /no video stream that usher can read/,
    ],
  ])('a stream %s', (_what, make, message) => {
    const [stream, size] = make();
    const reading = () => read(stream, size, () => 4096);
    if (message === null) expect(reading().times).toHaveLength(5);
    else expect(reading).toThrow(message);
  });
});
