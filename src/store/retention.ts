import type { DeletionReceipt } from './receipts';
import type { Store } from './store';

/** How long members are kept, days. Null: for ever. */
export interface RetentionPolicy {
  /** After the last grant or enrolment, whichever is later. */
  readonly inactiveDays: number | null;
  /** After the end of the validity. */
  readonly expiredDays: number | null;
}

export interface RetentionSweep {
  readonly deleted: readonly { readonly id: string; readonly receipt: DeletionReceipt }[];
  /**
   * Why nothing was deleted although something may be due: the clock was never seen before, went back, or leapt. A box without
   * a battery clock wakes up in any year; the next sweep, a day later by then, deletes.
   */
  readonly held: 'first-sweep' | 'clock-jumped' | null;
}

const DAY_MS = 86_400_000;
/** A daily sweep that comes later than this after the last one does not trust the clock yet. */
const TRUSTED_GAP_MS = 7 * DAY_MS;
const LAST_SWEEP = 'retention-swept-at';

/**
 * Deletes who has not come, or not been a member, for longer than the policy allows. To be called daily, and at start.
 * @param now epoch ms
 * @throws UsherError `store-unavailable`; who was deleted before the failure is deleted
 */
export function applyRetention(store: Store, policy: RetentionPolicy, now: number): RetentionSweep {
  store.scrub();
  const swept = store.meta(LAST_SWEEP);
  const elapsed = swept === null ? null : now - Number(swept);
  store.setMeta(LAST_SWEEP, String(now));
  if (elapsed === null) return { deleted: [], held: 'first-sweep' };
  if (elapsed < 0 || elapsed > TRUSTED_GAP_MS) return { deleted: [], held: 'clock-jumped' };
  return {
    deleted: store.members
      .overdue(cutOff(policy.inactiveDays, now), cutOff(policy.expiredDays, now))
      .map(({ id, reason }) => ({ id, receipt: store.members.remove(id, { by: 'retention', reason }) })),
    held: null,
  };
}

function cutOff(days: number | null, now: number): number | null {
  return days === null ? null : now - days * DAY_MS;
}
