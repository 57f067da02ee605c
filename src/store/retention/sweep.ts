import { z } from 'zod';
import { DAY_MS, dateDoubt, type DateDoubt, type DateProof, NO_PROOF } from '../clock/date-proof';
import type { DeletionReason } from '../members/receipts';

/**
 * What is deleted because of its age, decided as data, in two steps. Old data is marked; what is still marked and still
 * too old after a grace period is deleted. Nothing is marked or deleted under a date that is not trusted, and at most a
 * share at once without the operator's confirmation. What must be deleted at once (a withdrawn consent) does not use
 * this way.
 */
export const SWEEP_LIMITS = {
  everyMs: DAY_MS,
  membersGraceMs: 3 * DAY_MS,
  journalGraceMs: DAY_MS,
  /** Largest share of all members in one sweep; one member is always allowed. */
  membersShare: 0.1,
  /** Largest share of all records in one sweep; larger if few days are kept, so that each is a larger share. */
  journalShare: 0.1,
  journalDaysShare: 3,
  journalShareMax: 0.6,
  /** Number of past ends of the journal to remember; beyond it every other one is dropped. */
  checkpoints: 256,
} as const;

export interface MemberMark {
  readonly id: string;
  readonly reason: Extract<DeletionReason, 'inactive' | 'expired'>;
  /** Epoch ms, by a trusted date. */
  readonly at: number;
  /** The operator has confirmed the deletion. */
  readonly confirmed: boolean;
}

export interface JournalMark {
  /** Number of the last record that is too old. */
  readonly upTo: number;
  readonly count: number;
  readonly at: number;
  readonly confirmed: boolean;
}

export interface SweepState {
  readonly proof: DateProof;
  /**
   * When the date was first trusted, for a box that was new then: records from before may have any date, and count from
   * then. Null for a box that had records before.
   */
  readonly bornAt: number | null;
  readonly sweptAt: number | null;
  /** By the operator. */
  readonly stopped: boolean;
  readonly members: readonly MemberMark[];
  readonly journal: JournalMark | null;
  /** What the last sweep found to be more than a share at once: it waits for the operator. */
  readonly held: readonly { readonly what: 'members' | 'journal'; readonly count: number; readonly total: number }[];
  /** Where the journal ended, at trusted dates: a record up to there is at least this old, whatever its date. */
  readonly checkpoints: readonly { readonly at: number; readonly seq: number }[];
  /** Records up to here are older than the checkpoints: their own date counts. */
  readonly legacySeq: number;
}

export interface SweepFacts {
  readonly members: {
    readonly total: number;
    readonly due: readonly { readonly id: string; readonly reason: MemberMark['reason'] }[];
  };
  readonly journal: {
    readonly total: number;
    readonly head: number;
    readonly due: { readonly upTo: number; readonly count: number } | null;
    readonly keepDays: number | null;
  };
}

export interface Sweep {
  readonly state: SweepState;
  readonly destroy: { readonly members: readonly MemberMark[]; readonly journalUpTo: number | null };
  readonly marked: { readonly members: number; readonly records: number };
}

/** Why nothing is deleted by age at present. */
export type SweepHold = DateDoubt | 'stopped';

export function holdOf(state: SweepState): SweepHold | null {
  return dateDoubt(state.proof) ?? (state.stopped ? 'stopped' : null);
}

/** The date for a sweep, or null if none is due or nothing may be deleted. */
export function sweepDate(state: SweepState): number | null {
  const { last } = state.proof;
  if (last === null || holdOf(state) !== null) return null;
  return state.sweptAt === null || last.wall - state.sweptAt >= SWEEP_LIMITS.everyMs ? last.wall : null;
}

