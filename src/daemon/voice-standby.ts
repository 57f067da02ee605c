import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subscription } from 'rxjs';
import type { MicrophoneStatus, VoiceEvent } from '../events';
import { TrialFailed, TrialPostponed } from '../fleet/trial';
import { monotonicMs } from '../system/clock';
import { SupervisedChild } from '../system/supervise';
import type { Log } from '../system/log';
import type { VoiceJob } from '../voice/job';
import type { ActivationPairs } from './activation-pairs';
import { residentMiB } from './process-memory';
import type { VoiceService } from './voice-service';

/** A candidate that then says nothing for so long hangs. */
const SILENT_MS = 3000;
const STOP_MS = 1000;

export interface VoiceStandbyOptions {
  readonly service: VoiceService;
  readonly entry: string;
  readonly dirs: Readonly<Record<string, string>>;
  /** Time for loading the models and reproducing their golden vectors. */
  readonly startMs: number;
  readonly pairs: ActivationPairs;
  readonly log: Log;
}

/**
 * The child of a candidate at one microphone: loads it, and hears along with the running child. Its first failure ends it; it is never
 * started again.
 */
export class VoiceStandby {
  private readonly folder = mkdtempSync(join(tmpdir(), 'usher-tap-'));
  private readonly child: SupervisedChild<VoiceEvent>;
  private readonly subscriptions: Subscription[] = [];
  private failure: TrialFailed | TrialPostponed | null = null;
  private said: string | null = null;
  private loaded = false;
  private fail: (failure: TrialFailed | TrialPostponed) => void = () => undefined;
  private becomeReady: () => void = () => undefined;
  /** Its last word on what it hears. */
  status: MicrophoneStatus | null = null;
  /** Rejects with the first failure; never resolves. */
  readonly failed: Promise<never>;
  readonly ready: Promise<void>;

  constructor(private readonly options: VoiceStandbyOptions) {
    this.failed = new Promise<never>((_, reject) => (this.fail = reject));
    this.failed.catch(() => undefined);
    this.ready = new Promise<void>((resolve) => (this.becomeReady = resolve));
    const { service, entry, startMs, log } = options;
    this.child = new SupervisedChild({
      name: `${service.microphone.id}-candidate`,
      ...{ entry, job: this.jobOf(service.currentJob), startMs, silentMs: SILENT_MS, stopMs: STOP_MS },
      output: (line) => log.warn(line),
    });
  }

  start(): void {
    const { service, pairs } = this.options;
    service.lend(pairs);
    service.tap(this.tapPath);
    this.subscriptions.push(
      this.child.messages.subscribe((event) => this.receive(event)),
      this.child.state.subscribe(({ state, detail, silent }) => {
        if (state !== 'waiting') return;
        // What loading throws is said before the end: digests, golden vectors, features of another version.
        const reason = this.said !== null && !this.loaded ? 'invalid' : silent ? 'silent' : 'crashed';
        this.end(new TrialFailed(reason, this.said ?? detail ?? 'no cause known'));
      }),
    );
    this.child.start();
  }

  rss(): number | null {
    const { pid } = this.child;
    return pid === null ? null : residentMiB(pid);
  }

  async stop(): Promise<void> {
    const { service } = this.options;
    // First what listens, then the rest.
    service.lend(null);
    service.tap(null);
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    await this.child.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What was heard is kept by the running child. */
  private jobOf(running: VoiceJob): VoiceJob {
    const microphone = { ...running.microphone, capture: null };
    return { ...running, microphone, captureDir: null, dirs: this.options.dirs, tap: this.tapPath };
  }

  private get tapPath(): string {
    return join(this.folder, 'tap');
  }

  private receive(event: VoiceEvent): void {
    switch (event.kind) {
      case 'activation':
        this.options.pairs.candidate(event, monotonicMs());
        this.options.service.candidate(event);
        return;
      case 'ready':
        this.loaded = true;
        this.becomeReady();
        return;
      case 'microphone':
        this.status = event;
        // The running child was started anew, and its ear with it: not the candidate's fault.
        if (event.state === 'ended' || event.state === 'failed')
          this.end(
            new TrialPostponed('not-running', `no sound any more: ${event.detail ?? 'the running child ended'}`),
          );
        return;
      case 'failed':
        this.said = event.message;
        return;
      case 'adoption':
        return;
    }
  }

  private end(failure: TrialFailed | TrialPostponed): void {
    if (this.failure !== null) return;
    this.failure = failure;
    this.options.service.decide(false);
    void this.child.stop();
    this.fail(failure);
  }
}
