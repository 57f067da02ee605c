import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StillsConfig } from '../../config/schema/stills';
import type { Log } from '../../system/log';
import { STILLS_QUEUE, type StillsJob, type StillsReport } from '../../vision/stills/job';
import { type StillEvent, stillFolder } from '../../vision/stills/still-folder';
import type { AuditTrail } from '../store/audit-trail';
import { ModelChild } from '../children/model-child';
import type { ComponentHealth } from '../health/health';

const CHILD_START_MS = 10 * 60_000;
/** Time for a step of the painting, at low priority, on a busy box. */
const CHILD_SILENT_MS = 5 * 60_000;
/** Limit from the decision to the picture's arrival at the process that paints. */
const ARRIVES_MS = 5000;
/** Limit from there until the still is stored: includes the queue, at low priority. */
const PAINTED_MS = 15 * 60_000;

export interface StillsParts {
  readonly config: StillsConfig;
  readonly dataDir: string;
  readonly job: Omit<StillsJob, 'socket' | 'folder' | 'limits' | 'sidePx' | 'steps'>;
  /** Requests the next frame from a camera's vision child. False if there is no child. */
  readonly ask: (camera: string, path: string, event: StillEvent) => boolean;
  readonly trail: Pick<AuditTrail, 'fact'>;
  readonly health: (health: ComponentHealth) => void;
  readonly monotonicMs: () => number;
  readonly log: Log;
}

interface Pending {
  readonly event: StillEvent;
  readonly until: number;
  readonly arrived: boolean;
}

/**
 * Stylised pictures of decisions, as seen by the daemon: which are wanted, and what became of each. Invariants: a
 * decision never waits for this and gets no error from it; at most `STILLS_QUEUE` decisions are in progress; each of
 * them ends with a journal record, stored or not.
 */
export class StillsService {
  private readonly child: ModelChild<StillsJob, StillsReport>;
  private readonly sockets = mkdtempSync(join(tmpdir(), 'usher-stills-'));
  private readonly pending = new Map<string, Pending>();
  private paints = false;
  private stopped = false;

  constructor(
    entry: string,
    private readonly parts: StillsParts,
  ) {
    const { config, dataDir, job, health, log } = parts;
    this.child = new ModelChild({
      name: 'stills',
      title: 'the process that paints stills',
      entry,
      job: {
        ...job,
        socket: this.socket,
        folder: stillFolder(dataDir),
        limits: { maxFiles: config.maxFiles, maxBytes: config.maxMb * 1e6 },
        sidePx: config.sidePx,
        steps: config.steps,
      },
      startMs: CHILD_START_MS,
      silentMs: CHILD_SILENT_MS,
      health,
      receive: (report) => this.receive(report),
      changed: (_state, cause) => this.onChange(cause),
      log,
    });
  }

  start(): void {
    this.child.start();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.child.stop();
    for (const { event } of this.pending.values()) this.miss(event, 'usher was stopped before it was painted');
    rmSync(this.sockets, { recursive: true, force: true });
  }

  /** Call it with every decision, after it was announced. */
  decided(camera: string, event: StillEvent): void {
    const { config, ask, monotonicMs } = this.parts;
    if (this.stopped || !config.of.includes(event.outcome)) return;
    const why =
      this.pending.size >= STILLS_QUEUE
        ? `${STILLS_QUEUE} others are waiting to be painted`
        : !this.paints
          ? 'the painting process is not running'
          : !ask(camera, this.socket, event)
            ? `the camera ${camera} has no process`
            : null;
    if (why !== null) this.miss(event, why);
    else this.pending.set(event.decision, { event, until: monotonicMs() + ARRIVES_MS, arrived: false });
  }

  /** Once a second: gives up on what was not answered in time. */
  tick(): void {
    const now = this.parts.monotonicMs();
    for (const { event, until, arrived } of this.pending.values())
      if (now > until) this.miss(event, arrived ? 'it was not painted in time' : 'the camera gave no picture');
  }

  private onChange(cause: string | null): void {
    // The next process listens at the same address.
    rmSync(this.socket, { force: true });
    if (cause === null) return;
    this.paints = false;
    for (const { event } of this.pending.values()) this.miss(event, cause);
  }

  private get socket(): string {
    return join(this.sockets, 'pictures');
  }

  private receive(report: StillsReport): void {
    switch (report.kind) {
      case 'status':
        return;
      case 'ready':
        this.paints = true;
        this.good();
        return;
      case 'received': {
        const pending = this.pending.get(report.decision);
        if (pending === undefined) return;
        const until = this.parts.monotonicMs() + PAINTED_MS;
        this.pending.set(report.decision, { ...pending, until, arrived: true });
        return;
      }
      case 'kept':
        this.kept(report);
        return;
      case 'refused': {
        const pending = this.pending.get(report.decision);
        if (pending !== undefined) this.miss(pending.event, report.why);
        return;
      }
    }
  }

  private kept({ decision, file, sha256, faces, removed }: Extract<StillsReport, { kind: 'kept' }>): void {
    const { trail, log } = this.parts;
    const door = this.pending.get(decision)?.event.door;
    this.pending.delete(decision);
    this.child.lastProgressAt = Date.now();
    trail.fact('still', { decision, door, file, sha256, faces });
    if (removed > 0) trail.fact('still', { deleted: removed, because: 'room' });
    log.info('a still was stored', { decision, file });
    this.good();
  }

  private miss({ decision, door }: StillEvent, why: string): void {
    const { trail, log, health } = this.parts;
    this.pending.delete(decision);
    trail.fact('still', { decision, door, why });
    log.warn('no still was stored', { decision, why });
    if (!this.paints) return;
    const detail = `the last decision has no still: ${why}`;
    health({ state: 'degraded', lastProgressAt: this.child.lastProgressAt, detail, remedy: null });
  }

  private good(): void {
    this.parts.health({ state: 'ok', lastProgressAt: this.child.lastProgressAt, detail: null, remedy: null });
  }
}
