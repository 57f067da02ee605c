import type { Subscription } from 'rxjs';
import type { MicrophoneConfig } from '../../config/schema/microphones';
import { UsherError } from '../../errors';
import type { Activation, MicrophoneStatus, VoiceEvent, VoiceReady } from '../../events';
import { monotonicMs } from '../../system/clock';
import { type Progress, SOURCE_PATIENCE_MS } from '../../system/health-watchdog';
import type { Log } from '../../system/log';
import { SupervisedChild } from '../../system/supervise';
import type { VoiceJob, VoiceOrder } from '../../voice/job';
import { type ComponentHealth, STARTING } from '../health/health';

export interface VoiceServiceEvents {
  activation(activation: Activation): void;
  ready(ready: VoiceReady): void;
  health(health: ComponentHealth): void;
}

/** What the activations of a trial are told of. */
export interface ActivationWatcher {
  /** Every activation of the own child. */
  own(activation: Activation): void;
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

/**
 * One microphone's voice child, as the daemon sees it: activations, and whether it hears. While a candidate is on trial (`lend`), its
 * child's activations may count instead; the own child listens on beside it.
 */
export class VoiceService {
  private readonly child: SupervisedChild<VoiceEvent>;
  private readonly subscriptions: Subscription[] = [];
  private status: MicrophoneStatus | null = null;
  private trial: { readonly watcher: ActivationWatcher; decides: boolean } | null = null;
  private orders = 0;
  private readonly adoptions = new Map<number, (failure: string | null) => void>();
  private failure: { detail: string; remedy: string | null } | null = null;
  private lastProgressAt: number | null = null;
  /** Monotonic time of the last sound that was scored, or of the last step towards having sound again. */
  private progressAt = monotonicMs();
  private loading = false;
  private hears: boolean | null = null;

  constructor(
    readonly microphone: MicrophoneConfig,
    entry: string,
    private job: VoiceJob,
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

  get isHearing(): boolean {
    return this.hears === true;
  }

  /** What the own child was started with, or has taken over since. */
  get currentJob(): VoiceJob {
    return this.job;
  }

  /** Lets the child of a candidate hear along. Null: no longer. */
  tap(path: string | null): void {
    this.child.send({ kind: 'tap', path } satisfies VoiceOrder);
  }

  /** Begins a trial: the watcher is told of activations; a candidate's count once `decide(true)` was called. Null ends it. */
  attachTrial(watcher: ActivationWatcher | null): void {
    this.trial = watcher === null ? null : { watcher, decides: false };
  }

  decide(byCandidate: boolean): void {
    if (this.trial !== null) this.trial.decides = byCandidate;
  }

  /** An activation as the candidate has heard it. */
  candidate(activation: Activation): void {
    if (this.trial?.decides === true) this.events.activation(activation);
  }

  /**
   * The own child takes these bundles over, between two pieces of sound; the next process of it starts with them too.
   * @throws UsherError `model-invalid`: it goes on with what it had
   */
  async adopt(dirs: Readonly<Record<string, string>>): Promise<void> {
    const before = this.job;
    this.assign({ ...before, dirs });
    const order = ++this.orders;
    const failure = await new Promise<string | null>((resolve) => {
      const timer = setTimeout(() => resolve('no answer in time'), CHILD_START_MS);
      this.adoptions.set(order, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      // Where no process runs, the next one starts with them.
      if (!this.child.send({ kind: 'adopt', order, dirs } satisfies VoiceOrder)) this.adoptions.get(order)?.(null);
    });
    this.adoptions.delete(order);
    if (failure === null) return;
    this.assign(before);
    throw new UsherError('model-invalid', `${this.microphone.id}: ${failure}`);
  }

  private assign(job: VoiceJob): void {
    this.job = job;
    this.child.assign(job);
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
        // The next process is started with what this one was to take over; whether that loads, it will say itself.
        for (const answer of this.adoptions.values()) answer('the process ended while it took the models over');
        const failure = this.failure ?? {
          detail: `the voice process ended (${detail ?? 'no cause known'})`,
          remedy: null,
        };
        this.failure = null;
        this.log.debug(failure.detail, { restarts });
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
        this.trial?.watcher.own(event);
        if (this.trial?.decides !== true) this.events.activation(event);
        return;
      case 'adoption':
        this.adoptions.get(event.order)?.(event.failure);
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
    // Why it does not, its health says; see health-log.ts.
    if (hears) this.log.info('microphone hears');
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
