import { readFile, stat } from 'node:fs/promises';
import type sharp from 'sharp';
import { UsherError, messageOf, systemCode } from '../../errors';
import { type Frame } from './frame';

export interface PictureLimits {
  /** Largest file that is read at all, bytes. */
  readonly maxBytes: number;
  /** Largest picture that is decoded, pixels: 50 MP are 150 MB of RGB. A small file can declare any size. */
  readonly maxPixels: number;
}

export const PICTURE_LIMITS: PictureLimits = { maxBytes: 64 * 2 ** 20, maxPixels: 50_000_000 };

export interface ReadPictureOptions extends Partial<PictureLimits> {
  /** What messages call a picture that came as bytes. */
  readonly name?: string;
}

const REMEDY = 'Use a JPEG, PNG, WebP, TIFF, GIF or AVIF picture that opens in a picture viewer.';

/**
 * Formats by their first bytes. The decoder behind sharp also opens SVG, PDF and more, which are programs rather than
 * pictures (they may name other files and expand without bound), so what is not listed never reaches it.
 */
function formatOf(bytes: Uint8Array): string | null {
  const ascii = (from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).toString('latin1');
  if (ascii(0, 3) === '\xff\xd8\xff') return 'jpeg';
  if (ascii(0, 8) === '\x89PNG\r\n\x1a\n') return 'png';
  if (ascii(0, 4) === 'RIFF' && ascii(8, 12) === 'WEBP') return 'webp';
  if (ascii(0, 4) === 'II*\0' || ascii(0, 4) === 'MM\0*') return 'tiff';
  if (ascii(0, 6) === 'GIF87a' || ascii(0, 6) === 'GIF89a') return 'gif';
  if (ascii(4, 12) === 'ftypavif') return 'avif';
  if (/^ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)$/.test(ascii(4, 12))) return 'heic';
  return null;
}

/** HEIC is HEVC inside, for which the decoder that comes with sharp has no licence; one built against the system's may have it. */
function decodesHeic({ format }: typeof sharp): boolean {
  const suffixes: readonly string[] | undefined = format.heif.input.fileSuffix;
  return suffixes?.includes('.heic') === true;
}

const OTHERS = [
  { name: 'a PDF document', starts: /^[\s\S]{0,16}%PDF-/, remedy: 'Save its picture as JPEG or PNG.' },
  {
    name: 'an SVG drawing',
    starts: /^\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)?(<!DOCTYPE[^>]*>\s*)?<svg/i,
    remedy: 'Save it as PNG.',
  },
  { name: 'a BMP picture', starts: /^BM[\s\S]{12}/, remedy: 'Save it as JPEG or PNG.' },
  { name: 'a JPEG XL picture', starts: /^(\xff\x0a|\0\0\0\x0cJXL )/, remedy: 'Save it as JPEG or PNG.' },
] as const;

/** What is not taken is called by its name: who brings it must know what to save it as. */
function notTaken(name: string, bytes: Uint8Array, format: string | null): UsherError {
  if (format === 'heic')
    return invalid(
      name,
      'is a HEIC picture, which the installed decoder cannot read',
      'Save it as JPEG (iPhone: Settings, Camera, Formats, Most Compatible; or share it by mail).',
    );
  const start = Buffer.from(bytes.subarray(0, 1024)).toString('latin1');
  const known = OTHERS.find(({ starts }) => starts.test(start));
  return known === undefined
    ? invalid(name, 'is not a picture in a format that is accepted here', REMEDY)
    : invalid(name, `is ${known.name}, which is not accepted here`, `${known.remedy} ${REMEDY}`);
}

/**
 * Decodes a still picture to packed 8-bit sRGB, turned upright by its EXIF orientation; transparency lies on white, grey,
 * palette, CMYK and 16-bit pictures are converted, of an animation the first picture is taken.
 *
 * @param source a file's path, or the encoded bytes.
 * @throws UsherError `file-unreadable` (missing, no permission, a folder or device) or `picture-invalid` (empty, truncated,
 *   not a picture, over a limit), naming the file.
 */
export async function readPicture(source: string | Uint8Array, options: ReadPictureOptions = {}): Promise<Frame> {
  const name = options.name ?? (typeof source === 'string' ? source : 'the picture');
  const limits = { ...PICTURE_LIMITS, ...options };
  const bytes = typeof source === 'string' ? await readBounded(source, limits.maxBytes) : source;
  if (bytes.length === 0) throw invalid(name, 'is empty (0 bytes)', 'Copy or take the picture again.');
  if (bytes.length > limits.maxBytes) throw tooManyBytes(name, bytes.length, limits.maxBytes);
  const decode = await loadSharp();
  const format = formatOf(bytes);
  if (format === null || (format === 'heic' && !decodesHeic(decode))) throw notTaken(name, bytes, format);
  const input = { failOn: 'truncated', limitInputPixels: limits.maxPixels } as const;
  try {
    // Checked before decoding, to distinguish "too large" from "broken".
    const { width, height } = await decode(bytes, { ...input, limitInputPixels: false }).metadata();
    if (width * height > limits.maxPixels)
      throw invalid(
        name,
        `is ${width}×${height}, more than ${(limits.maxPixels / 1e6).toFixed(0)} megapixels`,
        'Scale it down; a face needs no more than a few hundred pixels.',
      );
    const { data, info } = await decode(bytes, input)
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return packed(name, data, info.width, info.height, info.channels);
  } catch (error) {
    if (error instanceof UsherError) throw error;
    throw invalid(name, `cannot be decoded: ${firstLine(messageOf(error))}`, `It may be damaged. ${REMEDY}`, error);
  }
}

