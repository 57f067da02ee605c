import type { Config } from '../config/schema';
import { StillsConfig } from '../config/stills';
import { messageOf } from '../errors';
import type { Journal } from '../store/journal';
import { applyRetention } from '../store/retention';
import type { Store } from '../store/store';
import type { Log } from '../system/log';
import { forgetStills, memberTag, stillFolder } from '../vision/stills/still-folder';
import type { AuditTrail } from './audit-trail';
import type { Doors } from './doors';

export const DAY_MS = 86_400_000;

export interface ForgettingParts {
  readonly config: Pick<Config, 'security' | 'audit'>;
  readonly store: Store;
  readonly journal: Journal;
  readonly doors: Pick<Doors, 'reload'>;
  readonly log: Log;
}

/** Once a day: what the configuration does not allow to be kept any longer. A failure is told, and tried again the next day. */
export function forgetWhatIsOld(parts: ForgettingParts): void {
  forgetMembers(parts);
  forgetRecords(parts);
}

/** Deletes who has been away, or no member, for longer than the configuration allows. */
function forgetMembers({ config, store, doors, log }: ForgettingParts): void {
  try {
    const { deleted, held } = applyRetention(store, config.security.retention, Date.now());
    if (held === 'clock-jumped') log.warn('retention waits a day: the clock has jumped');
    if (deleted.length > 0) log.info('members deleted by retention', { members: deleted.length });
    if (deleted.length > 0) doors.reload();
  } catch (error) {
    log.error(`retention: ${messageOf(error)}`);
  }
}

/** Removes records of the journal that are older than the rule allows. */
function forgetRecords({ config, journal, log }: ForgettingParts): void {
  const { keepDays } = config.audit;
  if (keepDays === null) return;
  try {
    const before = Date.now() - keepDays * DAY_MS;
    let removed = 0;
    for (let now = journal.prune(before); now > 0; now = journal.prune(before)) removed += now;
    if (removed > 0) log.info('old records of the journal removed', { records: removed });
  } catch (error) {
    log.error(`removing old records of the journal: ${messageOf(error)}`);
  }
}

export interface StillsForgettingParts {
  readonly config: Pick<Config, 'stills' | 'audit'>;
  readonly dataDir: string;
  readonly store: Pick<Store, 'members'>;
  readonly trail: Pick<AuditTrail, 'fact'>;
  readonly log: Log;
}

/** How often stills are looked through: somebody who was deleted is to be gone soon, whichever process deleted him. */
export const STILLS_EVERY_MS = 60_000;

/**
 * Deletes stills that are too old, and those that show somebody who is no member any more. Where none are kept any longer, those of
 * before still grow old.
 */
export async function forgetOldStills({ config, dataDir, store, trail, log }: StillsForgettingParts): Promise<void> {
  try {
    const { keepDays } = config.stills ?? StillsConfig.parse({});
    const days = Math.min(keepDays, config.audit.keepDays ?? Infinity);
    const tags = new Set(store.members.ids().map(memberTag));
    const removed = await forgetStills(stillFolder(dataDir), Date.now() - days * DAY_MS, (tag) => tags.has(tag));
    for (const because of ['age', 'member'] as const)
      if (removed[because] > 0) trail.fact('still', { deleted: removed[because], because });
  } catch (error) {
    log.error(`deleting old stills: ${messageOf(error)}`);
  }
}
