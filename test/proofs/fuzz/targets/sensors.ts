import sharp from 'sharp';
import { EvdevDecoder, evtestKey } from '../../../../src/readers/evdev-events';
import { LineSplitter, parseLine } from '../../../../src/readers/lines';
import { IDENTIFIER } from '../../../../src/identifier';
import { type LineFault, type LocalSwipe } from '../../../../src/readers/source';
import { KeystrokeDecoder } from '../../../../src/readers/typist';
import { readPicture } from '../../../../src/vision/picture/picture';
import type { Target } from '../target';

const checked = (found: LocalSwipe | LineFault | null, input: Buffer): void => {
  if (found === null) return;
  if ('identifier' in found && !IDENTIFIER.test(found.identifier)) throw new Error('no identifier, and taken for one');
  if ('fault' in found && found.fault.length > 120)
    throw new Error(`a fault that repeats its input of ${input.length} bytes`);
};

const lines = (): Target => ({
  name: 'serial-lines',
  form: 'text',
  seeds: () => [
    Buffer.from('4711\r\n\x0204A1B2C3D4\x03'),
    Buffer.from(`SWIPE 4711 17 ${'ab'.repeat(32)}\nSWIPE 4711 99999999999999999 ${'ab'.repeat(32)}\n`),
  ],
  feed: (input) => {
    const splitter = new LineSplitter();
    for (let at = 0; at < input.length; at += 13)
      splitter.push(input.subarray(at, at + 13), (line) => {
        if (line !== null && line.length > 256) throw new Error('a line beyond its bound');
        checked(parseLine(line), input);
      });
  },
});

/** One key as the kernel writes it. */
function key(code: number, value: number, at: number): Buffer {
  const event = Buffer.alloc(24);
  event.writeBigInt64LE(BigInt(Math.floor(at / 1000)), 0);
  event.writeBigInt64LE(BigInt((at % 1000) * 1000), 8);
  event.writeUInt16LE(1, 16);
  event.writeUInt16LE(code, 18);
  event.writeInt32LE(value, 20);
  return event;
}

const evdev = (): Target => ({
  name: 'evdev',
  form: 'bytes',
  seeds: () => [
    Buffer.concat(
      [2, 3, 4, 42, 30, 28].flatMap((code, i) => [key(code, 1, 1000 + i * 10), key(code, 0, 1005 + i * 10)]),
    ),
  ],
  feed: (input) => {
    const decoder = new EvdevDecoder();
    const typist = new KeystrokeDecoder(100);
    for (let at = 0; at < input.length; at += 17)
      decoder.push(input.subarray(at, at + 17), (event) => checked(typist.key(event), input));
  },
});

const evtest = (): Target => ({
  name: 'evtest-lines',
  form: 'text',
  seeds: () => [
    Buffer.from(
      'Event: time 1586524983.094859, type 1 (EV_KEY), code 30 (KEY_A), value 1\nEvent: time 1586524983.094859, -------------- SYN_REPORT ------------',
    ),
  ],
  feed: (input) => {
    for (const line of input.toString('latin1').split('\n')) evtestKey(line);
  },
});

/** One picture in every format that is taken, small, with the metadata blocks that a camera writes. */
async function pictures(): Promise<Buffer[]> {
  const noise = Buffer.alloc(24 * 16 * 3, 0).map((_, i) => (i * 37) % 251);
  const raw = sharp(noise, { raw: { width: 24, height: 16, channels: 3 } });
  const seeds = await Promise.all([
    raw
      .clone()
      .jpeg({ progressive: true })
      .withExif({ IFD0: { ImageDescription: 'x' } })
      .toBuffer(),
    raw.clone().jpeg({ quality: 30 }).withMetadata({ orientation: 6 }).toBuffer(),
    raw.clone().png({ palette: true }).toBuffer(),
    raw.clone().png({ progressive: true }).toBuffer(),
    raw.clone().webp({ lossless: true }).toBuffer(),
    raw.clone().webp({ quality: 40 }).toBuffer(),
    raw.clone().tiff({ compression: 'lzw' }).toBuffer(),
    raw.clone().tiff({ compression: 'none', tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
    raw.clone().gif().toBuffer(),
    raw.clone().avif({ effort: 0 }).toBuffer(),
  ]);
  return seeds.map((seed) => Buffer.from(seed));
}

const picture = (): Target => ({
  name: 'picture',
  form: 'bytes',
  // 50 megapixels may be decoded, and take their time and 150 MB, twice while they are turned.
  cpuMs: 20_000,
  memoryMiB: 1400,
  seeds: pictures,
  feed: async (input) => {
    const { width, height, data } = await readPicture(input);
    if (data.length !== width * height * 3) throw new Error(`${width}×${height} in ${data.length} bytes`);
  },
});

export const SENSORS = [lines, evdev, evtest, picture];
