import type { Subscription } from 'rxjs';
import { UsherError } from '../../errors';
import type { ChildFailed, ModelsAdopted } from '../../events';
import { monotonicMs } from '../../system/clock';
import { SOURCE_PATIENCE_MS, type Progress } from '../../system/health-watchdog';
import type { Log } from '../../system/log';
import { type ChildState, SupervisedChild } from '../../system/supervise';
import { type ComponentHealth, STARTING } from '../health/health';

export interface ModelChildParts<Job, Report> {
  /** Name of the camera, the microphone or the server. */
  readonly name: string;
  /** Its name in messages, such as `the vision process`. */
  readonly title: string;
  /** Compiled entry point. */
  readonly entry: string;
  readonly job: Job;
  /** Limit for loading its models, ms. */
  readonly startMs: number;
  /** A child that is silent this long is killed, ms. Default: 10 s, for a child that reports every second. */
  readonly silentMs?: number;
  /** It inherits the daemon's standard input. */
  readonly inheritsInput?: boolean;
  readonly health: (health: ComponentHealth) => void;
  readonly receive: (report: Exclude<Report, ChildFailed | ModelsAdopted>) => void;
  /** Called when a process has started or ended. `cause`: why it ended, if another one follows. */
  readonly changed?: (state: ChildState['state'], cause: string | null) => void;
  readonly log: Log;
}

const SILENT_MS = 10_000;
const STOP_MS = 3000;

/**
 * A child process with models, as seen by the daemon: kept in service, its failures reported as health, its models
 * replaced while it runs.
 */
export class ModelChild<Job extends object, Report extends { readonly kind: string }> {
  private readonly child: SupervisedChild<Report | ChildFailed | ModelsAdopted>;
  private readonly subscriptions: Subscription[] = [];
  private job: Job;
  private orders = 0;
  private readonly adoptions = new Map<number, (failure: string | null) => void>();
  private failure: Pick<ComponentHealth, 'detail' | 'remedy'> | null = null;
  /** Monotonic time of the last progress, or of the last step towards it. */
  private progressAt = monotonicMs();
  /** The process runs and has not reported yet: it is loading its models. */
  private loading = false;
  /** Epoch ms of the last real progress. The owner sets it, since it knows what counts. */
  lastProgressAt: number | null = null;

  constructor(private readonly parts: ModelChildParts<Job, Report>) {
    const { name, entry, job, startMs, silentMs = SILENT_MS, inheritsInput = false, log } = parts;
    this.job = job;
    this.child = new SupervisedChild({
      name,
      entry,
      job,
      startMs,
      silentMs,
      stopMs: STOP_MS,
      output: (line) => log.warn(line),
      inheritsInput,
    });
  }

  get pid(): number | null {
    return this.child.pid;
  }

  /** The job with which the child was started or that it has adopted since. */
  get currentJob(): Job {
    return this.job;
  }

  start(): void {
    this.parts.health(STARTING);
    this.subscriptions.push(
      this.child.messages.subscribe((report) => this.receive(report)),
      this.child.state.subscribe((state) => this.onState(state)),
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

  /** False if no process runs. */
  send(order: object): boolean {
    return this.child.send(order);
  }

  /** Sets the job of the next process. */
  assign(job: Job): void {
    this.job = job;
    this.child.assign(job);
  }

  /**
   * The running process changes to the models of this job, and the next process starts with them.
   * @param order what to send; the child's answer has its number
   * @throws UsherError `model-invalid`: the child keeps its present models
   */
  async adopt(job: Job, order: (number: number) => object): Promise<void> {
    const before = this.job;
    this.assign(job);
    const number = ++this.orders;
    const failure = await new Promise<string | null>((resolve) => {
      const timer = setTimeout(() => resolve('no answer in time'), this.parts.startMs);
      this.adoptions.set(number, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      // If no process runs, the next one starts with them.
      if (!this.child.send(order(number))) this.adoptions.get(number)?.(null);
    });
    this.adoptions.delete(number);
    if (failure === null) return;
    this.assign(before);
    throw new UsherError('model-invalid', `${this.parts.name}: ${failure}`);
  }

  /** For the watchdog. */
  progressed(): void {
    this.progressAt = monotonicMs();
  }

  /**
   * For the watchdog. The supervisor limits the loading time. A recording that has ended makes no progress and need
   * not.
   * @param waitMs longest normal time without progress
   */
  progress(waitMs: number, ended: boolean): Progress {
    const { name, startMs } = this.parts;
    const wait = this.loading ? startMs : waitMs;
    return { name, at: this.progressAt, patienceMs: ended ? Infinity : wait + SOURCE_PATIENCE_MS };
  }

  /** Reports it as failed since its last progress. */
  failed(detail: string, remedy: string | null = null): void {
    this.parts.health({ state: 'failed', lastProgressAt: this.lastProgressAt, detail, remedy });
  }

  private onState({ state, detail, restarts }: ChildState): void {
    const { title, changed, log } = this.parts;
    this.progressed();
    this.loading = state === 'running';
    if (state !== 'waiting') return changed?.(state, null);
    const failure = this.failure ?? { detail: `${title} ended (${detail ?? 'no cause known'})`, remedy: null };
    this.failure = null;
    changed?.(state, failure.detail);
    // The next process starts with the models that this one should have adopted, and reports whether they load.
    for (const answer of this.adoptions.values()) answer('the process ended while it changed models');
    log.debug(failure.detail ?? title, { restarts });
    this.failed(failure.detail ?? title, failure.remedy);
  }

  private receive(report: Report | ChildFailed | ModelsAdopted): void {
    this.loading = false;
    if (isFailed(report)) this.failure = { detail: report.message, remedy: report.remedy };
    else if (isAdopted(report)) this.adoptions.get(report.order)?.(report.failure);
    else this.parts.receive(report as Exclude<Report, ChildFailed | ModelsAdopted>);
  }
}

const isFailed = (report: { readonly kind: string }): report is ChildFailed => report.kind === 'failed';
const isAdopted = (report: { readonly kind: string }): report is ModelsAdopted => report.kind === 'adoption';
