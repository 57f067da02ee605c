import fc from 'fast-check';
import { FrameAssembler } from '../../../src/vision/camera/assembler';
import { LateWatch } from '../../../src/vision/camera/late-watch';
import { type LentFrame } from '../../../src/vision/camera/source';

const [width, height] = [4, 3];
const frameBytes = width * height * 3;
const assemble = () =>
  new FrameAssembler(
    { width, height, container: 'raw' },
    { clock: { date: (arrived) => arrived }, late: new LateWatch('door', 0), now: () => 0 },
  );
const stream = (length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * 31 + 7) % 256));

describe('cutting a byte stream into frames', () => {
  test('any chunking gives the same frames, in order, and tells what is left over', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 300 }),
        fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 30 }),
        (length, cuts) => {
          const bytes = stream(length);
          const assembler = assemble();
          const frames: LentFrame[] = [];
          let from = 0;
          for (const cut of [...cuts, length]) {
            assembler.push(bytes.subarray(from, Math.min(length, from + cut)), (frame) => frames.push(frame));
            from = Math.min(length, from + cut);
          }
          const whole = Math.floor(length / frameBytes);
          expect(frames.map((frame) => frame.seq)).toEqual(Array.from({ length: whole }, (_, i) => i));
          frames.forEach((frame, i) => {
            expect(Buffer.from(frame.data)).toEqual(bytes.subarray(i * frameBytes, (i + 1) * frameBytes));
          });
          expect(assembler.frames).toBe(whole);
          expect(assembler.pendingBytes).toBe(length % frameBytes);
        },
      ),
    );
  });

  test('with latest-wins and release, three buffers serve any number of frames', () => {
    const assembler = assemble();
    const buffers = new Set<Uint8Array>();
    let waiting: LentFrame | null = null;
    let inWork: LentFrame | null = null;
    for (let i = 0; i < 500; i++) {
      assembler.push(Buffer.alloc(frameBytes + 5, i), (frame) => {
        buffers.add(frame.data);
        waiting?.release();
        waiting = frame;
      });
      if (i % 7 === 0) {
        (inWork as LentFrame | null)?.release();
        inWork = waiting;
        waiting = null;
      }
    }
    expect(buffers.size).toBe(3);
  });

  test('a frame that is held is never written to, whatever else is released, even twice', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('hold', 'release', 'release-twice'), { minLength: 1, maxLength: 60 }),
        (plan) => {
          const assembler = assemble();
          const held: { frame: LentFrame; value: number }[] = [];
          plan.forEach((what, i) => {
            assembler.push(Buffer.alloc(frameBytes, i), (frame) => {
              if (what === 'hold') held.push({ frame, value: i });
              else frame.release();
              if (what === 'release-twice') frame.release();
            });
          });
          expect(new Set(held.map(({ frame }) => frame.data)).size).toBe(held.length);
          for (const { frame, value } of held) expect(frame.data.every((byte) => byte === value)).toBe(true);
        },
      ),
    );
  });
});
