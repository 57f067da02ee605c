import { BehaviorSubject, Observable, type SchedulerLike, Subscription, asyncScheduler } from 'rxjs';
import { type CameraState } from '../../events';
import { UsherError, messageOf } from '../../errors';
import { type CameraSource, type LentFrame } from './source';

export interface CameraHealth {
  readonly state: CameraState;
  /** Why it is not live: the fault and what to do about it. */
  readonly detail: string | null;
  readonly framesCaptured: number;
  readonly restarts: number;
  /** Epoch ms. */
  readonly lastFrameAt: number | null;
}

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Part of the delay that is left to chance, 0..1, so that many boxes do not call on one recorder in step. */
  readonly jitter: number;
  /** Frames for so long without a gap: the next fault counts as the first again. */
  readonly resetAfterMs: number;
}

export const CAMERA_BACKOFF: Backoff = { firstMs: 500, maxMs: 30_000, jitter: 0.3, resetAfterMs: 10_000 };

export interface SupervisorOptions {
  readonly stallMs: number;
  readonly startMs: number;
  readonly backoff?: Backoff;
  readonly scheduler?: SchedulerLike;
  /** Monotonic milliseconds; not the wall clock, which on a board without battery jumps by years when NTP answers. */
  readonly now?: () => number;
  readonly random?: () => number;
}

export interface SupervisedCamera {
  /** Cold, for one subscriber: subscribing starts the camera. Never fails; completes when a source that is not live has ended. */
  readonly frames: Observable<LentFrame>;
  /** The condition now, then each change of `state`, `detail` or `restarts`. */
  readonly status: Observable<CameraHealth>;
  /** The condition now, counts included. */
  health(): CameraHealth;
}

/**
 * Keeps a camera going: a source that fails, ends though it is live, or gives no frame within `startMs` of its start or
 * `stallMs` of the last frame is closed and opened again, after a capped, jittered, exponential delay.
 */
export function superviseCamera(source: CameraSource, options: SupervisorOptions): SupervisedCamera {
  const { stallMs, startMs, backoff = CAMERA_BACKOFF, scheduler = asyncScheduler } = options;
  const { now = () => performance.now(), random = Math.random } = options;

  let framesCaptured = 0;
  let restarts = 0;
  let lastFrameAt: number | null = null;
  const initial: CameraHealth = { state: 'starting', detail: null, framesCaptured, restarts, lastFrameAt };
  const status = new BehaviorSubject(initial);
  const enter = (state: CameraState, detail: string | null): void => {
    status.next({ state, detail, framesCaptured, restarts, lastFrameAt });
  };

  const frames = new Observable<LentFrame>((subscriber) => {
    let faultsInARow = 0;
    let stopRun: (() => void) | null = null;
    let pause: Subscription | undefined;

    const restartLater = (): void => {
      const delay = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(faultsInARow, 30));
      faultsInARow++;
      pause = scheduler.schedule(
        () => {
          restarts++;
          enter('starting', status.value.detail);
          run();
        },
        delay * (1 - backoff.jitter * random()),
      );
    };

    const run = (): void => {
      const openedAt = now();
      let firstFrame: number | null = null;
      let lastFrame: number | null = null;
      let over = false;
      let watch: Subscription | undefined;
      const opened = new Subscription();

      const finish = (state: CameraState, detail: string | null, restart: boolean): void => {
        if (over) return;
        over = true;
        watch?.unsubscribe();
        if (firstFrame !== null && lastFrame !== null && lastFrame - firstFrame >= backoff.resetAfterMs)
          faultsInARow = 0;
        opened.unsubscribe();
        enter(state, detail);
        if (restart) restartLater();
        else subscriber.complete();
      };

      // One timer that looks again at the earliest moment it could be late, rather than one timer for each frame.
      const lookAgain = (inMs: number): void => {
        watch = scheduler.schedule(() => {
          const limit = lastFrame === null ? startMs : stallMs;
          const left = (lastFrame ?? openedAt) + limit - now();
          if (left > 0) lookAgain(left);
          else finish('stalled', silence(source.name, lastFrame === null, limit), true);
        }, inMs);
      };

      stopRun = () => {
        over = true;
        watch?.unsubscribe();
        opened.unsubscribe();
      };
      lookAgain(startMs);
      const subscription = source.open().subscribe({
        next: (frame) => {
          if (over) return;
          lastFrame = now();
          lastFrameAt = frame.at;
          framesCaptured++;
          if (firstFrame === null) {
            firstFrame = lastFrame;
            enter('live', null);
            // The first frame may be held to a closer limit than the start was.
            watch?.unsubscribe();
            lookAgain(stallMs);
          }
          subscriber.next(frame);
        },
        error: (error: unknown) => {
          finish('failed', describe(error), true);
        },
        complete: () => {
          finish('ended', source.live ? `${source.name}: the stream ended` : null, source.live);
        },
      });
      // Added afterwards: a source that is over before `subscribe` returns is unsubscribed at once.
      opened.add(subscription);
    };

    run();
    return () => {
      pause?.unsubscribe();
      stopRun?.();
    };
  });

  return {
    frames,
    status: status.asObservable(),
    health: () => ({ ...status.value, framesCaptured, restarts, lastFrameAt }),
  };
}

function silence(name: string, atStart: boolean, limitMs: number): string {
  return atStart
    ? `${name}: no frame within ${limitMs} ms of its start. Is the camera connected and switched on?`
    : `${name}: no frame for ${limitMs} ms. Is the camera, its cable or its network still there?`;
}

function describe(error: unknown): string {
  const remedy = error instanceof UsherError ? error.remedy : undefined;
  return remedy === undefined ? messageOf(error) : `${messageOf(error)} ${remedy}`;
}
