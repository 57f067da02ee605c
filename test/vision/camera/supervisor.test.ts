import { Observable, type Subscription, VirtualTimeScheduler, VirtualAction } from 'rxjs';
import { UsherError } from '../../../src/errors';
import { type CameraSource, type LentFrame } from '../../../src/vision/camera/source';
import { CAMERA_BACKOFF, type CameraHealth, superviseCamera } from '../../../src/vision/camera/supervisor';

/** What one opening does: frames at these times, then perhaps an end. Times in ms after the opening. */
interface Run {
  frames?: number[];
  endsAt?: number;
  failsAt?: number;
}

/** A camera on virtual time: it plays one script an opening, the last one for ever after. */
class ScriptedCamera implements CameraSource {
  readonly name = 'scripted';
  readonly openedAt: number[] = [];
  open_ = 0;

  constructor(
    private readonly time: VirtualTimeScheduler,
    private readonly runs: Run[],
    readonly live = true,
  ) {}

  open(): Observable<LentFrame> {
    return new Observable((subscriber) => {
      const script = this.runs[Math.min(this.openedAt.length, this.runs.length - 1)]!;
      this.openedAt.push(this.time.now());
      this.open_++;
      subscriber.add(() => this.open_--);
      const at = (ms: number | undefined, act: () => void) => {
        if (ms !== undefined) subscriber.add(this.time.schedule(act, ms));
      };
      script.frames?.forEach((ms, seq) => {
        at(ms, () =>
          subscriber.next({
            width: 1,
            height: 1,
            data: new Uint8Array(3),
            seq,
            at: 1000 + this.time.now(),
            mono: this.time.now(),
            release: () => undefined,
          }),
        );
      });
      at(script.failsAt, () =>
        subscriber.error(new UsherError('camera-failed', 'broken pipe', { remedy: 'Plug it in.' })),
      );
      at(script.endsAt, () => subscriber.complete());
    });
  }
}

const noJitter = { ...CAMERA_BACKOFF, jitter: 0 };

function watch(
  runs: Run[],
  options: { live?: boolean; jitter?: number; random?: () => number; untilMs?: number } = {},
) {
  const time = new VirtualTimeScheduler(VirtualAction, options.untilMs ?? 60_000);
  const camera = new ScriptedCamera(time, runs, options.live ?? true);
  const supervised = superviseCamera(camera, {
    ...{ stallMs: 3000, startMs: 10_000, scheduler: time, now: () => time.now() },
    backoff: { ...noJitter, jitter: options.jitter ?? 0 },
    ...(options.random === undefined ? {} : { random: options.random }),
  });
  const states: [number, CameraHealth['state']][] = [];
  const details: string[] = [];
  supervised.status.subscribe(({ state, detail }) => {
    states.push([time.now(), state]);
    if (detail !== null) details.push(detail);
  });
  const seen = { frames: 0, completed: false };
  const subscription: Subscription = supervised.frames.subscribe({
    next: () => seen.frames++,
    complete: () => (seen.completed = true),
  });
  return { time, camera, supervised, states, details, seen, subscription };
}

const every = (ms: number, fromMs: number, toMs: number) =>
  Array.from({ length: Math.floor((toMs - fromMs) / ms) + 1 }, (_, i) => fromMs + i * ms);

test('a steady camera is live from its first frame on and never restarted', () => {
  const run = watch([{ frames: every(100, 500, 60_000) }], { untilMs: 50_000 });
  run.time.flush();
  expect(run.states).toEqual([
    [0, 'starting'],
    [500, 'live'],
  ]);
  expect(run.supervised.health()).toMatchObject({
    state: 'live',
    restarts: 0,
    framesCaptured: run.seen.frames,
    detail: null,
  });
  expect(run.supervised.health().lastFrameAt).toBe(1000 + 50_000);
});

