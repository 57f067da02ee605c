import fc from 'fast-check';
import {
  acceptDate,
  type DateProof,
  dateDoubt,
  lookAt,
  type Look,
  NO_PROOF,
  PROOF_LIMITS,
} from '../../../src/store/clock/date-proof';
import {
  firstSweepState,
  holdOf,
  parseSweepState,
  recordsBefore,
  serialiseSweepState,
  sweep,
  sweepDate,
  type SweepFacts,
  type SweepState,
} from '../../../src/store/retention/sweep';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 5, 1);
const Y2038 = Date.UTC(2038, 0, 19);

/** A machine with its clocks: true time, what the wall clock is off by, and boots. */
class Machine {
  t = 0;
  offset = 0;
  private boots = 1;
  private bootedAt = 0;

  look(): Look {
    return { boot: `boot ${this.boots}`, mono: this.t - this.bootedAt, wall: START + this.t + this.offset };
  }

  reboot(offMs: number): void {
    this.t += offMs;
    this.boots++;
    this.bootedAt = this.t;
  }
}

const run = (proof: DateProof, machine: Machine, ms: number, stepMs = 10 * 60_000): DateProof => {
  let next = lookAt(proof, machine.look(), true);
  for (let done = 0; done < ms; done += stepMs) {
    machine.t += stepMs;
    next = lookAt(next, machine.look(), true);
  }
  return next;
};

