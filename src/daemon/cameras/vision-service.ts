import type { Subscription } from 'rxjs';
import type { CameraConfig } from '../../config/schema/cameras';
import type { DoorConfig } from '../../config/schema/doors';
import { UsherError } from '../../errors';
import type { CameraStatus, Observation, SceneChange, VisionEvent, VisionReady } from '../../events';
import { monotonicMs } from '../../system/clock';
import { SOURCE_PATIENCE_MS, type Progress } from '../../system/health-watchdog';
import { SupervisedChild } from '../../system/supervise';
import type { Log } from '../../system/log';
import type { VisionJob, VisionOrder } from '../../vision/job';
import type { StillEvent } from '../../vision/stills/still-folder';
import { conditionOf } from './camera-condition';
import { type ComponentHealth, STARTING } from '../health/health';
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
/** The child reports every second; a native call that hangs for so long is ended. */
const CHILD_SILENT_MS = 10_000;
const CHILD_STOP_MS = 3000;

/** The own child's frames are taken again when a candidate's last one is older than theirs by so much. */
const STEP_IN_MS = 200;
/** Above every track of the own child: who is seen by another model is another person until proven. */
const CANDIDATE_TRACKS = 2 ** 32;

/** What the frames of a trial are told of. */
export interface FrameWatcher {
  /** Every frame that the own child has analysed. */
  own(observation: Observation): void;
  /** A frame of the own child that was taken because the candidate's did not come. */
  steppedIn(observation: Observation): void;
}

/**
 * One camera's vision child, as the daemon sees it: observations, liveliness and health.
 *
 * While a candidate is on trial, its child's frames may be taken instead (`lend`). The own child goes on beside it and steps in
 * within `STEP_IN_MS` wherever the candidate's frames stay away, so that nothing a candidate does can blind the door.
 */
export class VisionService {
  private readonly child: SupervisedChild<VisionEvent>;
  private job: VisionJob;
  private trial: { readonly watcher: FrameWatcher; decides: boolean; mono: number } | null = null;
  /** What the camera sees as a whole, and by whose word. */
  readonly scenes = new SceneArbiter((change) => this.events.scene(change));
  private takenMono = -Infinity;
  private gapMs = 0;
  private orders = 0;
  private readonly adoptions = new Map<number, (failure: string | null) => void>();
  private readonly subscriptions: Subscription[] = [];
  private live = false;
  private failure: { readonly detail: string; readonly remedy: string | null } | null = null;
  private lastProgressAt: number | null = null;
  private status: CameraStatus | null = null;
  /** Monotonic time of the last analysed frame, or of the last step towards having frames again. */
  private progressAt = monotonicMs();
  /** The process is up and has said nothing yet: it loads its models. */
  private loading = false;
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
    this.job = job;
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

  get isLive(): boolean {
    return this.live;
  }

  /** What the own child was started with, or has taken over since. */
  get currentJob(): VisionJob {
    return this.job;
  }

  /** Longest time between two frames that were decided on, ms, since this was asked last. */
  takeLongestGap(): number {
    const gap = this.gapMs;
    this.gapMs = 0;
    return gap;
  }

  /** Shows the camera's frames to the child of a candidate. Null: no longer. */
  tap(path: string | null, minIntervalMs = 0): void {
    this.child.send({ kind: 'tap', path, minIntervalMs } satisfies VisionOrder);
  }

  /** The camera's next frame goes to the process that paints. False: there is no process to take it. */
  still(path: string, event: StillEvent): boolean {
    return this.child.send({ kind: 'still', path, event } satisfies VisionOrder);
  }

  /** Begins a trial: the watcher is told of frames; a candidate's are taken once `decide(true)` was called. Null ends it. */
  attachTrial(watcher: FrameWatcher | null): void {
    this.trial = watcher === null ? null : { watcher, decides: false, mono: -Infinity };
  }

  decide(byCandidate: boolean): void {
    if (this.trial === null) return;
    this.trial.decides = byCandidate;
    this.trial.mono = byCandidate ? this.takenMono : -Infinity;
  }

