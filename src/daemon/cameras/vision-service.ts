import type { CameraConfig } from '../../config/schema/cameras';
import type { DoorConfig } from '../../config/schema/doors';
import type { CameraStatus, Observation, SceneChange, VisionEvent, VisionReady } from '../../events';
import { monotonicMs } from '../../system/clock';
import type { Progress } from '../../system/health-watchdog';
import type { Log } from '../../system/log';
import type { VisionJob, VisionOrder } from '../../vision/job';
import type { StillEvent } from '../../vision/stills/still-folder';
import { ModelChild } from '../children/model-child';
import { type ComponentHealth, STARTING } from '../health/health';
import { conditionOf } from './camera-condition';
import { FrameArbiter, type FrameWatcher } from './frame-arbiter';
import { SceneArbiter } from './scene-arbiter';
import { TalkWatch, WATCH_EVERY_MS } from './talk-watch';

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

/**
 * One camera's vision child, as the daemon sees it: observations, whether pictures come, and health. While a candidate is on
 * trial, its child's frames may be used instead.
 */
export class VisionService {
  private readonly child: ModelChild<VisionJob, VisionEvent>;
  private readonly frames = new FrameArbiter((observation) => this.events.observation(observation));
  /** What the camera sees as a whole, and which model says so. */
  readonly scenes = new SceneArbiter((change) => this.events.scene(change));
  private live = false;
  private status: CameraStatus | null = null;
  private readonly talk = new TalkWatch();
  private watch: NodeJS.Timeout | null = null;

  constructor(
    readonly camera: CameraConfig,
    entry: string,
    job: VisionJob,
    private readonly events: VisionServiceEvents,
    private readonly log: Log,
    /** Those that look through it. */
    private readonly doors: readonly DoorConfig[] = [],
  ) {
    this.child = new ModelChild({
      name: camera.id,
      title: 'the vision process',
      entry,
      job,
      startMs: CHILD_START_MS,
      health: (health) => events.health(health),
      receive: (event) => this.receive(event),
      changed: (state) => {
        this.talk.begin();
        if (state !== 'waiting') return;
        this.setLive(false);
        this.scenes.forgetOwn();
      },
      log,
    });
  }

  get pid(): number | null {
    return this.child.pid;
  }

  get isLive(): boolean {
    return this.live;
  }

  /** What the own child was started with, or has adopted since. */
  get currentJob(): VisionJob {
    return this.child.currentJob;
  }

  /** Longest time between two frames that were decided on, ms, since the last call. */
  takeLongestGap(): number {
    return this.frames.takeLongestGap();
  }

  /** Shows the camera's frames to the child of a candidate. Null: no longer. */
  tap(path: string | null, minIntervalMs = 0): void {
    this.child.send({ kind: 'tap', path, minIntervalMs } satisfies VisionOrder);
  }

  /** The camera's next frame goes to the process that paints. False: there is no process to take it. */
  still(path: string, event: StillEvent): boolean {
    return this.child.send({ kind: 'still', path, event } satisfies VisionOrder);
  }

  /** Begins a trial: a candidate's frames are used after `decide(true)`. Null ends it. */
  attachTrial(watcher: FrameWatcher | null): void {
    this.frames.attachTrial(watcher);
  }

  decide(byCandidate: boolean): void {
    this.frames.decide(byCandidate);
  }

  /** A frame as the candidate has analysed it. */
  candidate(observation: Observation): void {
    this.frames.candidate(observation);
  }

  /**
   * The own child adopts these models between two frames, and its next process starts with them.
   * @throws UsherError `model-invalid`: it goes on with the models that it had
   */
  async adopt(changed: Partial<VisionJob['models']>): Promise<void> {
    const models = { ...this.currentJob.models, ...changed };
    const job = { ...this.currentJob, models };
    await this.child.adopt(job, (order) => ({ kind: 'adopt', order, models }) satisfies VisionOrder);
  }

  get progress(): Progress {
    const { startMs, stallMs } = this.camera;
    return this.child.progress(Math.max(startMs, stallMs), this.status?.state === 'ended');
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
    this.child.start();
    this.watch = setInterval(() => this.lookForQuiet(), WATCH_EVERY_MS);
  }

  async stop(): Promise<void> {
    if (this.watch !== null) clearInterval(this.watch);
    await this.child.stop();
    this.setLive(false);
  }

  restart(): void {
    this.child.restart();
    // The old process does not report any more.
    this.setLive(false);
    this.events.health(STARTING);
  }

  /** A person who swipes meanwhile must hear that the camera is not available, not that no face was seen. */
  private lookForQuiet(): void {
    if (!this.talk.fellQuiet(monotonicMs())) return;
    this.setLive(false);
    this.child.failed('the vision process says nothing any more');
  }

  private receive(event: Observation | SceneChange | CameraStatus | VisionReady): void {
    this.talk.heard(monotonicMs());
    switch (event.kind) {
      case 'observation':
        this.child.progressed();
        this.child.lastProgressAt = event.at;
        this.frames.own(event);
        return;
      case 'scene':
        this.scenes.ofOwn(event);
        return;
      case 'camera':
        this.onCamera(event);
        return;
      case 'ready':
        this.events.ready(event);
        this.scenes.again();
        return;
    }
  }

  private onCamera(status: CameraStatus): void {
    // The process works where it sees that a picture stands still; that nothing is decided on it is said by the trouble.
    const repeating = status.framesRepeated > (this.status?.framesRepeated ?? 0);
    if (status.state !== this.status?.state || status.restarts !== this.status.restarts || repeating)
      this.child.progressed();
    this.status = status;
    this.child.lastProgressAt = status.lastAnalysisAt;
    const { live, health } = conditionOf(status, this.camera, this.doors);
    this.setLive(live && this.talk.talks(monotonicMs()));
    this.events.health(health);
  }

  private setLive(live: boolean): void {
    if (this.live === live) return;
    this.live = live;
    // Why it is not, its health says; see health-log.ts.
    if (live) this.log.info('camera live');
    this.events.live(live);
  }
}
