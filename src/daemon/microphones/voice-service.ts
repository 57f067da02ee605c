import type { MicrophoneConfig } from '../../config/schema/microphones';
import type { Activation, MicrophoneStatus, VoiceEvent, VoiceReady } from '../../events';
import type { Progress } from '../../system/health-watchdog';
import type { Log } from '../../system/log';
import type { VoiceJob, VoiceOrder } from '../../voice/job';
import { ModelChild } from '../children/model-child';
import type { ComponentHealth } from '../health/health';

export interface VoiceServiceEvents {
  activation(activation: Activation): void;
  ready(ready: VoiceReady): void;
  health(health: ComponentHealth): void;
}

/** Receives the activations of a trial. */
export interface ActivationWatcher {
  /** Called with every activation of the running child. */
  own(activation: Activation): void;
}

/** Limit for loading the models: small networks that run on the CPU. */
const CHILD_START_MS = 2 * 60_000;
/** Sound is scored as it arrives; with a larger backlog the microphone does not count as listening. */
const SCORED_WITHIN_MS = 3000;

const NOTHING = { gaps: 0, overruns: 0, restarts: 0, samples: 0 } as const;
export type MicrophoneCounts = Pick<MicrophoneStatus, keyof typeof NOTHING>;

/**
 * One microphone's voice child, as seen by the daemon: activations, and whether it listens. During a trial
 * (`attachTrial`) a candidate's activations may count instead; the running child continues to listen.
 */
export class VoiceService {
  private readonly child: ModelChild<VoiceJob, VoiceEvent>;
  private status: MicrophoneStatus | null = null;
  private trial: { readonly watcher: ActivationWatcher; decides: boolean } | null = null;
  private hears: boolean | null = null;

  constructor(
    readonly microphone: MicrophoneConfig,
    entry: string,
    job: VoiceJob,
    private readonly events: VoiceServiceEvents,
    private readonly log: Log,
  ) {
    this.child = new ModelChild({
      name: microphone.id,
      title: 'the voice process',
      entry,
      job,
      startMs: CHILD_START_MS,
      inheritsInput: microphone.source.type === 'stdin',
      health: (health) => events.health(health),
      receive: (event) => this.receive(event),
      changed: (state) => {
        if (state === 'waiting') this.setHears(false);
      },
      log,
    });
  }

  get pid(): number | null {
    return this.child.pid;
  }

  get isHearing(): boolean {
    return this.hears === true;
  }

  /** The job with which the child was started or that it has adopted since. */
  get currentJob(): VoiceJob {
    return this.child.currentJob;
  }

  /** Sends copies of the sound to a candidate's child. Null stops it. */
  tap(path: string | null): void {
    this.child.send({ kind: 'tap', path } satisfies VoiceOrder);
  }

  /** Starts a trial: the watcher receives activations; a candidate's count after `decide(true)`. Null ends it. */
  attachTrial(watcher: ActivationWatcher | null): void {
    this.trial = watcher === null ? null : { watcher, decides: false };
  }

  decide(byCandidate: boolean): void {
    if (this.trial !== null) this.trial.decides = byCandidate;
  }

  /** An activation of the candidate. */
  candidate(activation: Activation): void {
    if (this.trial?.decides === true) this.events.activation(activation);
  }

  /**
   * The running child changes to these bundles between two pieces of sound, and its next process starts with them.
   * @throws UsherError `model-invalid`: it keeps its present bundles
   */
  async adopt(dirs: Readonly<Record<string, string>>): Promise<void> {
    const job = { ...this.currentJob, dirs };
    await this.child.adopt(job, (order) => ({ kind: 'adopt', order, dirs }) satisfies VoiceOrder);
  }

  get counts(): MicrophoneCounts {
    const { gaps, overruns, restarts, samples } = this.status ?? NOTHING;
    return { gaps, overruns, restarts, samples };
  }

  get progress(): Progress {
    const { startMs, stallMs, stuckMs } = this.microphone;
    return this.child.progress(Math.max(startMs, stallMs, stuckMs ?? 0), this.status?.state === 'ended');
  }

  start(): void {
    this.child.start();
  }

  stop(): Promise<void> {
    return this.child.stop();
  }

  restart(): void {
    this.child.restart();
  }

  private receive(event: Activation | MicrophoneStatus | VoiceReady): void {
    switch (event.kind) {
      case 'activation':
        this.trial?.watcher.own(event);
        if (this.trial?.decides !== true) this.events.activation(event);
        return;
      case 'microphone':
        this.onMicrophone(event);
        return;
      case 'ready':
        this.events.ready(event);
        return;
    }
  }

  private onMicrophone(status: MicrophoneStatus): void {
    const before = this.status;
    const scored = status.lastScoredAt !== null && status.lastScoredAt !== before?.lastScoredAt;
    if (scored || status.state !== before?.state || status.restarts !== before.restarts) this.child.progressed();
    this.status = status;
    this.child.lastProgressAt = status.lastScoredAt;
    this.events.health(healthOf(status));
    if (status.state === 'starting' && status.restarts === 0) return;
    this.setHears(status.hearing);
  }

  private setHears(hears: boolean): void {
    if (this.hears === hears) return;
    this.hears = hears;
    // The reason is in its health; see health-log.ts.
    if (hears) this.log.info('microphone hears');
  }
}

/** `degraded`: it listens with a fault, or its sound cannot come from a room. */
function healthOf(status: MicrophoneStatus): ComponentHealth {
  const { state, detail, trouble, restarts, gaps, overruns, hearing, rmsDbfs, peakDbfs } = status;
  const starting = state === 'starting' && restarts === 0;
  const live = state === 'live';
  // Sound that is recorded but not scored is no progress: a word in it would be missed.
  const behind = live && status.lastScoredAt !== null && status.at - status.lastScoredAt > SCORED_WITHIN_MS;
  const problem = behind ? 'sound arrives, but the networks are too slow for it' : trouble;
  return {
    state: starting ? 'starting' : !live ? 'failed' : problem === null ? 'ok' : 'degraded',
    lastProgressAt: status.lastScoredAt,
    detail: starting ? null : live ? problem : (detail ?? `the microphone is ${state}`),
    remedy: null,
    sound: { hearing: hearing && !behind, rmsDbfs, peakDbfs, gaps, overruns },
  };
}
