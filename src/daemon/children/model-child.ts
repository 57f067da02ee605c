import type { Subscription } from 'rxjs';
import { UsherError } from '../../errors';
import type { ChildFailed, ModelsAdopted } from '../../events';
import { monotonicMs } from '../../system/clock';
import { SOURCE_PATIENCE_MS, type Progress } from '../../system/health-watchdog';
import type { Log } from '../../system/log';
import { type ChildState, SupervisedChild } from '../../system/supervise';
import { type ComponentHealth, STARTING } from '../health/health';

export interface ModelChildParts<Job, Report> {
  /** Of the camera, the microphone or the server. */
  readonly name: string;
  /** What a message calls it, such as `the vision process`. */
  readonly title: string;
  /** Compiled entry point. */
  readonly entry: string;
  readonly job: Job;
  /** Time for loading its models, ms. */
  readonly startMs: number;
  /** A child that says nothing for so long is killed, ms. Default: 10 s, for one that reports every second. */
  readonly silentMs?: number;
  /** Its standard input is the daemon's own. */
  readonly inheritsInput?: boolean;
  readonly health: (health: ComponentHealth) => void;
  readonly receive: (report: Exclude<Report, ChildFailed | ModelsAdopted>) => void;
  /** A process has started or ended. `cause`: why it ended, where another one follows. */
  readonly changed?: (state: ChildState['state'], cause: string | null) => void;
  readonly log: Log;
}

const SILENT_MS = 10_000;
const STOP_MS = 3000;

/**
 * A child process that holds models, as the daemon sees it: kept in service, its failures reported as health, its models
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
  /** The process runs and has not reported yet: it loads its models. */
  private loading = false;
  /** Epoch ms of the last real progress. Set by the owner, who knows what that is. */
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

  /** What the child was started with, or has adopted since. */
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

  /** False: no process runs that could take it. */
  send(order: object): boolean {
    return this.child.send(order);
  }

  /** The next process is started with this job. */
  assign(job: Job): void {
    this.job = job;
    this.child.assign(job);
  }

  /**
   * The running process adopts the models of this job, and the next process starts with them.
   * @param order what to send; its number is in the child's answer
   * @throws UsherError `model-invalid`: the child goes on with the models that it had
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
      // Where no process runs, the next one starts with them.
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
   * For the watchdog. Supervision bounds the loading; a recording that has ended owes no progress.
   * @param waitMs the longest time without progress that is no fault
   */
  progress(waitMs: number, ended: boolean): Progress {
    const { name, startMs } = this.parts;
    const wait = this.loading ? startMs : waitMs;
    return { name, at: this.progressAt, patienceMs: ended ? Infinity : wait + SOURCE_PATIENCE_MS };
  }

  /** Reports it as failed, since that progress. */
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
    // The next process starts with the models that this one was to adopt; it reports itself whether they load.
    for (const answer of this.adoptions.values()) answer('the process ended while it took the models over');
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
