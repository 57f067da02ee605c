import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subscription } from 'rxjs';
import type { SceneChange, VisionEvent } from '../events';
import { TrialFailed, TrialPostponed } from '../fleet/trial';
import { monotonicMs } from '../system/clock';
import type { Log } from '../system/log';
import { SupervisedChild } from '../system/supervise';
import type { VisionJob } from '../vision/job';
import { residentMiB } from './process-memory';
import type { TrialFigures } from './trial-figures';
import type { VisionService } from './vision-service';

/** A candidate that then says nothing for so long hangs; its frames are replaced long before. */
const SILENT_MS = 3000;
const STOP_MS = 1000;

export interface StandbyOptions {
  readonly service: VisionService;
  readonly entry: string;
  /** What the candidate's child is started with, from what the running one was. */
  readonly jobOf: (running: VisionJob) => VisionJob;
  readonly scene?: (change: SceneChange) => void;
  /** Time for loading the models and reproducing their golden vectors. */
  readonly startMs: number;
  readonly figures: TrialFigures;
  readonly log: Log;
}

/**
 * The child of a candidate at one camera: loads it with the execution provider of this box, and analyses copies of the frames that
 * the running child sees. Its first failure ends it; it is never started again.
 */
export class VisionStandby {
  private readonly folder = mkdtempSync(join(tmpdir(), 'usher-tap-'));
  private readonly child: SupervisedChild<VisionEvent>;
  private readonly subscriptions: Subscription[] = [];
  private failure: TrialFailed | null = null;
  private said: string | null = null;
  private fail: (failure: TrialFailed) => void = () => undefined;
  private becomeReady: () => void = () => undefined;
  private loaded = false;
  /** Of the process that it stands beside. */
  private readonly beside: number | null;
  /** Rejects with the first failure; never resolves. */
  readonly failed: Promise<never>;
  /** Resolves when the models are loaded and have reproduced their golden vectors. */
  readonly ready: Promise<void>;

  constructor(private readonly options: StandbyOptions) {
    this.failed = new Promise<never>((_, reject) => (this.fail = reject));
    this.failed.catch(() => undefined);
    this.ready = new Promise<void>((resolve) => (this.becomeReady = resolve));
    const { service, entry, jobOf, startMs, log } = options;
    this.beside = service.pid;
    this.child = new SupervisedChild({
      name: `${service.camera.id}-candidate`,
      entry,
      job: { ...jobOf(service.currentJob), tap: this.tapPath },
      startMs,
      silentMs: SILENT_MS,
      stopMs: STOP_MS,
      output: (line) => log.warn(line),
    });
  }

  private get tapPath(): string {
    return join(this.folder, 'tap');
  }

  start(minIntervalMs: number): void {
    const { service } = this.options;
    service.lend(this.options.figures);
    service.tap(this.tapPath, minIntervalMs);
    this.subscriptions.push(
      this.child.messages.subscribe((event) => this.receive(event)),
      this.child.state.subscribe(({ state, detail, silent }) => {
        if (state !== 'waiting') return;
        const why = this.said ?? detail ?? 'no cause known';
        // What loading throws is said before the end: digests, golden vectors, a card of another task.
        const reason = this.said !== null && !this.loaded ? 'invalid' : silent ? 'silent' : 'crashed';
        this.end(new TrialFailed(reason, why));
      }),
    );
    this.child.start();
  }

  /** All frames from now on, as fast as they come. */
  hurry(): void {
    this.options.service.tap(this.tapPath, 0);
  }

  /** Frames came from the running child; with another process of it they come no more. @throws TrialPostponed */
  requireRunning(): void {
    const { service } = this.options;
    if (service.pid !== this.beside)
      throw new TrialPostponed('not-running', `the running process of ${service.camera.id} was started anew`);
  }

  rss(): number | null {
    const { pid } = this.child;
    return pid === null ? null : residentMiB(pid);
  }

  async stop(): Promise<void> {
    const { service } = this.options;
    // First the door, then the rest.
    service.lend(null);
    service.tap(null);
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    await this.child.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private receive(event: VisionEvent): void {
    switch (event.kind) {
      case 'observation':
        this.options.figures.candidate(event, monotonicMs());
        this.options.service.candidate(event);
        return;
      case 'ready':
        this.loaded = true;
        this.becomeReady();
        return;
      case 'failed':
        this.said = event.message;
        return;
      case 'scene':
        this.options.scene?.(event);
        return;
      case 'camera':
      case 'adoption':
        return;
    }
  }

  private end(failure: TrialFailed): void {
    if (this.failure !== null) return;
    this.failure = failure;
    this.options.service.decide(false);
    void this.child.stop();
    this.fail(failure);
  }
}