/** The picture with its longer side at most `longer` pixels; a smaller one is returned as it is. */
export async function shrinkPicture(frame: Frame, longer: number): Promise<Frame> {
  if (Math.max(frame.width, frame.height) <= longer) return frame;
  const { data, info } = await (
    await raw(frame)
  )
    .resize(longer, longer, { fit: 'inside' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

/** Quality is 1 to 100. */
export async function encodeJpeg(frame: Frame, quality = 92): Promise<Buffer> {
  return (await raw(frame)).jpeg({ quality }).toBuffer();
}

export async function encodePng(frame: Frame): Promise<Buffer> {
  return (await raw(frame)).png().toBuffer();
}

/** A picture laid onto a sheet: fitted into the rectangle at (x, y), centred, its proportions kept. */
export interface Tile {
  readonly frame: Frame;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** `pixels`: enlarged without smoothing, for rasters whose cells are to be seen. */
  readonly enlarge?: 'smooth' | 'pixels';
}

/**
 * A white sheet with pictures and, over them, an SVG drawing of the sheet's size, as PNG. The drawing must be our own: it is
 * given to a renderer that can open files. Its text needs a font on the machine.
 */
export async function encodeSheet(
  width: number,
  height: number,
  tiles: readonly Tile[],
  drawing: string,
): Promise<Buffer> {
  const draw = await loadSharp();
  const pictures = [];
  for (const tile of tiles) {
    const kernel = tile.enlarge === 'pixels' ? 'nearest' : 'cubic';
    const { data, info } = await (
      await raw(tile.frame)
    )
      .resize(tile.width, tile.height, { fit: 'inside', kernel })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const left = tile.x + Math.floor((tile.width - info.width) / 2);
    const top = tile.y + Math.floor((tile.height - info.height) / 2);
    pictures.push({
      input: data,
      raw: { width: info.width, height: info.height, channels: info.channels },
      left,
      top,
    });
  }
  return draw({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite([...pictures, { input: Buffer.from(drawing), left: 0, top: 0 }])
    .png()
    .toBuffer();
}

/** Not before it is needed: a camera that streams decodes no stills, and the library holds 10 MB. */
async function loadSharp(): Promise<typeof sharp> {
  return (await import('sharp')).default;
}

async function raw(frame: Frame): Promise<sharp.Sharp> {
  const decode = await loadSharp();
  return decode(frame.data, { raw: { width: frame.width, height: frame.height, channels: 3 } });
}

function packed(name: string, data: Uint8Array, width: number, height: number, channels: number): Frame {
  const pixels = width * height;
  if (channels === 3 && data.length === pixels * 3) return { width, height, data };
  if (channels !== 1) throw invalid(name, `has ${channels} colour channels after decoding`, REMEDY);
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0, o = 0; i < pixels; i++, o += 3) rgb.fill(data[i] ?? 0, o, o + 3);
  return { width, height, data: rgb };
}

async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    // Asked before opening: opening a named pipe would wait for a writer, a device might never end.
    const about = await stat(path);
    if (!about.isFile())
      throw new UsherError('file-unreadable', `${path} is ${about.isDirectory() ? 'a folder' : 'not a file'}`, {
        remedy: 'Name a picture file.',
      });
    if (about.size > maxBytes) throw tooManyBytes(path, about.size, maxBytes);
    return await readFile(path);
  } catch (error) {
    if (error instanceof UsherError) throw error;
    const missing = systemCode(error) === 'ENOENT';
    throw new UsherError(
      'file-unreadable',
      `${path} ${missing ? 'does not exist' : `cannot be read: ${messageOf(error)}`}`,
      {
        remedy: missing ? 'Check the path.' : 'Check that this user may read it.',
        cause: error,
      },
    );
  }
}

function tooManyBytes(name: string, bytes: number, maxBytes: number): UsherError {
  return invalid(
    name,
    `is ${(bytes / 2 ** 20).toFixed(1)} MiB, more than ${(maxBytes / 2 ** 20).toFixed(1)} MiB`,
    'Scale it down or save it with more compression.',
  );
}

function invalid(name: string, what: string, remedy: string, cause?: unknown): UsherError {
  return new UsherError('picture-invalid', `${name} ${what}`, { remedy, ...(cause === undefined ? {} : { cause }) });
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}
