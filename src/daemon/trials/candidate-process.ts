import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subscription } from 'rxjs';
import type { VisionEvent, VoiceEvent } from '../../events';
import { TrialFailed, TrialPostponed } from '../../fleet/update/trial';
import type { Log } from '../../system/log';
import { SupervisedChild } from '../../system/supervise';
import { residentMiB } from './trial-cost';

/** A candidate that is silent this long hangs. At a door its frames are replaced long before. */
const SILENT_MS = 3000;
const STOP_MS = 1000;

/** The service of the running child, which gives the candidate its input and can stop it. */
interface Running {
  readonly pid: number | null;
  attachTrial(watcher: null): void;
  tap(path: null): void;
  decide(byCandidate: boolean): void;
}

/** A candidate at one camera or microphone, with its measurements. */
export interface TrialCandidate {
  /** Resolves when the models are loaded and have reproduced their golden vectors. */
  readonly ready: Promise<void>;
  /** Rejects with the first failure; never resolves. */
  readonly failed: Promise<never>;
  /** Process id of the running child. */
  readonly runningPid: number | null;
  /** Share of answers that equal the running model's, 0..1; null if none could be compared. */
  readonly agreement: number | null;
  /** Grows with each answer. */
  readonly answered: number;
  start(): void;
  stop(): Promise<void>;
  /** Null if no process runs. */
  residentMiB(): number | null;
  /** The candidate's input comes from the running child and ends with it. @throws TrialPostponed */
  requireRunning(): void;
}

export interface CandidateParts {
  readonly name: string;
  readonly running: Running;
  readonly entry: string;
  /** @param tap address at which the candidate's child gets copies of the running child's input */
  readonly jobOf: (tap: string) => object;
  /** Limit for loading the models and reproducing their golden vectors, ms. */
  readonly startMs: number;
  readonly log: Log;
}

/**
 * A candidate's child next to a running one: runs on this box's execution provider and gets copies of the running
 * child's input. Its first failure ends it; it is never restarted.
 */
export abstract class CandidateProcess<E extends VisionEvent | VoiceEvent> implements TrialCandidate {
  private readonly folder = mkdtempSync(join(tmpdir(), 'usher-tap-'));
  private readonly child: SupervisedChild<E>;
  private readonly subscriptions: Subscription[] = [];
  private failure: TrialFailed | TrialPostponed | null = null;
  private said: string | null = null;
  private loaded = false;
  private fail: (failure: TrialFailed | TrialPostponed) => void = () => undefined;
  private becomeReady: () => void = () => undefined;
  protected readonly tapPath = join(this.folder, 'tap');
  readonly failed: Promise<never>;
  readonly ready: Promise<void>;
  abstract readonly agreement: number | null;
  abstract readonly answered: number;
  /** Process id of the running child when the candidate was created. */
  private readonly pidBefore: number | null;

  protected constructor(private readonly parts: CandidateParts) {
    const { name, running, entry, jobOf, startMs, log } = parts;
    this.failed = new Promise<never>((_, reject) => (this.fail = reject));
    this.failed.catch(() => undefined);
    this.ready = new Promise<void>((resolve) => (this.becomeReady = resolve));
    this.pidBefore = running.pid;
    this.child = new SupervisedChild({
      name: `${name}-candidate`,
      entry,
      job: jobOf(this.tapPath),
      startMs,
      silentMs: SILENT_MS,
      stopMs: STOP_MS,
      output: (line) => log.warn(line),
    });
  }

  get runningPid(): number | null {
    return this.parts.running.pid;
  }

  residentMiB(): number | null {
    const { pid } = this.child;
    return pid === null ? null : residentMiB(pid);
  }

  requireRunning(): void {
    if (this.runningPid !== this.pidBefore)
      throw new TrialPostponed('not-running', `the running process of ${this.parts.name} was restarted`);
  }

  abstract start(): void;

  async stop(): Promise<void> {
    const { running } = this.parts;
    // First what matters at the door or in the room, then the rest.
    running.attachTrial(null);
    running.tap(null);
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    await this.child.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** An event of the candidate. */
  protected abstract receive(event: E): void;

  /** Called when the running child sends copies. */
  protected startChild(): void {
    this.subscriptions.push(
      this.child.messages.subscribe((event) => {
        if (event.kind === 'ready') {
          this.loaded = true;
          this.becomeReady();
        } else if (event.kind === 'failed') this.said = event.message;
        else this.receive(event);
      }),
      this.child.state.subscribe(({ state, detail, silent }) => {
        if (state !== 'waiting') return;
        // An error while loading is reported before the exit: digests, golden vectors, a card of another task.
        const reason = this.said !== null && !this.loaded ? 'invalid' : silent ? 'silent' : 'crashed';
        this.end(new TrialFailed(reason, this.said ?? detail ?? 'no cause known'));
      }),
    );
    this.child.start();
  }

  protected end(failure: TrialFailed | TrialPostponed): void {
    if (this.failure !== null) return;
    this.failure = failure;
    this.parts.running.decide(false);
    void this.child.stop();
    this.fail(failure);
  }
}
