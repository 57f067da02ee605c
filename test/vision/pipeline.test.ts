import { BehaviorSubject, Subject } from 'rxjs';
import { type CameraStatus, LIVENESS_ABSENT, type Observation, type SceneChange } from '../../src/events';
import type { AnalysedFace, FaceAnalyser, LiveAnalysis } from '../../src/vision/faces/analyser';
import type { LentFrame } from '../../src/vision/camera/source';
import type { CameraHealth } from '../../src/vision/camera/supervisor';
import { visionPipeline } from '../../src/vision/pipeline';
import { SubjectTracker } from '../../src/vision/faces/tracker';
import { PictureWatch } from '../../src/vision/watch/picture-watch';
import { FRONTAL } from '../support/landmarks';

const HEALTH: CameraHealth = { state: 'live', detail: null, framesCaptured: 7, restarts: 1, lastFrameAt: 1000 };
const FACE: AnalysedFace = {
  box: { x: 10, y: 10, width: 100, height: 120 },
  score: 0.9,
  quality: {
    ...{ interocularPx: 40, sharpness: 0.1, brightness: 120, contrast: 40 },
    ...{ yaw: 0, pitch: 0, rollDeg: 0, score: 0.8 },
  },
  refusal: null,
  embedding: Float32Array.of(1, 0),
  five: FRONTAL,
};

/** A pipeline whose camera and networks do what the test says, when it says so. */
function pipeline(latencyMs = 0) {
  const frames = new Subject<LentFrame>();
  const status = new BehaviorSubject(HEALTH);
  const inWork: { resolve: (analysis: LiveAnalysis) => void; reject: (error: Error) => void }[] = [];
  const analyser = {
    space: 'test-1',
    bestScore: () => Promise.resolve(0.9),
    live: () => new Promise<LiveAnalysis>((resolve, reject) => inWork.push({ resolve, reject })),
  } as unknown as FaceAnalyser;
  const tracker = new SubjectTracker({ dimensions: 2, normalise: true, samePersonDistance: 1, absentMs: 500 });
  const now = { ms: 1000 };
  const out: (Observation | SceneChange | CameraStatus)[] = [];
  const errors: unknown[] = [];
  let completed = false;
  const subscription = visionPipeline({
    cameraId: 'cam',
    camera: { frames, status, health: () => ({ ...HEALTH, framesCaptured: 99 }) },
    watch: new PictureWatch({ stuckMs: null, reference: null, monotonicMs: () => 0 }),
    faces: () => ({ analyser, tracker }),
    liveness: null,
    scene: null,
    monotonicMs: () => now.ms,
    latencyMs,
  }).subscribe({
    next: (event) => out.push(event),
    error: (error) => errors.push(error),
    complete: () => (completed = true),
  });
  const released: number[] = [];
  return {
    ...{ now, frames, status, inWork, out, errors, released, subscription },
    isComplete: () => completed,
    observations: () => out.filter((event): event is Observation => event.kind === 'observation'),
    statuses: () => out.filter((event): event is CameraStatus => event.kind === 'camera'),
    give: (seq: number, mono = 100 + seq) =>
      frames.next({
        ...{ width: 1, height: 1, data: new Uint8Array(3), seq, at: 5000 + seq, mono },
        release: () => void released.push(seq),
      }),
  };
}
const settle = async (): Promise<void> => {
  for (let i = 0; i < 60; i++) await Promise.resolve();
};

beforeEach(() => jest.useFakeTimers({ doNotFake: ['performance', 'queueMicrotask', 'nextTick'] }));
afterEach(() => jest.useRealTimers());

test('a frame becomes an observation, with the time at which it came and the fused vector', async () => {
  const { give, inWork, observations, released } = pipeline();
  give(3);
  inWork[0]!.resolve({ faces: 2, subject: FACE });
  await settle();
  expect(observations()).toEqual([
    {
      ...{ kind: 'observation', camera: 'cam', at: 5003, mono: 103, frame: 3, faces: 2, space: 'test-1' },
      subject: {
        ...{ box: FACE.box, detectionScore: 0.9, track: 1, quality: FACE.quality, refusal: null },
        ...{ embedding: FACE.embedding, fused: Float32Array.of(1, 0), fusedFrames: 1, liveness: LIVENESS_ABSENT },
      },
    },
  ]);
  expect(released).toEqual([3]);
});

