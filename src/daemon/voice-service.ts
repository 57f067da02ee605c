import type { Subscription } from 'rxjs';
import type { MicrophoneConfig } from '../config/microphones';
import type { Activation, MicrophoneStatus, VoiceEvent, VoiceReady } from '../events';
import { monotonicMs } from '../system/clock';
import { type Progress, SOURCE_PATIENCE_MS } from '../system/health-watchdog';
import type { Log } from '../system/log';
import { SupervisedChild } from '../system/supervise';
import type { VoiceJob } from '../voice/job';
import { type ComponentHealth, STARTING } from './health';

export interface VoiceServiceEvents {
  activation(activation: Activation): void;
  ready(ready: VoiceReady): void;
  health(health: ComponentHealth): void;
}

/** Time for loading the models: small networks, which run on the CPU as fast as anywhere. */
const CHILD_START_MS = 2 * 60_000;
/** The child reports every second. */
const CHILD_SILENT_MS = 10_000;
const CHILD_STOP_MS = 3000;
/** Sound is scored as it comes: more behind than this is no longer hearing. */
const SCORED_WITHIN_MS = 3000;

const NOTHING = { gaps: 0, overruns: 0, restarts: 0, samples: 0 } as const;
export type MicrophoneCounts = Pick<MicrophoneStatus, keyof typeof NOTHING>;

/** One microphone's voice child, as the daemon sees it: activations, and whether it hears. */
export class VoiceService {
  private readonly child: SupervisedChild<VoiceEvent>;
  private readonly subscriptions: Subscription[] = [];
  private status: MicrophoneStatus | null = null;
  private failure: { detail: string; remedy: string | null } | null = null;
  private lastProgressAt: number | null = null;
  /** Monotonic time of the last sound that was scored, or of the last step towards having sound again. */
  private progressAt = monotonicMs();
  private loading = false;
  private hears: boolean | null = null;

  constructor(
    readonly microphone: MicrophoneConfig,
    entry: string,
    job: VoiceJob,
    private readonly events: VoiceServiceEvents,
    private readonly log: Log,
  ) {
    this.child = new SupervisedChild({
      name: microphone.id,
      entry,
      job,
      startMs: CHILD_START_MS,
      silentMs: CHILD_SILENT_MS,
      stopMs: CHILD_STOP_MS,
      output: (line) => log.warn(line),
      inheritsInput: microphone.source.type === 'stdin',
    });
  }

  get pid(): number | null {
    return this.child.pid;
  }

  get counts(): MicrophoneCounts {
    const { gaps, overruns, restarts, samples } = this.status ?? NOTHING;
    return { gaps, overruns, restarts, samples };
  }

  /** For the watchdog. Loading is bounded by the supervision of the process; a recording that has ended owes nothing more. */
  get progress(): Progress {
    const { id, startMs, stallMs, stuckMs } = this.microphone;
    const wait = this.loading ? CHILD_START_MS : Math.max(startMs, stallMs, stuckMs ?? 0);
    const patienceMs = this.status?.state === 'ended' ? Infinity : wait + SOURCE_PATIENCE_MS;
    return { name: id, at: this.progressAt, patienceMs };
  }

  start(): void {
    this.events.health(STARTING);
    this.subscriptions.push(
      this.child.messages.subscribe((event) => this.receive(event)),
      this.child.state.subscribe(({ state, detail, restarts }) => {
        this.progressAt = monotonicMs();
        this.loading = state === 'running';
        if (state !== 'waiting') return;
        this.setHears(false);
        const failure = this.failure ?? {
          detail: `the voice process ended (${detail ?? 'no cause known'})`,
          remedy: null,
        };
        this.failure = null;
        const remedy = failure.remedy === null ? {} : { remedy: failure.remedy };
        this.log.error(failure.detail, { restarts, ...remedy });
        this.events.health({ state: 'failed', lastProgressAt: this.lastProgressAt, ...failure });
      }),
    );
    this.child.start();
  }

  async stop(): Promise<void> {
    await this.child.stop();
    for (const subscription of this.subscriptions) subscription.unsubscribe();
  }

  restart(): void {
    this.child.restart();
  }

  private receive(event: VoiceEvent): void {
    this.loading = false;
    switch (event.kind) {
      case 'activation':
        this.events.activation(event);
        return;
      case 'microphone':
        this.onMicrophone(event);
        return;
      case 'ready':
        this.events.ready(event);
        return;
      case 'failed':
        this.failure = { detail: event.message, remedy: event.remedy };
        return;
    }
  }

  private onMicrophone(status: MicrophoneStatus): void {
    const before = this.status;
    const scored = status.lastScoredAt !== null && status.lastScoredAt !== before?.lastScoredAt;
    if (scored || status.state !== before?.state || status.restarts !== before.restarts)
      this.progressAt = monotonicMs();
    this.status = status;
    this.lastProgressAt = status.lastScoredAt;
    this.events.health(healthOf(status));
    if (status.state === 'starting' && status.restarts === 0) return;
    this.setHears(status.hearing);
  }

  private setHears(hears: boolean): void {
    if (this.hears === hears) return;
    this.hears = hears;
    if (hears) this.log.info('microphone hears');
    else this.log.warn('microphone does not hear', { why: this.status?.detail ?? this.status?.trouble ?? '' });
  }
}

/** `degraded`: it hears, but not well; or it delivers, and what it delivers cannot be a room. */
function healthOf(status: MicrophoneStatus): ComponentHealth {
  const { state, detail, trouble, restarts, gaps, overruns, hearing, rmsDbfs, peakDbfs } = status;
  const starting = state === 'starting' && restarts === 0;
  const live = state === 'live';
  // Sound that is taken up but not scored is no progress: a word in it would not be heard.
  const behind = live && status.lastScoredAt !== null && status.at - status.lastScoredAt > SCORED_WITHIN_MS;
  const problem = behind ? 'sound comes, but the networks do not keep up with it' : trouble;
  return {
    state: starting ? 'starting' : !live ? 'failed' : problem === null ? 'ok' : 'degraded',
    lastProgressAt: status.lastScoredAt,
    detail: starting ? null : live ? problem : (detail ?? `the microphone is ${state}`),
    remedy: null,
    sound: { hearing: hearing && !behind, rmsDbfs, peakDbfs, gaps, overruns },
  };
}
