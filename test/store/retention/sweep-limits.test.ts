import {
  dateDoubt,
  type DateProof,
  type Look,
  lookAt,
  NO_PROOF,
  PROOF_LIMITS,
} from '../../../src/store/clock/date-proof';
import { firstSweepState, sweep, type SweepFacts, type SweepState } from '../../../src/store/retention/sweep';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 5, 1);

describe('a date', () => {
  const LOOK: Look = { boot: 'b', mono: HOUR / 2, wall: START };
  const trusted: DateProof = { last: LOOK, creditMs: 1.5 * DAY, trustedAt: START, sinceTrustMs: 0 };
  const later = (ms: number, wallMs: number, boot = 'b') =>
    lookAt(trusted, { boot, mono: LOOK.mono + ms, wall: START + wallMs }, true);

  test('that strays by more than a second and a hundredth pays a third of the rest', () => {
    expect(later(HOUR, HOUR + 37_000).creditMs).toBe(trusted.creditMs + HOUR);
    expect(later(HOUR, HOUR + 40_000).creditMs).toBe(trusted.creditMs + HOUR - 1000);
    expect(later(HOUR, HOUR - 40_000).creditMs).toBe(trusted.creditMs + HOUR - 1000);
  });

  test('that goes back a little keeps the latest that was trusted', () => {
    const back = later(1000, -HOUR / 2);
    expect(dateDoubt(back)).toBeNull();
    expect(back.trustedAt).toBe(START);
  });

  test('earns the running time of a new boot, which began at 0', () => {
    const { creditMs } = lookAt(trusted, { boot: 'c', mono: HOUR, wall: START + HOUR }, true);
    expect(creditMs).toBe(trusted.creditMs + HOUR);
  });

  test('earns nothing where the boot is not known', () => {
    const first = lookAt(NO_PROOF, { boot: '', mono: 0, wall: START }, true);
    expect(lookAt(first, { boot: '', mono: 2 * DAY, wall: START + 2 * DAY }, true).creditMs).toBeLessThanOrEqual(0);
  });

  test('is in doubt before the first look, also on a box that has records', () => {
    expect(dateDoubt(NO_PROOF)).toBe('unsteady');
    expect(dateDoubt(firstSweepState({ at: START, seq: 1 }).proof)).toBe('unsteady');
  });

  test.each<[string, Partial<DateProof>, number, ReturnType<typeof dateDoubt>]>([
    ['an hour behind', {}, START - HOUR, null],
    ['more than an hour behind', {}, START - HOUR - 1, 'behind'],
    ['a week and the running time ahead', { sinceTrustMs: HOUR }, START + 7 * DAY + HOUR, null],
    ['more than that ahead', { sinceTrustMs: HOUR }, START + 7 * DAY + HOUR + 1, 'leapt'],
    ['the first of any clock that was set', { trustedAt: null }, PROOF_LIMITS.earliest, null],
    ['before the first', { trustedAt: null }, PROOF_LIMITS.earliest - 1, 'unsteady'],
  ])('%s', (_, proof, wall, doubt) => {
    expect(dateDoubt({ ...trusted, ...proof, last: { ...LOOK, wall } })).toBe(doubt);
  });
});

describe('a sweep', () => {
  const state = (more: Partial<SweepState> = {}): SweepState => ({ ...firstSweepState(null), ...more });
  const facts = (journal: Partial<SweepFacts['journal']>, due: readonly string[] = [], total = 100): SweepFacts => ({
    members: { total, due: due.map((id) => ({ id, reason: 'inactive' })) },
    journal: { total: 1000, head: 1000, keepDays: 30, due: null, ...journal },
  });
  const names = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);
  const mark = { upTo: 10, count: 10, at: START, confirmed: false };

  test('rounds the share of members down', () => {
    const members = ['a', 'b'].map((id) => ({ id, reason: 'inactive' as const, at: START, confirmed: false }));
    const next = sweep(state({ members }), facts({}, ['a', 'b'], 15), START + 3 * DAY);
    expect(next.state.held).toEqual([{ what: 'members', count: 2, total: 15 }]);
  });

  test('does not count who was confirmed among the share', () => {
    const members = names(13).map((id, n) => ({ id, reason: 'inactive' as const, at: START, confirmed: n > 0 }));
    const next = sweep(state({ members }), facts({}, names(13)), START + 3 * DAY);
    expect(next.destroy.members).toHaveLength(13);
    expect(next.state.held).toEqual([]);
  });

  test('says how many records it marks, once', () => {
    const journal = { due: { upTo: 10, count: 9 } };
    const first = sweep(state(), facts(journal), START);
    expect(first.marked).toEqual({ members: 0, records: 9 });
    expect(sweep(first.state, facts(journal), START + HOUR).marked.records).toBe(0);
    expect(sweep(state(), facts({}), START).marked.records).toBe(0);
  });

  test.each([
    [{ upTo: 12, count: 12 }, mark],
    [{ upTo: 10, count: 7 }, mark],
    [
      { upTo: 9, count: 8 },
      { ...mark, upTo: 9, count: 8 },
    ],
  ])('keeps its mark of records, and takes less where less is due: %j', (due, journal) => {
    expect(sweep(state({ journal: mark }), facts({ due }), START + HOUR).state.journal).toEqual(journal);
  });

  test('drops the mark of records that go', () => {
    const next = sweep(state({ journal: mark }), facts({ due: { upTo: 12, count: 12 } }), START + DAY);
    expect(next.destroy.journalUpTo).toBe(10);
    expect(next.state.journal).toBeNull();
  });

  test('lets more than a share of the records go once it is confirmed', () => {
    const journal = { ...mark, upTo: 900, count: 900, confirmed: true };
    const next = sweep(state({ journal }), facts({ due: { upTo: 900, count: 900 } }), START + DAY);
    expect(next.destroy.journalUpTo).toBe(900);
    expect(next.state.held).toEqual([]);
  });

  test.each([
    [1005, 30],
    [1000, null],
  ])('holds 101 of %p records where %p days are kept', (total, keepDays) => {
    const due = { upTo: 101, count: 101 };
    const next = sweep(state({ journal: { ...mark, ...due } }), facts({ due, total, keepDays }), START + DAY);
    expect(next.state.held).toEqual([{ what: 'journal', count: 101, total }]);
  });

  test('keeps 256 checkpoints; of one more every other one, and the last two', () => {
    const points = (count: number) => Array.from({ length: count }, (_, index) => ({ at: START + index, seq: index }));
    const after = (count: number) =>
      sweep(state({ checkpoints: points(count) }), facts({ head: count }), START + count).state.checkpoints;
    expect(after(255)).toEqual(points(256));
    expect(after(256)).toEqual(points(257).filter(({ seq }) => seq % 2 === 0 || seq === 255));
  });

  test('begins with what a box has on record', () => {
    expect(firstSweepState({ at: START, seq: 3 })).toMatchObject({ proof: { trustedAt: START }, legacySeq: 3 });
    expect(firstSweepState(null)).toMatchObject({ proof: { trustedAt: null }, legacySeq: 0 });
  });
});
