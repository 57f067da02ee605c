import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import sharp from 'sharp';
import { UsherError } from '../../../src/errors';
import { encodeJpeg, encodePng, readPicture } from '../../../src/vision/picture/picture';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'usher-picture-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** 40×20: red left half, blue right half, with a green bar of 4 px on top: no symmetry is left. */
const pattern = (() => {
  const data = new Uint8Array(40 * 20 * 3);
  for (let y = 0; y < 20; y++)
    for (let x = 0; x < 40; x++) data.set(y < 4 ? [0, 200, 0] : x < 20 ? [220, 0, 0] : [0, 0, 210], (y * 40 + x) * 3);
  return { width: 40, height: 20, data };
})();
const source = () => sharp(pattern.data, { raw: { width: 40, height: 20, channels: 3 } });

const pixel = (frame: { width: number; data: Uint8Array }, x: number, y: number) =>
  Array.from(frame.data.subarray((y * frame.width + x) * 3, (y * frame.width + x) * 3 + 3));
const near = (actual: number[], expected: number[], tolerance: number) => {
  actual.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(tolerance));
};

async function refusal(promise: Promise<unknown>): Promise<UsherError> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(UsherError);
  return outcome as UsherError;
}

describe('what is decoded', () => {
  const upright = (frame: { width: number; height: number; data: Uint8Array }, tolerance: number) => {
    expect([frame.width, frame.height, frame.data.length]).toEqual([40, 20, 2400]);
    near(pixel(frame, 8, 1), [0, 200, 0], tolerance);
    near(pixel(frame, 8, 14), [220, 0, 0], tolerance);
    near(pixel(frame, 32, 14), [0, 0, 210], tolerance);
  };

  test.each([
    ['PNG', () => source().png().toBuffer(), 0],
    ['PNG with a palette', () => source().png({ palette: true, colours: 4 }).toBuffer(), 4],
    ['PNG, 16 bit', () => source().toColourspace('rgb16').png().toBuffer(), 1],
    ['PNG with alpha', () => source().ensureAlpha().png().toBuffer(), 0],
    ['JPEG', () => source().jpeg({ quality: 98, chromaSubsampling: '4:4:4' }).toBuffer(), 12],
    ['WebP', () => source().webp({ lossless: true }).toBuffer(), 0],
    ['TIFF', () => source().tiff({ compression: 'lzw' }).toBuffer(), 0],
    ['GIF', () => source().gif().toBuffer(), 8],
    ['AVIF', () => source().avif({ lossless: true }).toBuffer(), 6],
  ])('%s', async (_name, encode, tolerance) => {
    upright(await readPicture(await encode()), tolerance);
  });

  test('CMYK comes out in the right colours (gamut differences allowed)', async () => {
    const bytes = await source().toColourspace('cmyk').jpeg({ quality: 98, chromaSubsampling: '4:4:4' }).toBuffer();
    expect((await sharp(bytes).metadata()).space).toBe('cmyk');
    const frame = await readPicture(bytes);
    const [r, g, b] = pixel(frame, 8, 14) as [number, number, number];
    expect(r).toBeGreaterThan(150);
    expect(Math.max(g, b)).toBeLessThan(90);
    expect(pixel(frame, 32, 14)[2]).toBeGreaterThan(pixel(frame, 32, 14)[0]! + 60);
  });

  test.each([
    ['8 bit', () => source().greyscale().png().toBuffer()],
    ['16 bit', () => source().toColourspace('grey16').png().toBuffer()],
    ['JPEG', () => source().greyscale().jpeg().toBuffer()],
    ['with alpha', () => source().ensureAlpha().toColourspace('b-w').png().toBuffer()],
  ])('grey, %s, has three equal channels', async (_name, encode) => {
    const frame = await readPicture(await encode());
    expect(frame.data).toHaveLength(2400);
    const [r, g, b] = pixel(frame, 8, 1) as [number, number, number];
    expect([r, g]).toEqual([b, b]);
    expect(r).toBeGreaterThan(60);
    expect(r).toBeLessThan(220);
    expect(r).not.toBe(pixel(frame, 32, 14)[0]);
  });

  test('transparency lies on white', async () => {
    const half = await sharp({
      create: { width: 4, height: 4, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0.5 } },
    })
      .png()
      .toBuffer();
    near(pixel(await readPicture(half), 1, 1), [127, 127, 127], 2);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('EXIF orientation %i is turned upright', async (orientation) => {
    // The inverse of each orientation, so that a viewer that honours the tag sees the pattern again.
    const stored = source();
    if (orientation === 2) stored.flop();
    if (orientation === 3) stored.rotate(180);
    if (orientation === 4) stored.flip();
    if (orientation === 6) stored.rotate(270);
    if (orientation === 8) stored.rotate(90);
    let bytes = await stored.png().toBuffer();
    if (orientation === 5 || orientation === 7) {
      const turned = await sharp(bytes)
        .rotate(orientation === 5 ? 90 : 270)
        .png()
        .toBuffer();
      bytes = await sharp(turned).flop().png().toBuffer();
    }
    const tagged = await sharp(bytes)
      .withMetadata({ orientation })
      .jpeg({ quality: 98, chromaSubsampling: '4:4:4' })
      .toBuffer();
    expect((await sharp(tagged).metadata()).orientation).toBe(orientation);
    upright(await readPicture(tagged), 16);
  });

  test('a round trip through the helpers', async () => {
    upright(await readPicture(await encodePng(pattern)), 0);
    const file = path.join(dir, 'röund trip.jpg');
    writeFileSync(file, await encodeJpeg(pattern, 98));
    expect((await readPicture(file)).data).toHaveLength(2400);
  });
});

describe('what is refused', () => {
  test('a file that does not exist, a folder, a named pipe', async () => {
    for (const [file, what] of [
      [path.join(dir, 'none.jpg'), 'does not exist'],
      [dir, 'is a folder'],
      ['/dev/null', 'is not a file'],
    ] as const) {
      const error = await refusal(readPicture(file));
      expect(error.code).toBe('file-unreadable');
      expect(error.message).toContain(file);
      expect(error.message).toContain(what);
      expect(error.remedy).toBeTruthy();
    }
    const pipe = path.join(dir, 'pipe.jpg');
    execFileSync('mkfifo', [pipe]);
    expect((await refusal(readPicture(pipe))).code).toBe('file-unreadable');
  });

  test.each([
    ['nothing', () => Promise.resolve(Buffer.alloc(0)), 'empty'],
    ['text', () => Promise.resolve(Buffer.from('hello, this is not a picture')), 'not a picture'],
    [
      'SVG',
      () => Promise.resolve(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')),
      'an SVG drawing',
    ],
    ['PDF', () => Promise.resolve(Buffer.from('%PDF-1.4 …')), 'a PDF document'],
    [
      'the first bytes of a JPEG and then noise',
      () => Promise.resolve(Buffer.from('\xff\xd8\xff\xe0 rubbish', 'latin1')),
      'decoded',
    ],
    ['a PNG signature alone', () => Promise.resolve(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')), 'decoded'],
  ])('%s', async (_name, bytes, message) => {
    const file = path.join(dir, 'bad.jpg');
    writeFileSync(file, await bytes());
    const error = await refusal(readPicture(file));
    expect(error.code).toBe('picture-invalid');
    expect(error.message).toContain(file);
    expect(error.message).toContain(message);
    expect(error.remedy).toBeTruthy();
  });

  test.each([
    ['jpeg', (s: sharp.Sharp) => s.jpeg()],
    ['png', (s: sharp.Sharp) => s.png()],
    ['webp', (s: sharp.Sharp) => s.webp()],
  ])('a %s that was cut off half-way', async (_name, encode) => {
    const noise = sharp({
      create: {
        width: 300,
        height: 300,
        channels: 3,
        background: 'grey',
        noise: { type: 'gaussian', mean: 128, sigma: 40 },
      },
    });
    const whole = await encode(noise).toBuffer();
    expect((await readPicture(whole)).width).toBe(300);
    for (const share of [0.5, 0.9])
      expect(
        (await refusal(readPicture(whole.subarray(0, Math.floor(whole.length * share)), { name: 'cut' }))).code,
      ).toBe('picture-invalid');
  });

  test('over the limits of bytes and of pixels', async () => {
    const bytes = await encodePng(pattern);
    const tooLarge = await refusal(readPicture(bytes, { maxPixels: 799, name: 'gate.png' }));
    expect(tooLarge.code).toBe('picture-invalid');
    expect(tooLarge.message).toContain('gate.png is 40×20');
    expect((await refusal(readPicture(bytes, { maxBytes: 10 }))).message).toContain('MiB');
    const file = path.join(dir, 'long.png');
    writeFileSync(file, bytes);
    expect((await refusal(readPicture(file, { maxBytes: 10 }))).message).toContain(file);
  });

  test('a decompression bomb is refused by what it declares, before it is decoded', async () => {
    const bomb = await sharp({ create: { width: 12_000, height: 6_000, channels: 3, background: 'black' } })
      .png()
      .toBuffer();
    expect(bomb.length).toBeLessThan(2 ** 20);
    expect((await refusal(readPicture(bomb))).message).toContain('12000×6000');
  });

  test('a folder named like a picture', async () => {
    const folder = path.join(dir, 'folder.jpg');
    mkdirSync(folder);
    expect((await refusal(readPicture(folder))).message).toContain('folder');
  });
});
