import type { Config } from '../../config/schema/schema';
import { StillsConfig } from '../../config/schema/stills';
import { messageOf } from '../../errors';
import { DAY_MS, type Look } from '../../store/clock/date-proof';
import type { Journal } from '../../store/journal/journal';
import { Retention, type RetentionPolicy, type RetentionReport } from '../../store/retention/retention';
import type { Store } from '../../store/store';
import type { SweepHold } from '../../store/retention/sweep';
import { sweepTrouble } from '../../store/retention/sweep-text';
import type { Log } from '../../system/log';
import { forgetStills, memberTag, type StillFile, stillFolder } from '../../vision/stills/still-folder';
import type { AuditTrail } from '../store/audit-trail';
import type { ClockGuard } from '../store/clock-guard';
import type { Doors } from '../doors/doors';
import { type ComponentHealth, type HealthBoard, STARTING } from '../health/health';
import { type StillAge, StillAges } from './still-ages';

/** Interval of the check. What is due is deleted once a day. */
export const RETENTION_EVERY_MS = 10 * 60_000;

export interface RetentionParts {
  readonly config: Pick<Config, 'security' | 'audit'>;
  readonly store: Store;
  readonly journal: Journal;
  readonly doors: Pick<Doors, 'reload'>;
  readonly clock: Pick<ClockGuard, 'now' | 'doubt'>;
  readonly health: Pick<HealthBoard, 'set'>;
  readonly monotonicMs: () => number;
  /** Identifies the boot of the machine; '' if unknown. */
  readonly boot: string;
  readonly log: Log;
}

export function retentionPolicy({ security, audit }: Pick<Config, 'security' | 'audit'>): RetentionPolicy {
  return { ...security.retention, keepDays: audit.keepDays };
}

/**
 * Deletes members and records that the configuration does not allow to keep any longer, and only when the date is
 * trusted. A failure is logged and retried at the next check.
 */
export class RetentionService {
  private readonly retention: Retention;
  private readonly asked: boolean;
  private hold: SweepHold | null = 'unsteady';
  private lastReported: string | null = null;

  /** Reads the last state before this run writes its first record. @throws UsherError `store-unavailable` */
  constructor(private readonly parts: RetentionParts) {
    const policy = retentionPolicy(parts.config);
    this.retention = new Retention(parts.store, parts.journal, policy);
    this.asked = Object.values(policy).some((days) => days !== null);
  }

  /** Whether data may be deleted by date at present. */
  get mayDestroy(): boolean {
    return this.hold === null;
  }

  /** Call it at the start, before the start is recorded, and every `RETENTION_EVERY_MS`. */
  tick(): void {
    const { clock, doors, health, log } = this.parts;
    try {
      const report = this.retention.tick(this.look(), clock.doubt() === null);
      const { hold, deleted, pruned, marked } = report;
      this.hold = hold;
      if (marked.members > 0) log.info('members marked for deletion by age', { members: marked.members });
      if (deleted.length > 0) log.info('members deleted by retention', { members: deleted.length });
      if (pruned > 0) log.info('old records of the journal removed', { records: pruned });
      if (deleted.length > 0) doors.reload();
      const condition: ComponentHealth = this.asked ? healthOf(report, clock.now()) : { ...STARTING, state: 'ok' };
      if (condition.detail !== null && condition.detail !== this.lastReported)
        log.warn(condition.detail, { remedy: condition.remedy ?? '' });
      this.lastReported = condition.detail;
      health.set('retention', condition);
    } catch (error) {
      this.hold = 'unsteady';
      log.error(`retention: ${messageOf(error)}`);
    }
  }

  private look(): Look {
    const { clock, monotonicMs, boot } = this.parts;
    return { boot, mono: monotonicMs(), wall: clock.now() };
  }
}

function healthOf({ state }: RetentionReport, now: number): ComponentHealth {
  const trouble = sweepTrouble(state);
  return trouble === null
    ? { state: 'ok', lastProgressAt: now, detail: null, remedy: null }
    : { state: 'degraded', lastProgressAt: state.sweptAt, ...trouble };
}

export interface StillsRetentionParts {
  readonly config: Pick<Config, 'stills' | 'audit'>;
  readonly dataDir: string;
  readonly store: Pick<Store, 'members' | 'contradiction'>;
  readonly trail: Pick<AuditTrail, 'fact'>;
  readonly retention: Pick<RetentionService, 'mayDestroy'>;
  readonly monotonicMs: () => number;
  readonly wall: () => number;
  readonly log: Log;
}

/**
 * Interval of the check of stills: pictures of a deleted member must be deleted soon, whichever process deleted the
 * member.
 */
export const STILLS_EVERY_MS = 60_000;

/**
 * Deletes stills that are too old, and stills of persons who are no longer members. If stills are switched off, older
 * ones still age.
 */
export class StillsRetention {
  private readonly ages: StillAges;

  constructor(private readonly parts: StillsRetentionParts) {
    const { keepDays } = parts.config.stills ?? StillsConfig.parse({});
    this.ages = new StillAges(Math.min(keepDays, parts.config.audit.keepDays ?? Infinity) * DAY_MS);
  }

  async tick(): Promise<void> {
    const { dataDir, store, trail, retention: retention, monotonicMs, wall, log } = this.parts;
    try {
      // With an empty or old copy of the members' data, a missing member has not necessarily left.
      const doubtful = store.contradiction !== null;
      const tags = new Set(store.members.ids().map(memberTag));
      const now: StillAge = { mono: monotonicMs(), date: retention.mayDestroy ? wall() : null };
      const removed = await forgetStills(
        stillFolder(dataDir),
        (stills: readonly StillFile[]) => this.ages.tooOld(stills, now),
        (tag) => doubtful || tags.has(tag),
      );
      for (const because of ['age', 'member'] as const)
        if (removed[because] > 0) trail.fact('still', { deleted: removed[because], because });
    } catch (error) {
      log.error(`deleting old stills: ${messageOf(error)}`);
    }
  }
}
