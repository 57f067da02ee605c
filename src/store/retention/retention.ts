import { acceptDate, type DateProof, DAY_MS, type Look, lookAt, PROOF_LIMITS } from '../clock/date-proof';
import type { Journal } from '../journal/journal';
import { TRUSTED_AT } from '../database/meta';
import type { DeletionReceipt } from '../members/receipts';
import type { Store } from '../store';
import {
  firstSweepState,
  holdOf,
  parseSweepState,
  recordsBefore,
  serialiseSweepState,
  type Sweep,
  sweep,
  sweepDate,
  type SweepFacts,
  type SweepHold,
  type SweepState,
} from './sweep';

/** How long members and records are kept, days. Null: without limit. */
export interface RetentionPolicy {
  /** After the last grant or enrolment, whichever is later. */
  readonly inactiveDays: number | null;
  /** After the end of the validity. */
  readonly expiredDays: number | null;
  /** Records of the journal. */
  readonly keepDays: number | null;
}

export interface RetentionReport {
  readonly state: SweepState;
  readonly hold: SweepHold | null;
  readonly marked: Sweep['marked'];
  readonly deleted: readonly { readonly id: string; readonly receipt: DeletionReceipt }[];
  /** Records of the journal. */
  readonly pruned: number;
}

const STATE = 'retention.state';
const NOTHING = { marked: { members: 0, records: 0 }, deleted: [], pruned: 0 };

/** Deletes data that the configuration does not allow to keep any longer; see `sweep` for when. */
export class Retention {
  constructor(
    private readonly store: Store,
    private readonly journal: Journal,
    private readonly policy: RetentionPolicy,
  ) {}

  /** The state after the last check. */
  get state(): SweepState {
    return savedSweepState(this.store) ?? firstSweepState(this.newest());
  }

  /**
   * Checks the clocks, and sweeps if a day has passed by a trusted date. Call it at the start and every few minutes.
   * @param believed whether the clock watch trusts the clock at present
   * @throws UsherError `store-unavailable`; members deleted before the failure are deleted
   */
  tick(look: Look, believed: boolean): RetentionReport {
    this.store.scrub();
    const report = this.store.atomically(() => this.look(look, believed));
    const upTo = report.swept?.destroy.journalUpTo ?? null;
    const pruned = upTo === null ? 0 : this.prune(upTo);
    const { state, deleted, swept } = report;
    return {
      ...NOTHING,
      state,
      hold: holdOf(state),
      deleted,
      pruned,
      ...(swept === null ? {} : { marked: swept.marked }),
    };
  }

  /**
   * Allows the deletion of what is marked, even of more than a share at once, at the end of its grace period. @returns
   * how much that is
   */
  confirm(by: string): { members: number; records: number } {
    const { members, journal } = this.change(by, 'confirmed', (state) => ({
      ...state,
      held: [],
      members: state.members.map((mark) => ({ ...mark, confirmed: true })),
      journal: state.journal === null ? null : { ...state.journal, confirmed: true },
    }));
    return { members: members.length, records: journal?.count ?? 0 };
  }

  /** Stops deletion by age until `resume`, and removes all marks. */
  stop(by: string): void {
    this.change(by, 'stopped', (state) => ({ ...state, stopped: true, members: [], journal: null, held: [] }));
  }

  resume(by: string): void {
    this.change(by, 'resumed', (state) => ({ ...state, stopped: false }));
  }

  /** The operator confirms this date. */
  acceptDate(look: Look, by: string): void {
    this.store.atomically(() => {
      const { state } = this;
      this.store.ledger.append('clock', {
        change: 'accepted',
        date: Math.round(look.wall),
        before: state.proof.trustedAt === null ? null : Math.round(state.proof.trustedAt),
        by,
      });
      this.store.members.limitStamps(look.wall);
      this.save({ ...state, proof: acceptDate(look), sweptAt: null, members: [], journal: null, held: [] });
    });
  }

  private look(
    look: Look,
    believed: boolean,
  ): {
    state: SweepState;
    swept: Sweep | null;
    deleted: RetentionReport['deleted'];
  } {
    const before = this.state;
    const proof = lookAt(before.proof, look, believed);
    const state = { ...before, proof, bornAt: before.bornAt ?? bornAt(before.proof, proof) };
    const now = sweepDate(state);
    if (now === null) {
      this.save(state);
      return { state, swept: null, deleted: [] };
    }
    const swept = sweep(state, this.facts(state, now), now);
    const { members, records } = swept.marked;
    if (members > 0 || records > 0) this.store.ledger.append('retention', { change: 'marked', members, records });
    const deleted = swept.destroy.members.map(({ id, reason }) => ({
      id,
      receipt: this.store.members.remove(id, { by: 'retention', reason }),
    }));
    this.save(swept.state);
    return { state: swept.state, swept, deleted };
  }

  private facts(state: SweepState, now: number): SweepFacts {
    const { inactiveDays, expiredDays, keepDays } = this.policy;
    const inactiveBefore = cutOff(inactiveDays, now);
    const tooYoung = inactiveBefore !== null && state.bornAt !== null && inactiveBefore <= state.bornAt;
    const due = this.store.members.overdue(tooYoung ? null : inactiveBefore, cutOff(expiredDays, now));
    const recordsOlder = cutOff(keepDays, now);
    const { first, head } = this.journal.extent();
    const upTo =
      recordsOlder === null
        ? 0
        : Math.max(recordsBefore(state, recordsOlder), this.journal.datedBefore(recordsOlder, state.legacySeq));
    return {
      members: { total: this.store.members.count(), due },
      journal: {
        total: head - first + 1,
        head,
        keepDays,
        due: upTo < first ? null : { upTo, count: upTo - first + 1 },
      },
    };
  }

  private prune(upTo: number): number {
    let removed = 0;
    for (let now = this.journal.prune(upTo); now > 0; now = this.journal.prune(upTo)) removed += now;
    return removed;
  }

  private change(by: string, change: string, work: (state: SweepState) => SweepState): SweepState {
    return this.store.atomically(() => {
      const { state } = this;
      const next = work(state);
      this.store.ledger.append('retention', {
        change,
        by,
        members: state.members.length,
        records: state.journal?.count ?? 0,
      });
      this.save(next);
      return next;
    });
  }

  private save(state: SweepState): void {
    this.store.setMeta(STATE, serialiseSweepState(state));
    this.store.setMeta(TRUSTED_AT, String(Math.floor(state.proof.trustedAt ?? 0)));
  }

  /** The latest recorded date, for a box that is not new. */
  private newest(): { at: number; seq: number } | null {
    const used = this.store.members.count() > 0 || this.journal.latest('start') !== null;
    const last = this.journal.last();
    return used && last.at >= PROOF_LIMITS.earliest ? { at: last.at, seq: last.seq } : null;
  }
}

/** The state after the daemon's last check; null if there was none. */
export function savedSweepState(store: Pick<Store, 'meta'>): SweepState | null {
  const saved = store.meta(STATE);
  return saved === null ? null : parseSweepState(saved);
}

function bornAt(before: DateProof, after: DateProof): number | null {
  return before.trustedAt === null ? after.trustedAt : null;
}

function cutOff(days: number | null, now: number): number | null {
  return days === null ? null : now - days * DAY_MS;
}
