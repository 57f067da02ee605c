import type { Log } from '../../system/log';
import type { WyomingJob, WyomingReport } from '../../voice/wyoming/job';
import { ModelChild } from '../children/model-child';
import type { ComponentHealth } from '../health/health';

const CHILD_START_MS = 2 * 60_000;
/** At most one line in this time: a flood on the port must not fill the disk through the log. */
const TELL_EVERY_MS = 10_000;

/** The process that serves trigger words to voice assistants, kept in service like a microphone's. */
export class WyomingService {
  private readonly child: ModelChild<WyomingJob, WyomingReport>;
  private warnedAt = -Infinity;

  constructor(
    entry: string,
    job: WyomingJob,
    private readonly health: (health: ComponentHealth) => void,
    private readonly log: Log,
  ) {
    this.child = new ModelChild({
      name: 'wyoming',
      title: 'the Wyoming process',
      entry,
      job,
      startMs: CHILD_START_MS,
      health,
      receive: (report) => this.receive(report),
      log,
    });
  }

  start(): void {
    this.child.start();
  }

  /** For other bundles the process is restarted, and clients connect again. */
  adopt(dirs: Readonly<Record<string, string>>): void {
    this.child.assign({ ...this.child.currentJob, dirs });
    this.child.restart();
  }

  stop(): Promise<void> {
    return this.child.stop();
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
    }
  }

  private good(at: number): void {
    this.child.lastProgressAt = at;
    this.health({ state: 'ok', lastProgressAt: at, detail: null, remedy: null });
  }

  private refused(why: string): void {
    const now = performance.now();
    if (now - this.warnedAt < TELL_EVERY_MS) return;
    this.warnedAt = now;
    this.log.warn('a client was refused', { why });
  }
}
