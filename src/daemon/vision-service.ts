import type { Subscription } from 'rxjs';
import type { CameraConfig } from '../config/schema';
import type { CameraStatus, Observation, SceneChange, VisionEvent, VisionReady } from '../events';
import { monotonicMs } from '../system/clock';
import { SOURCE_PATIENCE_MS, type Progress } from '../system/health-watchdog';
import { SupervisedChild } from '../system/supervise';
import type { Log } from '../system/log';
import type { VisionJob } from '../vision/job';
import { type ComponentHealth, STARTING } from './health';

export interface VisionServiceEvents {
  observation(observation: Observation): void;
  /** The camera gives pictures that are being analysed, or no longer does. */
  live(live: boolean): void;
  ready(ready: VisionReady): void;
  scene(change: SceneChange): void;
  health(health: ComponentHealth): void;
}

export type CameraCounts = Pick<CameraStatus, 'framesCaptured' | 'framesAnalysed' | 'framesDropped' | 'restarts'>;

/** Time for loading models, a TensorRT engine build included. */
const CHILD_START_MS = 15 * 60_000;
/** The child reports every second; a native call that hangs for so long is ended. */
const CHILD_SILENT_MS = 10_000;
const CHILD_STOP_MS = 3000;

/** One camera's vision child, as the daemon sees it: observations, liveliness and health. */
export class VisionService {
  private readonly child: SupervisedChild<VisionEvent>;
  private readonly subscriptions: Subscription[] = [];
  private live = false;
  private failure: { readonly detail: string; readonly remedy: string | null } | null = null;
  private lastProgressAt: number | null = null;
  private status: CameraStatus | null = null;
  /** Monotonic time of the last analysed frame, or of the last step towards having frames again. */
  private progressAt = monotonicMs();
  /** The process is up and has said nothing yet: it loads its models. */
  private loading = false;

  constructor(
    readonly camera: CameraConfig,
    entry: string,
    job: VisionJob,
    private readonly events: VisionServiceEvents,
    private readonly log: Log,
  ) {
    this.child = new SupervisedChild({
      name: camera.id,
      entry,
      job,
      startMs: CHILD_START_MS,
      silentMs: CHILD_SILENT_MS,
      stopMs: CHILD_STOP_MS,
      output: (line) => log.warn(line),
    });
  }

  get pid(): number | null {
    return this.child.pid;
  }

  /** For the watchdog. Loading is bounded by the supervision of the process; a recording that has ended owes nothing more. */
  get progress(): Progress {
    const wait = this.loading ? CHILD_START_MS : Math.max(this.camera.startMs, this.camera.stallMs);
    const patienceMs = this.status?.state === 'ended' ? Infinity : wait + SOURCE_PATIENCE_MS;
    return { name: this.camera.id, at: this.progressAt, patienceMs };
  }

  /** Frames since the running vision process began, and the camera's restarts; zeros before its first word. */
  get counts(): CameraCounts {
    const { status } = this;
    return {
      framesCaptured: status?.framesCaptured ?? 0,
      framesAnalysed: status?.framesAnalysed ?? 0,
      framesDropped: status?.framesDropped ?? 0,
      restarts: status?.restarts ?? 0,
    };
  }

  start(): void {
    this.events.health(STARTING);
    this.subscriptions.push(
      this.child.messages.subscribe((event) => this.receive(event)),
      this.child.state.subscribe(({ state, detail, restarts }) => {
        this.progressAt = monotonicMs();
        this.loading = state === 'running';
        if (state !== 'waiting') return;
        this.setLive(false);
        const failure = this.failure ?? {
          detail: `the vision process ended (${detail ?? 'no cause known'})`,
          remedy: null,
        };
        this.failure = null;
        this.log.error(failure.detail, {
          restarts,
          ...(failure.remedy === null ? {} : { remedy: failure.remedy }),
        });
        this.events.health({ state: 'failed', lastProgressAt: this.lastProgressAt, ...failure });
      }),
    );
    this.child.start();
  }

  async stop(): Promise<void> {
    await this.child.stop();
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    this.setLive(false);
  }

  restart(): void {
    this.child.restart();
  }

  private receive(event: VisionEvent): void {
    this.loading = false;
    switch (event.kind) {
      case 'observation':
        this.progressAt = monotonicMs();
        this.lastProgressAt = event.at;
        this.events.observation(event);
        return;
      case 'scene':
        this.events.scene(event);
        return;
      case 'camera':
        this.onCamera(event);
        return;
      case 'ready':
        this.events.ready(event);
        return;
      case 'failed':
        this.failure = { detail: event.message, remedy: event.remedy };
        return;
    }
  }

  private onCamera(status: CameraStatus): void {
    if (status.state !== this.status?.state || status.restarts !== this.status.restarts)
      this.progressAt = monotonicMs();
    this.status = status;
    // Frames that are captured but not analysed are no progress: the door would wait for a face that nobody looks for.
    const analysing =
      status.lastAnalysisAt !== null &&
      status.at - status.lastAnalysisAt <= Math.max(this.camera.stallMs, 2000 / this.camera.fps);
    this.lastProgressAt = status.lastAnalysisAt;
    const live = status.state === 'live' && (analysing || status.framesAnalysed === 0);
    this.setLive(live);
    const starting = status.state === 'starting' && status.restarts === 0;
    const counts = `${status.framesCaptured} frames, ${status.framesDropped} dropped, ${status.restarts} restarts`;
    this.events.health({
      state: live ? 'ok' : starting ? 'starting' : 'failed',
      lastProgressAt: status.lastAnalysisAt,
      detail: live || starting ? null : (status.detail ?? `the camera is ${status.state} (${counts})`),
      remedy: null,
    });
  }

  private setLive(live: boolean): void {
    if (this.live === live) return;
    this.live = live;
    this.log.info(live ? 'camera live' : 'camera not live');
    this.events.live(live);
  }
}
