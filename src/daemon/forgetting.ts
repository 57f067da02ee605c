import type { Config } from '../config/schema';
import { messageOf } from '../errors';
import type { Journal } from '../store/journal';
import { applyRetention } from '../store/retention';
import type { Store } from '../store/store';
import type { Log } from '../system/log';
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
