import type { Subscription } from 'rxjs';
import type { Log } from '../../system/log';
import { SupervisedChild } from '../../system/supervise';
import type { WyomingJob, WyomingReport } from '../../voice/wyoming/job';
import { type ComponentHealth, STARTING } from '../health/health';

const CHILD_START_MS = 2 * 60_000;
const CHILD_SILENT_MS = 10_000;
const CHILD_STOP_MS = 3000;
/** Whoever floods the port must not fill the disk through our log. */
const TELL_EVERY_MS = 10_000;

/** The process that serves trigger words to voice assistants, kept in service like a microphone's. */
export class WyomingService {
  private readonly child: SupervisedChild<WyomingReport>;
  private readonly subscriptions: Subscription[] = [];
  private failure: { detail: string; remedy: string | null } | null = null;
  private lastProgressAt: number | null = null;
  private warnedAt = -Infinity;

  constructor(
    entry: string,
    private job: WyomingJob,
    private readonly health: (health: ComponentHealth) => void,
    private readonly log: Log,
  ) {
    this.child = new SupervisedChild({
      name: 'wyoming',
      entry,
      job,
      startMs: CHILD_START_MS,
      silentMs: CHILD_SILENT_MS,
      stopMs: CHILD_STOP_MS,
      output: (line) => log.warn(line),
    });
  }

  start(): void {
    this.health(STARTING);
    this.subscriptions.push(
      this.child.messages.subscribe((report) => this.receive(report)),
      this.child.state.subscribe(({ state, detail }) => {
        if (state !== 'waiting') return;
        const failure = this.failure ?? {
          detail: `the Wyoming process ended (${detail ?? 'no cause known'})`,
          remedy: null,
        };
        this.failure = null;
        this.health({ state: 'failed', lastProgressAt: this.lastProgressAt, ...failure });
      }),
    );
    this.child.start();
  }

  /** Other bundles: the process is started anew, and clients connect again. */
  adopt(dirs: Readonly<Record<string, string>>): void {
    this.job = { ...this.job, dirs };
    this.child.assign(this.job);
    this.child.restart();
  }

  async stop(): Promise<void> {
    await this.child.stop();
    for (const subscription of this.subscriptions) subscription.unsubscribe();
  }

  private receive(report: WyomingReport): void {
    switch (report.kind) {
      case 'listening':
        this.log.info('serving trigger words', { port: report.port });
        this.good(Date.now());
        return;
      case 'status':
        this.good(report.at);
        return;
      case 'refused':
        this.refused(report.why);
        return;
      case 'failed':
        this.failure = { detail: report.message, remedy: report.remedy };
        return;
    }
  }

  private good(at: number): void {
    this.lastProgressAt = at;
    this.health({ state: 'ok', lastProgressAt: at, detail: null, remedy: null });
  }

  private refused(why: string): void {
    const now = performance.now();
    if (now - this.warnedAt < TELL_EVERY_MS) return;
    this.warnedAt = now;
    this.log.warn('a client was sent away', { why });
  }
}