describe('a date', () => {
  const steady = (): { machine: Machine; proof: DateProof } => {
    const machine = new Machine();
    return { machine, proof: run(NO_PROOF, machine, 3 * DAY) };
  };

  test('is trusted after a day of running, and not before', () => {
    const machine = new Machine();
    const proof = run(NO_PROOF, machine, DAY - 10 * 60_000);
    expect(dateDoubt(proof)).toBe('unsteady');
    expect(dateDoubt(run(proof, machine, 10 * 60_000))).toBeNull();
  });

  test('is trusted at exactly a day of credit, and one ms before it is not', () => {
    const look = { boot: 'b', mono: 0, wall: START };
    const after = (ms: number) => lookAt(lookAt(NO_PROOF, look, true), { ...look, mono: ms, wall: START + ms }, true);
    expect(dateDoubt(after(DAY - 1))).toBe('unsteady');
    expect(dateDoubt(after(DAY))).toBeNull();
  });

  test('of 2038 is never trusted on a box that has lived before, at the second start or the hundredth', () => {
    const { machine, proof } = steady();
    machine.offset = Y2038 - START - machine.t;
    let next = proof;
    for (let start = 0; start < 100; start++) {
      machine.reboot(1000);
      next = run(next, machine, 6 * HOUR, HOUR);
      expect(dateDoubt(next)).toBe('leapt');
    }
    expect(next.trustedAt).toBe(proof.trustedAt);
    machine.offset = 0;
    expect(dateDoubt(run(next, machine, 4 * DAY, HOUR))).toBeNull();
  });

  test.each([
    ['1970', -START],
    ['some hours back', -5 * HOUR],
  ])('%s is not trusted, and does not move what was', (_, offset) => {
    const { machine, proof } = steady();
    machine.offset = offset;
    machine.reboot(1000);
    const next = run(proof, machine, HOUR);
    expect(dateDoubt(next)).toBe('behind');
    expect(next.trustedAt).toBe(proof.trustedAt);
  });

  test('in 1970 is not trusted by a new box either', () => {
    const machine = new Machine();
    machine.offset = -START;
    expect(dateDoubt(run(NO_PROOF, machine, 10 * DAY, HOUR))).toBe('unsteady');
  });

  test.each([
    ['every night for 14 hours', 10 * HOUR, 14 * HOUR, true],
    ['over a weekend, and by day', 12 * HOUR, 12 * HOUR, true],
    ['for 20 hours of each day', 4 * HOUR, 20 * HOUR, false],
  ])('of a box that is switched off %s', (_, on, off, trusted) => {
    const machine = new Machine();
    let proof = NO_PROOF;
    for (let day = 0; day < 30; day++) {
      proof = run(proof, machine, on);
      machine.reboot(off);
    }
    expect(dateDoubt(run(proof, machine, on)) === null).toBe(trusted);
  });

  test('after eight days off waits for a person, and then for a day', () => {
    const { machine, proof } = steady();
    machine.reboot(8 * DAY);
    const back = run(proof, machine, HOUR);
    expect(dateDoubt(back)).toBe('leapt');
    const accepted = acceptDate(machine.look());
    expect(dateDoubt(accepted)).toBe('unsteady');
    expect(dateDoubt(run(accepted, machine, DAY))).toBeNull();
  });

  test('that the clock watch doubts costs its credit', () => {
    const { machine, proof } = steady();
    expect(dateDoubt(proof)).toBeNull();
    const doubted = lookAt(proof, machine.look(), false);
    expect(dateDoubt(doubted)).toBe('unsteady');
    expect(dateDoubt(run(doubted, machine, DAY))).toBeNull();
  });

  test('moved a little at a time makes time pass at most four times as fast', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            runMs: fc.integer({ min: 0, max: 3 * DAY }),
            jumpMs: fc.integer({ min: -2 * DAY, max: 8 * DAY }),
            reboot: fc.boolean(),
          }),
          { minLength: 5, maxLength: 40 },
        ),
        (steps) => {
          const machine = new Machine();
          let proof = run(NO_PROOF, machine, 2 * DAY, HOUR);
          const from = { t: machine.t, trusted: proof.trustedAt ?? NaN };
          for (const { runMs, jumpMs, reboot } of steps) {
            machine.offset += jumpMs;
            if (reboot) machine.reboot(0);
            proof = run(proof, machine, runMs, HOUR);
          }
          const passed = machine.t - from.t;
          expect((proof.trustedAt ?? NaN) - from.trusted).toBeLessThanOrEqual(
            (1 + PROOF_LIMITS.offPerOn * 1.01) * passed + PROOF_LIMITS.offPerOn * DAY + 60_000 * steps.length,
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a sweep', () => {
  const trusted = (): SweepState => ({
    ...firstSweepState(null),
    proof: { last: { boot: 'b', mono: 0, wall: START }, creditMs: DAY, trustedAt: START, sinceTrustMs: 0 },
  });
  const facts = (due: readonly string[], more: Partial<SweepFacts['journal']> = {}, total = 100): SweepFacts => ({
    members: { total, due: due.map((id) => ({ id, reason: 'inactive' })) },
    journal: { total: 1000, head: 1000, keepDays: 30, due: null, ...more },
  });
  const names = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

  test('first marks, then destroys what is still due after the grace', () => {
    const first = sweep(trusted(), facts(['a', 'b']), START);
    expect(first.destroy.members).toEqual([]);
    expect(first.marked.members).toBe(2);
    const early = sweep(first.state, facts(['a', 'b']), START + 3 * DAY - 1);
    expect(early.destroy.members).toEqual([]);
    const ripe = sweep(early.state, facts(['a']), START + 3 * DAY);
    expect(ripe.destroy.members.map(({ id }) => id)).toEqual(['a']);
    expect(ripe.state.members).toEqual([]);
  });

  test('forgets the mark of who came back', () => {
    const { state } = sweep(sweep(trusted(), facts(['a']), START).state, facts([]), START + DAY);
    expect(sweep(state, facts(['a']), START + 10 * DAY).destroy.members).toEqual([]);
  });

  test.each([
    [100, 10, 10],
    [100, 11, 0],
    [5, 1, 1],
    [5, 2, 0],
    [1, 1, 1],
    [2, 2, 0],
  ])('of %p members lets %p go: %p', (total, due, gone) => {
    const { state } = sweep(trusted(), facts(names(due), {}, total), START);
    const next = sweep(state, facts(names(due), {}, total), START + 4 * DAY);
    expect(next.destroy.members).toHaveLength(gone);
    expect(next.state.held).toEqual(gone === due ? [] : [{ what: 'members', count: due, total }]);
  });

  test('lets more than a share go once the operator has confirmed it', () => {
    const { state } = sweep(trusted(), facts(names(50)), START);
    const confirmed = { ...state, members: state.members.map((mark) => ({ ...mark, confirmed: true })) };
    const next = sweep(confirmed, facts([...names(50), 'new']), START + 4 * DAY);
    expect(next.destroy.members).toHaveLength(50);
    expect(next.state.held).toEqual([]);
  });

  test.each([
    [100, 30, true],
    [101, 30, false],
    [600, 1, true],
    [601, 1, false],
  ])('of 1000 records lets %p go where %p days are kept: %p', (count, keepDays, goes) => {
    const journal = { keepDays, due: { upTo: count, count } };
    const { state } = sweep(trusted(), facts([], journal), START);
    expect(sweep(state, facts([], journal), START + DAY - 1).destroy.journalUpTo).toBeNull();
    const next = sweep(state, facts([], journal), START + DAY);
    expect(next.destroy.journalUpTo).toBe(goes ? count : null);
    expect(next.state.held).toEqual(goes ? [] : [{ what: 'journal', count, total: 1000 }]);
  });

  test('goes by checkpoints, which say how old a record is at least', () => {
    const { state } = sweep(trusted(), facts([], { head: 7 }), START);
    const next = sweep(state, facts([], { head: 12 }), START + DAY).state;
    expect([START, START + 1, START + DAY, START + DAY + 1].map((before) => recordsBefore(next, before))).toEqual([
      0, 7, 7, 12,
    ]);
  });

  test('keeps a bounded number of checkpoints, the first and the last among them', () => {
    let state = trusted();
    for (let day = 0; day < 1000; day++) state = sweep(state, facts([], { head: day + 1 }), START + day * DAY).state;
    expect(state.checkpoints.length).toBeLessThanOrEqual(256);
    expect(state.checkpoints[0]).toEqual({ at: START, seq: 1 });
    expect(state.checkpoints.at(-1)).toEqual({ at: START + 999 * DAY, seq: 1000 });
  });

  test('comes once a day, and not while it is stopped', () => {
    expect(sweepDate(trusted())).toBe(START);
    expect(sweepDate({ ...trusted(), sweptAt: START - DAY })).toBe(START);
    expect(sweepDate({ ...trusted(), sweptAt: START - DAY + 1 })).toBeNull();
    expect(sweepDate({ ...trusted(), stopped: true })).toBeNull();
    expect(holdOf({ ...trusted(), stopped: true })).toBe('stopped');
    expect(sweepDate(firstSweepState(null))).toBeNull();
  });

  test('its state outlives the process, and nonsense is none', () => {
    const state = sweep(trusted(), facts(['a'], { due: { upTo: 3, count: 3 } }), START).state;
    expect(parseSweepState(serialiseSweepState(state))).toEqual(state);
    for (const text of ['', '{}', 'null', serialiseSweepState(state).replace('[1,', '[2,')])
      expect(parseSweepState(text)).toBeNull();
  });
});