/** One sweep, a day after the last. @param now the result of `sweepDate` */
export function sweep(state: SweepState, facts: SweepFacts, now: number): Sweep {
  const marks = new Map(state.members.map((mark) => [mark.id, mark]));
  const members = facts.members.due.map(({ id, reason }): MemberMark => ({
    id,
    reason,
    at: now,
    confirmed: false,
    ...known(marks.get(id), reason),
  }));
  const ripe = members.filter(({ at }) => now - at >= SWEEP_LIMITS.membersGraceMs);
  const membersMay = Math.max(1, Math.floor(facts.members.total * SWEEP_LIMITS.membersShare));
  const unasked = ripe.filter(({ confirmed }) => !confirmed);
  const gone = unasked.length > membersMay ? ripe.filter(({ confirmed }) => confirmed) : ripe;

  const journal = markJournal(state.journal, facts.journal.due, now);
  const journalRipe = journal !== null && now - journal.at >= SWEEP_LIMITS.journalGraceMs;
  const journalHeld = journalRipe && !journal.confirmed && journal.count > recordsAtOnce(facts.journal);
  const prune = journalRipe && !journalHeld;

  const ids = new Set(gone.map(({ id }) => id));
  return {
    state: {
      ...state,
      sweptAt: now,
      members: members.filter(({ id }) => !ids.has(id)),
      journal: prune ? null : journal,
      held: [
        ...(gone.length < ripe.length
          ? [{ what: 'members' as const, count: unasked.length, total: facts.members.total }]
          : []),
        ...(journalHeld ? [{ what: 'journal' as const, count: journal.count, total: facts.journal.total }] : []),
      ],
      checkpoints: thinned([...state.checkpoints, { at: now, seq: facts.journal.head }]),
    },
    destroy: { members: gone, journalUpTo: prune ? journal.upTo : null },
    marked: {
      members: members.filter(({ id }) => !marks.has(id)).length,
      records: state.journal === null && journal !== null ? journal.count : 0,
    },
  };
}

/** The last record that is older than this by the checkpoints; 0: none. */
export function recordsBefore({ checkpoints }: SweepState, before: number): number {
  return checkpoints.reduce((upTo, { at, seq }) => (at < before ? Math.max(upTo, seq) : upTo), 0);
}

function known(mark: MemberMark | undefined, reason: MemberMark['reason']): Partial<MemberMark> {
  return mark?.reason === reason ? { at: mark.at, confirmed: mark.confirmed } : {};
}

/**
 * A mark is not extended, so that its grace period ends; data that has become too old since is marked by the next one.
 */
function markJournal(mark: JournalMark | null, due: SweepFacts['journal']['due'], now: number): JournalMark | null {
  if (due === null) return null;
  if (mark === null) return { ...due, at: now, confirmed: false };
  return mark.upTo <= due.upTo ? mark : { ...mark, ...due };
}

function recordsAtOnce({ total, keepDays }: SweepFacts['journal']): number {
  const daily = keepDays === null ? 0 : SWEEP_LIMITS.journalDaysShare / (keepDays + 1);
  const share = Math.min(SWEEP_LIMITS.journalShareMax, Math.max(SWEEP_LIMITS.journalShare, daily));
  return Math.max(1, Math.floor(total * share));
}

function thinned(checkpoints: SweepState['checkpoints']): SweepState['checkpoints'] {
  if (checkpoints.length <= SWEEP_LIMITS.checkpoints) return checkpoints;
  return checkpoints.filter((_, index) => index % 2 === 0 || index >= checkpoints.length - 2);
}

const VERSION = 1;
const Time = z.number();
const Mark = { at: Time, confirmed: z.boolean() };
const State = z.strictObject({
  proof: z.strictObject({
    last: z.strictObject({ boot: z.string().max(64), mono: Time, wall: Time }).nullable(),
    creditMs: Time,
    trustedAt: Time.nullable(),
    sinceTrustMs: Time,
  }),
  bornAt: Time.nullable(),
  sweptAt: Time.nullable(),
  stopped: z.boolean(),
  members: z.array(z.strictObject({ id: z.string(), reason: z.enum(['inactive', 'expired']), ...Mark })),
  journal: z.strictObject({ upTo: z.number(), count: z.number(), ...Mark }).nullable(),
  held: z.array(z.strictObject({ what: z.enum(['members', 'journal']), count: z.number(), total: z.number() })),
  checkpoints: z.array(z.strictObject({ at: Time, seq: z.number() })),
  legacySeq: z.number(),
});

const Saved = z.tuple([z.literal(VERSION), State]);

/** @param newest the latest recorded date of the box, epoch ms, and where its journal ends; null for a new box */
export function firstSweepState(newest: { readonly at: number; readonly seq: number } | null): SweepState {
  return {
    proof: { ...NO_PROOF, trustedAt: newest?.at ?? null },
    bornAt: null,
    sweptAt: null,
    stopped: false,
    members: [],
    journal: null,
    held: [],
    checkpoints: [],
    legacySeq: newest?.seq ?? 0,
  };
}

export function serialiseSweepState(state: SweepState): string {
  return JSON.stringify([VERSION, state]);
}

/** Null for text that cannot be understood: then everything starts again, and nothing counts as old for a while. */
export function parseSweepState(text: string): SweepState | null {
  try {
    return Saved.parse(JSON.parse(text))[1];
  } catch {
    return null;
  }
}
