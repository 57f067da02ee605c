import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/** Pictures that no decoder can make sense of: cut short, no picture at all, nothing. */
export function unreadablePictures(into: string, frames: string): void {
  mkdirSync(into, { recursive: true });
  const [frame] = framesOf(frames);
  writeFileSync(join(into, '1-truncated.jpg'), frame!.subarray(0, frame!.length >> 1));
  writeFileSync(join(into, '2-text.png'), 'this is no picture');
  writeFileSync(join(into, '3-empty.jpg'), '');
}

/** Frames that are good though unusual (16 bit, CMYK, lying on their side with an EXIF orientation), among bad ones; in name order. */
export async function motleyPictures(into: string, frames: string): Promise<void> {
  mkdirSync(into, { recursive: true });
  const [a, b, c] = framesOf(frames);
  await sharp(a).toColourspace('rgb16').png({ compressionLevel: 1 }).toFile(join(into, '1-16-bit.png'));
  writeFileSync(join(into, '2-truncated.jpg'), a!.subarray(0, a!.length >> 1));
  await sharp(b).toColourspace('cmyk').jpeg({ quality: 95 }).toFile(join(into, '3-cmyk.jpg'));
  await sharp({ create: { width: 9000, height: 9000, channels: 3, background: '#808080' } })
    .png({ compressionLevel: 1 })
    .toFile(join(into, '4-huge.png'));
  // Turned by a quarter to the left; orientation 6 says: show it turned by a quarter to the right.
  await sharp(c)
    .rotate(270)
    .jpeg({ quality: 95 })
    .withMetadata({ orientation: 6 })
    .toFile(join(into, '5-on-its-side.jpg'));
  writeFileSync(join(into, '6-empty.jpg'), '');
}

function framesOf(folder: string): Buffer[] {
  const files = readdirSync(folder).sort().slice(0, 3);
  return files.map((file) => readFileSync(join(folder, file)));
}
