import { concat, NEVER, Observable } from 'rxjs';
import { captureFaces } from '../../../src/cli/members/capture-faces';
import type { LiveAnalysis } from '../../../src/vision/faces/analyser';
import type { LentFrame } from '../../../src/vision/camera/source';
import { FRONTAL } from '../../support/landmarks';

const QUALITY = {
  interocularPx: 60,
  sharpness: 0.1,
  brightness: 120,
  contrast: 40,
  yaw: 0,
  pitch: 0,
  rollDeg: 0,
  score: 0.5,
};
const GOOD: LiveAnalysis = {
  faces: 1,
  subject: {
    box: { x: 0, y: 0, width: 100, height: 100 },
    score: 0.9,
    quality: QUALITY,
    refusal: null,
    embedding: Float32Array.of(1, 0),
    five: FRONTAL,
  },
};
const NOBODY: LiveAnalysis = { faces: 0, subject: null };
const CROWD: LiveAnalysis = { ...GOOD, faces: 2 };
const BLURRED: LiveAnalysis = { faces: 1, subject: { ...GOOD.subject!, refusal: 'blurred', embedding: null } };

/** A camera that shows one analysis after another, each as soon as the one before is done, 100 ms apart by its clock. */
function show(analyses: readonly LiveAnalysis[], then: Observable<never> = NEVER) {
  const released: number[] = [];
  let next: () => void = () => undefined;
  const frames = concat(
    new Observable<LentFrame>((subscriber) => {
      let seq = 0;
      next = () => {
        if (seq === analyses.length) return subscriber.complete();
        const own = seq++;
        const release = (): void => {
          released.push(own);
          setImmediate(next);
        };
        subscriber.next({
          width: 1,
          height: 1,
          data: new Uint8Array(3),
          seq: own,
          at: own * 100,
          mono: own * 100,
          release,
        });
      };
      next();
    }),
    then,
  );
  const hints: string[] = [];
  const run = (wanted: number, gapMs = 0, deadlineMs = 200) =>
    captureFaces(frames, (frame) => Promise.resolve(analyses[frame.seq]!), {
      wanted,
      deadlineMs,
      gapMs,
      hint: (text) => hints.push(text),
      fault: () => 'unplugged',
    });
  return { run, hints, released };
}

describe('captureFaces', () => {
  it('keeps good frames of one person, says what is wrong with others, and returns every buffer', async () => {
    const camera = show([NOBODY, GOOD, BLURRED, BLURRED, CROWD, GOOD, GOOD]);
    const pictures = await camera.run(3);
    expect(pictures.map(({ name }) => name)).toEqual(['frame 1', 'frame 5', 'frame 6']);
    expect(camera.hints).toEqual([
      'no person is in view',
      '1 of 3 frames',
      expect.stringContaining('blurred'),
      expect.stringContaining('several people'),
      '2 of 3 frames',
      '3 of 3 frames',
    ]);
    expect(camera.released).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('lets time pass between two frames that are kept', async () => {
    const pictures = await show(Array.from({ length: 12 }, () => GOOD)).run(3, 400);
    expect(pictures.map(({ name }) => name)).toEqual(['frame 0', 'frame 4', 'frame 8']);
  });

  it('tells at the deadline, or at the end of the pictures, what was missing', async () => {
    await expect(show([GOOD, BLURRED]).run(2)).rejects.toMatchObject({
      code: 'face-unsuitable',
      message: expect.stringMatching(/only 1 of 2.*blurred/) as string,
    });
    await expect(show([NOBODY], new Observable((subscriber) => subscriber.complete())).run(1)).rejects.toMatchObject({
      code: 'face-unsuitable',
    });
  });

  it('tells why there was no picture at all', async () => {
    await expect(show([]).run(1)).rejects.toMatchObject({
      code: 'camera-failed',
      message: expect.stringContaining('unplugged') as string,
    });
  });
});
