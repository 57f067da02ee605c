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
  /** Whether the camera gives pictures that are being analysed. */
  live(live: boolean): void;
  ready(ready: VisionReady): void;
  scene(change: SceneChange): void;
  health(health: ComponentHealth): void;
}

export type CameraCounts = Pick<CameraStatus, 'framesCaptured' | 'framesAnalysed' | 'framesDropped' | 'restarts'>;

/** Limit for loading models, including the build of a TensorRT engine. */
const CHILD_START_MS = 15 * 60_000;

/**
 * One camera's vision child, as seen by the daemon: observations, whether pictures arrive, and health. During a trial a
 * candidate's frames may be used instead.
 */
export class VisionService {
  private readonly child: ModelChild<VisionJob, VisionEvent>;
  private readonly frames = new FrameArbiter((observation) => this.events.observation(observation));
  /** The camera's scene, and which model determines it. */
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
    /** The doors of this camera. */
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

  /** The job with which the child was started or that it has adopted since. */
  get currentJob(): VisionJob {
    return this.child.currentJob;
  }

  /** Longest time between two frames that were decided on since the last call, ms. */
  takeLongestGap(): number {
    return this.frames.takeLongestGap();
  }

  /** Sends copies of the camera's frames to a candidate's child. Null stops it. */
  tap(path: string | null, minIntervalMs = 0): void {
    this.child.send({ kind: 'tap', path, minIntervalMs } satisfies VisionOrder);
  }

  /** Sends the camera's next frame to the process that paints. False if no process can send it. */
  still(path: string, event: StillEvent): boolean {
    return this.child.send({ kind: 'still', path, event } satisfies VisionOrder);
  }

  /** Starts a trial; a candidate's frames are used after `decide(true)`. Null ends it. */
  attachTrial(watcher: FrameWatcher | null): void {
    this.frames.attachTrial(watcher);
  }

  decide(byCandidate: boolean): void {
    this.frames.decide(byCandidate);
  }

  /** A frame that the candidate has analysed. */
  candidate(observation: Observation): void {
    this.frames.candidate(observation);
  }

  /**
   * The running child changes to these models between two frames, and its next process starts with them.
   * @throws UsherError `model-invalid`: it keeps its present models
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

  /** Frames since the running vision process started, and the camera's restarts; zeros before its first report. */
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
    // The old process no longer reports.
    this.setLive(false);
    this.events.health(STARTING);
  }

  /** A person who swipes meanwhile must learn that the camera is unavailable, not that no face was seen. */
  private lookForQuiet(): void {
    if (!this.talk.fellQuiet(monotonicMs())) return;
    this.setLive(false);
    this.child.failed('the vision process has stopped reporting');
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
    // The process itself works while it reports a frozen picture; `trouble` says that no frame is decided on.
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
    // The reason is in its health; see health-log.ts.
    if (live) this.log.info('camera live');
    this.events.live(live);
  }
}
