import fc from 'fast-check';
import { firstValueFrom, of, take, toArray } from 'rxjs';
import sharp from 'sharp';
import type { LentFrame } from '../../../src/vision/camera/source';
import { TurnedSource } from '../../../src/vision/camera/turned';
import type { Frame } from '../../../src/vision/picture/frame';
import { QUARTER_TURNS, type Turn, turnFrame } from '../../../src/vision/picture/turn';

/** One byte a pixel is told apart by: its ordinal. */
function numbered(width: number, height: number): Frame {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.fill(i, i * 3, i * 3 + 3);
  return { width, height, data };
}
const rows = ({ width, height, data }: Frame) =>
  Array.from({ length: height }, (_, y) => Array.from({ length: width }, (__, x) => data[(y * width + x) * 3]));

test.each([
  [{ rotate: 0, flip: 'none' }, [[0, 1, 2], [3, 4, 5]]], // prettier-ignore
  [{ rotate: 90, flip: 'none' }, [[3, 0], [4, 1], [5, 2]]], // prettier-ignore
  [{ rotate: 180, flip: 'none' }, [[5, 4, 3], [2, 1, 0]]], // prettier-ignore
  [{ rotate: 270, flip: 'none' }, [[2, 5], [1, 4], [0, 3]]], // prettier-ignore
  [{ rotate: 0, flip: 'horizontal' }, [[2, 1, 0], [5, 4, 3]]], // prettier-ignore
  [{ rotate: 0, flip: 'vertical' }, [[3, 4, 5], [0, 1, 2]]], // prettier-ignore
  [{ rotate: 90, flip: 'horizontal' }, [[0, 3], [1, 4], [2, 5]]], // prettier-ignore
] satisfies [Turn, number[][]][])('%j', (turn, expected) => {
  expect(rows(turnFrame(numbered(3, 2), turn))).toEqual(expected);
});

test('every turn is what sharp makes of it', async () => {
  const turns = fc.record({
    rotate: fc.constantFrom(...QUARTER_TURNS),
    flip: fc.constantFrom<Turn['flip']>('none', 'horizontal', 'vertical'),
    width: fc.integer({ min: 1, max: 15 }),
    height: fc.integer({ min: 1, max: 15 }),
  });
  await fc.assert(
    fc.asyncProperty(turns, async ({ rotate, flip, width, height }) => {
      const frame = numbered(width, height);
      const turned = await sharp(frame.data, { raw: { width, height, channels: 3 } })
        .rotate(rotate)
        .raw()
        .toBuffer({ resolveWithObject: true });
      const { info } = turned;
      const mirrored = sharp(turned.data, { raw: { width: info.width, height: info.height, channels: 3 } });
      if (flip === 'horizontal') mirrored.flop();
      if (flip === 'vertical') mirrored.flip();
      const ours = turnFrame(frame, { rotate, flip });
      expect([ours.width, ours.height]).toEqual([info.width, info.height]);
      expect(Buffer.compare(Buffer.from(ours.data), await mirrored.raw().toBuffer())).toBe(0);
    }),
    { numRuns: 100 },
  );
});

test('a source that is turned gives its frames back, and takes its own buffers again', async () => {
  let back = 0;
  const lent = (seq: number): LentFrame => ({ ...numbered(4, 2), seq, mono: 1, at: 7, release: () => back++ });
  const source = new TurnedSource(
    { name: 'cam', live: true, open: () => of(lent(0), lent(1), lent(2)) },
    { rotate: 90, flip: 'none' },
  );
  const seen: { size: number[]; seq: number; data: Uint8Array }[] = [];
  const frames = source.open().pipe(take(3));
  await new Promise<void>((resolve) =>
    frames.subscribe({
      next: ({ width, height, seq, data, release }) => {
        seen.push({ size: [width, height], seq, data });
        release();
      },
      complete: resolve,
    }),
  );
  expect(seen.map(({ size, seq }) => [...size, seq])).toEqual([
    [2, 4, 0],
    [2, 4, 1],
    [2, 4, 2],
  ]);
  expect(new Set(seen.map(({ data }) => data)).size).toBe(1);
  expect(back).toBe(3);
  expect((await firstValueFrom(source.open().pipe(toArray()))).length).toBe(3);
});
