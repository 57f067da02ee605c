import fc from 'fast-check';
import { Subject } from 'rxjs';
import type { CameraSource, LentFrame } from '../../../src/vision/camera/source';
import { PictureWatch } from '../../../src/vision/watch/picture-watch';

/** A source whose frames the test gives: `picture` says what is on it, `mono` when it was taken. */
function rig(options: { stuckMs?: number | null; live?: boolean } = {}) {
  const { stuckMs = 5000, live = true } = options;
  let frames = new Subject<LentFrame>();
  const source: CameraSource = { name: 'cam', live, open: () => frames };
  const watch = new PictureWatch({ stuckMs, reference: null, monotonicMs: () => 0 });
  const fresh: number[] = [];
  const out = new Set<number>();
  const troubles: (string | null)[] = [];
  watch.changes.subscribe(() => troubles.push(watch.trouble?.kind ?? null));
  let error: Error | null = null;
  let seq = 0;
  const open = (): void => {
    frames = new Subject();
    error = null;
    watch.fresh(watch.watch(source).open()).subscribe({
      next: (frame) => {
        fresh.push(frame.seq);
        frame.release();
        frame.release();
      },
      error: (fault: Error) => (error = fault),
    });
  };
  open();
  return {
    ...{ watch, fresh, out, troubles, open },
    fault: () => error,
    give: (picture: number, mono: number): number => {
      const data = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => (i % 255 === 7 ? picture % 256 : (i * 31) % 256));
      const own = seq++;
      out.add(own);
      let released = false;
      frames.next({
        ...{ width: 32, height: 32, data, seq: own, at: 1_000_000 + mono, mono },
        release: () => {
          if (released) throw new Error(`frame ${own} was given back twice`);
          released = true;
          out.delete(own);
        },
      });
      return own;
    },
  };
}

test('a frame with the pixels of the one before is no frame; one byte of difference makes it one', () => {
  const { give, fresh, watch } = rig();
  [1, 1, 1, 2, 2, 1, 3].forEach((picture, i) => give(picture, i * 100));
  expect(fresh).toEqual([0, 3, 5, 6]);
  expect(watch.framesRepeated).toBe(3);
  expect(watch.lastChangeAt).toBe(1_000_600);
});

test('every buffer is given back, once, save the one that the next frame is compared with', () => {
  const { give, out } = rig();
  [1, 1, 2, 3, 3, 3, 4].forEach((picture, i) => give(picture, i * 100));
  expect([...out]).toEqual([6]);
});

test('frozen after stuckMs: told at once, the source fails, and nothing counts until the picture lives again', () => {
  const { give, fault, watch, troubles, fresh, open } = rig({ stuckMs: 5000 });
  for (let t = 0; t < 5000; t += 1000) give(1, t);
  expect([fault(), watch.trouble]).toEqual([null, null]);
  give(1, 5000);
  expect(fault()).toMatchObject({
    code: 'camera-failed',
    message: expect.stringContaining('frozen, the same picture for 5 s') as string,
  });
  expect(watch.trouble).toEqual({ kind: 'frozen', since: 1_000_000, measure: 5, limit: 5 });
  open();
  give(1, 6000);
  expect(watch.trouble?.kind).toBe('frozen');
  // A key frame that decodes a little differently is no life.
  give(2, 7000);
  give(2, 7100);
  expect(watch.trouble?.kind).toBe('frozen');
  expect(fresh).toEqual([0]);
  [3, 4, 5, 6].forEach((picture, i) => give(picture, 8000 + i * 100));
  expect(watch.trouble).toBeNull();
  expect(troubles).toEqual(['frozen', null]);
  expect(fresh).toHaveLength(3);
});

test('restarts that do not help come at growing intervals', () => {
  const { give, fault, open } = rig({ stuckMs: 5000 });
  const restarts: number[] = [];
  for (let t = 0; t < 200_000; t += 500) {
    give(1, t);
    if (fault() === null) continue;
    restarts.push(t);
    open();
  }
  expect(restarts).toEqual([5000, 10_000, 20_000, 40_000, 80_000, 160_000]);
});

test.each([
  ['stuckMs: null', { stuckMs: null }, null],
  ['a recording that ends', { live: false }, 'frozen'],
])('%s is not opened again', (_name, options, told) => {
  const { give, fault, watch, fresh } = rig(options);
  for (let t = 0; t < 100_000; t += 1000) give(1, t);
  expect([fault(), watch.trouble?.kind ?? null]).toEqual([null, told]);
  expect(fresh).toEqual([0]);
});

test('whatever a camera gives: no two frames in a row that count have the same pixels, and each buffer is given back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 10, max: 4000 })), { maxLength: 60 }),
      (script) => {
        const { give, fresh, out, fault, open } = rig({ stuckMs: 3000 });
        const pictures: number[] = [];
        let mono = 0;
        for (const [picture, gap] of script) {
          mono += gap;
          pictures[give(picture, mono)] = picture;
          if (fault() !== null) open();
        }
        fresh.forEach((seq) => {
          if (seq > 0) expect(pictures[seq]).not.toBe(pictures[seq - 1]);
        });
        expect(out.size).toBeLessThanOrEqual(1);
      },
    ),
  );
});

test('the rate is that of new pictures: a camera that gives each twice has half of it', () => {
  const { give, watch } = rig();
  for (let i = 0; i < 100; i++) give(i >> 1, i * 50);
  expect(watch.rate.intervalMs(4950)).toBeCloseTo(100, 0);
  // A silence makes it longer.
  expect(watch.rate.intervalMs(20_000)).toBeGreaterThan(200);
});