  /** A frame as the candidate has analysed it. */
  candidate(observation: Observation): void {
    if (this.trial === null) return;
    this.trial.mono = Math.max(this.trial.mono, observation.mono);
    if (!this.trial.decides) return;
    const { subject } = observation;
    this.take(
      subject === null
        ? observation
        : { ...observation, subject: { ...subject, track: subject.track + CANDIDATE_TRACKS } },
    );
  }

  /**
   * The own child takes these models over, between two frames; the next process of it starts with them too.
   * @throws UsherError `model-invalid`: it goes on with what it had; `cancelled` when there is no answer in time
   */
  async adopt(changed: Partial<VisionJob['models']>, deadlineMs = CHILD_START_MS): Promise<void> {
    const before = this.job;
    const models = { ...before.models, ...changed };
    this.job = { ...before, models };
    this.child.assign(this.job);
    const order = ++this.orders;
    const failure = await new Promise<string | null>((resolve) => {
      const timer = setTimeout(() => resolve('no answer in time'), deadlineMs);
      this.adoptions.set(order, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      // Where no process runs, the next one starts with them.
      if (!this.child.send({ kind: 'adopt', order, models } satisfies VisionOrder)) this.adoptions.get(order)?.(null);
    });
    this.adoptions.delete(order);
    if (failure === null) return;
    this.job = before;
    this.child.assign(before);
    throw new UsherError('model-invalid', `${this.camera.id}: ${failure}`);
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
        this.talk.begin();
        if (state !== 'waiting') return;
        this.setLive(false);
        this.scenes.forgetOwn();
        // The next process is started with the models that this one was to take over; whether they load, it will say itself.
        for (const answer of this.adoptions.values()) answer('the process ended while it took the models over');
        const failure = this.failure ?? {
          detail: `the vision process ended (${detail ?? 'no cause known'})`,
          remedy: null,
        };
        this.failure = null;
        this.log.debug(failure.detail, { restarts });
        this.events.health({ state: 'failed', lastProgressAt: this.lastProgressAt, ...failure });
      }),
    );
    this.child.start();
    this.watch = setInterval(() => this.lookForQuiet(), WATCH_EVERY_MS);
  }

  async stop(): Promise<void> {
    if (this.watch !== null) clearInterval(this.watch);
    await this.child.stop();
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    this.setLive(false);
  }

  restart(): void {
    this.child.restart();
    // What the old process still has to say is not heard any more.
    this.setLive(false);
    this.events.health(STARTING);
  }

  /** Whoever swipes meanwhile must hear that the camera is not available, not that no face was seen. */
  private lookForQuiet(): void {
    if (!this.talk.fellQuiet(monotonicMs())) return;
    this.setLive(false);
    const detail = 'the vision process says nothing any more';
    this.events.health({ state: 'failed', lastProgressAt: this.lastProgressAt, detail, remedy: null });
  }

  private receive(event: VisionEvent): void {
    this.loading = false;
    this.talk.heard(monotonicMs());
    switch (event.kind) {
      case 'observation':
        this.progressAt = monotonicMs();
        this.lastProgressAt = event.at;
        this.own(event);
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
      case 'failed':
        this.failure = { detail: event.message, remedy: event.remedy };
        return;
      case 'adoption':
        this.adoptions.get(event.order)?.(event.failure);
        return;
    }
  }

  private own(observation: Observation): void {
    const { trial: trial } = this;
    trial?.watcher.own(observation);
    if (trial?.decides === true) {
      if (observation.mono - trial.mono <= STEP_IN_MS) return;
      trial.watcher.steppedIn(observation);
    }
    this.take(observation);
  }

  /** Frames are decided on in the order in which they were taken, whoever has analysed them; an older one is of the past. */
  private take(observation: Observation): void {
    const gap = observation.mono - this.takenMono;
    if (gap <= 0) return;
    if (this.takenMono > 0) this.gapMs = Math.max(this.gapMs, gap);
    this.takenMono = observation.mono;
    this.events.observation(observation);
  }

  private onCamera(status: CameraStatus): void {
    // The process works where it sees that a picture stands still; that nothing is decided on it is said by the trouble.
    const repeating = status.framesRepeated > (this.status?.framesRepeated ?? 0);
    if (status.state !== this.status?.state || status.restarts !== this.status.restarts || repeating)
      this.progressAt = monotonicMs();
    this.status = status;
    this.lastProgressAt = status.lastAnalysisAt;
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