test('a frame that comes late is not looked at; the delay that a camera is known to have is not lateness', async () => {
  for (const [latencyMs, framesLate] of [
    [0, 4],
    [500, 3],
  ] as const) {
    const { give, now, inWork, released, statuses } = pipeline(latencyMs);
    now.ms = 10_000;
    give(0, 8499);
    give(1, 8600);
    give(2, 10_001);
    give(3, -Infinity);
    expect(inWork).toHaveLength(4 - framesLate);
    expect([...released].sort()).toEqual(latencyMs === 0 ? [0, 1, 2, 3] : [0, 2, 3]);
    jest.advanceTimersByTime(1000);
    expect(statuses().at(-1)).toMatchObject({ framesLate });
    await settle();
  }
});

test('a frame from before the last one is of the past, however a new start of the camera dates it', async () => {
  const { give, now, inWork, released } = pipeline();
  now.ms = 10_000;
  give(0, 9900);
  inWork[0]!.resolve({ faces: 0, subject: null });
  await settle();
  give(1, 9900);
  give(2, 9890);
  expect(inWork).toHaveLength(1);
  give(3, 9901);
  expect(inWork).toHaveLength(2);
  expect(released).toEqual([0, 1, 2]);
});

test('an empty frame is told too: the door learns that nobody is there', async () => {
  const { give, inWork, observations } = pipeline();
  give(0);
  inWork[0]!.resolve({ faces: 0, subject: null });
  await settle();
  expect(observations()).toMatchObject([{ faces: 0, subject: null }]);
});

test('while one is in work the newest waits and the others are dropped; each buffer is given back once', async () => {
  const { give, inWork, observations, released, statuses } = pipeline();
  for (let seq = 0; seq < 5; seq++) give(seq);
  expect(inWork).toHaveLength(1);
  expect(released).toEqual([1, 2, 3]);
  inWork[0]!.resolve({ faces: 0, subject: null });
  await settle();
  inWork[1]!.resolve({ faces: 0, subject: null });
  await settle();
  expect(observations().map(({ frame }) => frame)).toEqual([0, 4]);
  expect([...released].sort()).toEqual([0, 1, 2, 3, 4]);
  jest.advanceTimersByTime(1000);
  expect(statuses().at(-1)).toMatchObject({ framesCaptured: 99, framesAnalysed: 2, framesDropped: 3 });
});

test('the camera’s condition: now, at each change, and every second whatever happens', async () => {
  const { status, statuses } = pipeline();
  expect(statuses()).toMatchObject([{ camera: 'cam', state: 'live', restarts: 1, framesAnalysed: 0 }]);
  status.next({ ...HEALTH, state: 'failed', detail: 'unplugged' });
  expect(statuses().at(-1)).toMatchObject({ state: 'failed', detail: 'unplugged', lastAnalysisAt: null });
  jest.advanceTimersByTime(3000);
  expect(statuses()).toHaveLength(5);
  await settle();
});

test('a camera that has ended for good is still reported, so that nobody takes the process for hung', () => {
  const { frames, statuses, isComplete } = pipeline();
  frames.complete();
  jest.advanceTimersByTime(2000);
  expect(statuses()).toHaveLength(3);
  expect(isComplete()).toBe(false);
});

test('an analysis that fails ends it, with the buffer given back and no observation', async () => {
  const { give, inWork, errors, observations, released } = pipeline();
  give(0);
  inWork[0]!.reject(new Error('the network broke'));
  await settle();
  expect(errors).toEqual([new Error('the network broke')]);
  expect([observations(), released]).toEqual([[], [0]]);
});

test('nothing is left when it is not wanted any more', () => {
  const { frames, status, subscription } = pipeline();
  subscription.unsubscribe();
  expect([frames.observed, status.observed, jest.getTimerCount()]).toEqual([false, false, 0]);
});