test('no first frame within startMs, then no frame within stallMs: stalled at that moment, closed, opened again', () => {
  const run = watch([{}, { frames: [200, 400] }, { frames: every(100, 100, 60_000) }], { untilMs: 30_000 });
  run.time.flush();
  expect(run.states).toEqual([
    [0, 'starting'],
    [10_000, 'stalled'],
    [10_500, 'starting'],
    [10_700, 'live'],
    [13_900, 'stalled'],
    [14_900, 'starting'],
    [15_000, 'live'],
  ]);
  expect(run.camera.open_).toBe(1);
  expect(run.details[0]).toContain('no frame within 10000 ms of its start');
  expect(run.details.join()).toContain('no frame for 3000 ms');
});

test('a stream that ends is a fault, a file that ends is not', () => {
  const live = watch([{ frames: [10], endsAt: 20 }, { frames: every(100, 10, 9000) }], { untilMs: 5000 });
  live.time.flush();
  expect(live.states.map(([, state]) => state)).toEqual(['starting', 'live', 'ended', 'starting', 'live']);
  expect(live.seen.completed).toBe(false);

  const file = watch([{ frames: [10], endsAt: 20 }], { live: false });
  file.time.flush();
  expect(file.states.map(([, state]) => state)).toEqual(['starting', 'live', 'ended']);
  expect(file.seen).toEqual({ frames: 1, completed: true });
  expect(file.camera.openedAt).toHaveLength(1);
});

test('the delay doubles up to its cap, with the fault and its remedy in the detail', () => {
  const run = watch([{ failsAt: 0 }], { untilMs: 200_000 });
  run.time.flush();
  const gaps = run.camera.openedAt.slice(1).map((at, i) => at - run.camera.openedAt[i]!);
  expect(gaps.slice(0, 9)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  expect(run.details[0]).toBe('broken pipe Plug it in.');
  expect(run.supervised.health().restarts).toBe(run.camera.openedAt.length - 1);
});

test('jitter only shortens, by at most its part', () => {
  const draws = [0, 0.5, 1];
  let draw = 0;
  const run = watch([{ failsAt: 0 }], { jitter: 0.4, random: () => draws[draw++ % 3]!, untilMs: 3500 });
  run.time.flush();
  const gaps = run.camera.openedAt.slice(1).map((at, i) => at - run.camera.openedAt[i]!);
  expect(gaps.slice(0, 3)).toEqual([500, 800, 1200]);
});

test('ten seconds of frames reset the delay; a single frame does not', () => {
  const flicker = { frames: [10], failsAt: 20 };
  const steady = { frames: every(500, 10, 10_510), failsAt: 10_600 };
  const run = watch([flicker, flicker, flicker, steady, flicker], { untilMs: 20_000 });
  run.time.flush();
  const gaps = run.camera.openedAt.slice(1).map((at, i) => at - run.camera.openedAt[i]!);
  expect(gaps.slice(0, 4)).toEqual([520, 1020, 2020, 10_600 + 500]);
});

test.each([5, 150, 3600, 11_000])('unsubscribing at %i ms stops everything: camera, timers, restarts', (ms) => {
  const run = watch([{ frames: [100], failsAt: 120 }, {}]);
  run.time.schedule(() => {
    run.subscription.unsubscribe();
  }, ms);
  run.time.flush();
  expect(run.camera.open_).toBe(0);
  expect(run.camera.openedAt.every((at) => at <= ms)).toBe(true);
  expect(run.states.every(([at]) => at <= ms)).toBe(true);
});

test('a source that fails while it is being subscribed to is restarted like any other', () => {
  const time = new VirtualTimeScheduler(VirtualAction, 3000);
  let openings = 0;
  const source: CameraSource = {
    name: 'instant',
    live: true,
    open: () =>
      new Observable((subscriber) => {
        openings++;
        subscriber.error(new Error('at once'));
      }),
  };
  const supervised = superviseCamera(source, {
    stallMs: 1000,
    startMs: 1000,
    scheduler: time,
    now: () => time.now(),
    backoff: noJitter,
  });
  supervised.frames.subscribe();
  time.flush();
  expect(openings).toBe(3);
  expect(supervised.health()).toMatchObject({ state: 'failed', detail: 'at once', restarts: 2 });
});
