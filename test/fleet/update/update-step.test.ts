import fc from 'fast-check';
import { UPDATE_LIMITS } from '../../../src/fleet/update/update-limits';
import { ChannelState, idleState, type Installed, type UpdateState } from '../../../src/fleet/update/update-state';
import { step } from '../../../src/fleet/update/update-step';
import { begun, isSwitched, workOf } from '../../../src/fleet/update/due-work';
import type { Facts, Fault, UpdateEvent, DesiredOffer, WorkKind } from '../../../src/fleet/update/update-events';
import { factsAt, installedOf, offerOf, OPEN, releaseOf } from '../samples';

const FROM = 'group all';
const wish = (n: number, rollout = OPEN): DesiredOffer => ({ offer: offerOf(n, rollout), from: FROM });
const want = (n: number, rollout = OPEN): UpdateEvent => ({ type: 'wanted', desired: wish(n, rollout) });
const WAY: readonly WorkKind[] = ['verify', 'transfer', 'stage', 'test', 'switch', 'settle', 'watch'];
const done = (work: WorkKind, n = 1): UpdateEvent =>
  work === 'verify' ? { type: 'done', work, release: releaseOf(n) } : { type: 'done', work };
const fail = (work: WorkKind, fault: Fault, reason = 'why'): UpdateEvent => ({
  ...{ type: 'failed', work, fault },
  ...{ reason, detail: 'told to people' },
});

/** The state after the offer of release 1 and so many works. */
function after(works: number): ChannelState {
  let state = step(idleState('face/encoder', 0), want(1), factsAt(1));
  for (const work of WAY.slice(0, works)) state = step(state, done(work), factsAt(2));
  return state;
}

describe('the steps of an update', () => {
  it('leads from offer to commit, one work after the other', () => {
    const seen: string[] = [];
    let state = step(idleState('face/encoder', 0), want(1), factsAt(1));
    for (;;) {
      const due = workOf(state, factsAt(2));
      seen.push(`${state.state} ${due.kind}`);
      if (due.kind === 'none' || due.kind === 'wait') break;
      state = step(state, done(due.kind), factsAt(3));
    }
    expect(seen).toEqual([
      'offered verify',
      'verified transfer',
      'transferred stage',
      'staged test',
      'tested switch',
      'switched settle',
      'probation watch',
      'committed none',
    ]);
    expect(state.quarantine).toEqual([]);
  });

  it.each([
    [0, { ...OPEN, stage: 0 }, 499, 'verify'],
    [0, { ...OPEN, stage: 0 }, 500, 'none'],
    [0, { ...OPEN, stage: 1 }, 500, 'verify'],
    [0, { ...OPEN, state: 'paused' as const }, 0, 'none'],
    // Who has begun goes on.
    [1, { ...OPEN, state: 'paused' as const }, 0, 'transfer'],
    [1, { ...OPEN, stage: 0 }, 9999, 'transfer'],
  ])('%s works done, rollout %j, place %s: %s', (works, rollout, place, work) => {
    const state = step(after(works), want(1, rollout), factsAt(5));
    expect(workOf(state, factsAt(5, { placeOf: () => place })).kind).toBe(work);
  });

  it.each([
    ['verify', 0],
    ['transfer', 1],
    ['stage', 2],
    ['test', 3],
    ['switch', 4],
  ] as const)('a bad release at %s is refused, and its document quarantined', (work, works) => {
    const state = step(after(works), fail(work, 'release', 'wrong-answers'), factsAt(9));
    expect(state).toMatchObject({ state: 'refused', reason: 'wrong-answers', retryAt: null });
    expect(state.quarantine).toMatchObject([{ document: offerOf(1).document.sha256, reason: 'wrong-answers', at: 9 }]);
    expect(workOf(state, factsAt(1e12)).kind).toBe('none');
    // The same offer again, and the same document under another rollout.
    expect(step(state, want(1), factsAt(10))).toBe(state);
    const other = step(step(state, want(2), factsAt(11)), want(1), factsAt(12));
    expect(other).toMatchObject({ state: 'refused', reason: 'quarantined' });
  });

  it.each(['release', 'trial', 'box', 'later'] as const)(
    'after the switch a failure by fault of the %s leads back',
    (fault) => {
      for (const [work, works] of [
        ['settle', 5],
        ['watch', 6],
      ] as const) {
        const state = step(after(works), fail(work, fault, 'crashed'), factsAt(9));
        expect(state).toMatchObject({ state: 'rolled-back', reason: 'crashed' });
        expect(state.quarantine).toHaveLength(1);
        expect(workOf(state, factsAt(10)).kind).toBe('none');
      }
    },
  );

  it('tries again, not for ever, when what it was tried beside at the door went away', () => {
    let state = after(6);
    for (let times = 1; times < UPDATE_LIMITS.interruptions; times++) {
      state = step(state, fail('watch', 'postponed', 'not-running'), factsAt(9));
      expect(state).toMatchObject({ state: 'staged', reason: 'not-running', attempt: times, quarantine: [] });
      expect(workOf(state, factsAt(9)).kind).toBe('wait');
      for (const work of WAY.slice(3, 6)) state = step(state, done(work), factsAt(1e9));
    }
    const last = step(state, fail('watch', 'postponed', 'not-running'), factsAt(9));
    expect(last).toMatchObject({ state: 'rolled-back', quarantine: [{ reason: 'not-running' }] });
  });

  it('waits for as long as it is wanted for what its test needs', () => {
    let state = after(3);
    for (let times = 1; times < 50; times++)
      state = step(state, fail('test', 'postponed', 'templates-missing'), factsAt(9));
    expect(state).toMatchObject({ state: 'staged', attempt: 49, reason: 'templates-missing', quarantine: [] });
  });

  it('tries again what the network or the disk prevented, at growing, jittered distances', () => {
    let state = after(1);
    const waits: number[] = [];
    for (let n = 1; n <= 15; n++) {
      state = step(state, fail('transfer', 'box', 'download-failed'), factsAt(0, { random: 1 }));
      expect(state).toMatchObject({ state: 'verified', attempt: n, reason: 'download-failed' });
      const due = workOf(state, factsAt(0));
      waits.push(due.kind === 'wait' ? due.until : NaN);
      expect(workOf(state, factsAt(UPDATE_LIMITS.retryMaxMs)).kind).toBe('transfer');
    }
    expect(waits.slice(0, 3)).toEqual([4000, 8000, 16_000]);
    expect(Math.max(...waits)).toBe(UPDATE_LIMITS.retryMaxMs);
    const lucky = step(after(1), fail('transfer', 'box'), factsAt(0, { random: 0 }));
    expect(lucky.retryAt).toBe(UPDATE_LIMITS.retryMinMs / 2);
  });

  it('asks the fleet again whether a release is wanted whose bytes did not come in time', () => {
    const state = step(after(1), fail('transfer', 'box', 'deadline'), factsAt(5));
    expect(state).toMatchObject({ state: 'offered', reason: 'deadline', attempt: 1 });
  });

  it('gives a busy machine three tries of the test', () => {
    let state = after(3);
    for (let n = 1; n < UPDATE_LIMITS.trialTries; n++) {
      state = step(state, fail('test', 'trial', 'slow'), factsAt(5));
      expect(state).toMatchObject({ state: 'staged', attempt: n });
    }
    expect(step(state, fail('test', 'trial', 'slow'), factsAt(6))).toMatchObject({ state: 'refused', reason: 'slow' });
  });

  it('tests again what could not be switched', () => {
    const state = step(after(4), fail('switch', 'box', 'templates-missing'), factsAt(5));
    expect(state).toMatchObject({ state: 'staged', reason: 'templates-missing' });
  });

  it('takes a refusal that may pass up again, the whole way', () => {
    const state = step(after(1), fail('transfer', 'later', 'metadata-expired'), factsAt(5));
    expect(state).toMatchObject({ state: 'refused', reason: 'metadata-expired', quarantine: [] });
    expect(workOf(state, factsAt(5)).kind).toBe('wait');
    expect(workOf(state, factsAt(1e9)).kind).toBe('verify');
    expect(step(state, done('verify'), factsAt(1e9)).state).toBe('verified');
  });

  it.each<[number, UpdateState, boolean]>([
    [0, 'refused', false],
    [3, 'refused', false],
    [5, 'rolled-back', false],
    [6, 'rolled-back', false],
    [7, 'rolled-back', true],
  ])('an abort after %s works leads to %s', (works, expected, reverts) => {
    const why = { ...OPEN, state: 'aborted' as const, why: 'it forgets faces' };
    const facts = factsAt(9, { active: works === 7 ? installedOf(1) : null });
    const state = step(after(works), want(1, why), facts);
    expect(state).toMatchObject({ state: expected, reason: 'aborted', detail: 'it forgets faces' });
    expect(workOf(state, facts).kind).toBe(reverts ? 'revert' : 'none');
    // Said once more, it changes nothing; and it is not begun again.
    expect(step(state, want(1, why), facts)).toBe(state);
    expect(workOf(step(state, want(1), facts), facts).kind).toBe(reverts ? 'revert' : 'none');
  });

  it('goes back where somebody at the box wants it, and stays there', () => {
    const facts = factsAt(9, { active: installedOf(1) });
    const state = step(after(7), { type: 'rollback', reason: 'ordered', detail: '' }, facts);
    expect(workOf(state, facts).kind).toBe('revert');
    const back = step(state, done('revert'), factsAt(10));
    expect(back).toMatchObject({ state: 'rolled-back', reason: 'ordered' });
    expect(workOf(back, factsAt(11)).kind).toBe('none');
    expect(step(after(3), { type: 'rollback', reason: 'ordered', detail: '' }, factsAt(9))).toEqual(after(3));
  });

  it('lets a withdrawn offer go, but not what is committed', () => {
    const none: UpdateEvent = { type: 'wanted', desired: null };
    expect(step(after(3), none, factsAt(9))).toMatchObject({ state: 'idle', candidate: null });
    expect(step(after(6), none, factsAt(9))).toMatchObject({ state: 'rolled-back', reason: 'withdrawn' });
    const committed = after(7);
    expect(step(committed, none, factsAt(9, { active: installedOf(1) }))).toBe(committed);
  });

  it('leaves a candidate that is tried at the door in peace when another one is offered', () => {
    expect(step(after(6), want(2), factsAt(9))).toEqual(after(6));
    expect(step(after(3), want(2), factsAt(9))).toMatchObject({ state: 'offered', candidate: { offer: offerOf(2) } });
  });

  it.each<[number, UpdateState]>([
    [0, 'offered'],
    [1, 'verified'],
    [2, 'transferred'],
    [3, 'staged'],
    [4, 'staged'],
    [5, 'staged'],
    [6, 'staged'],
  ])('a start after %s works finds the state %s', (works, expected) => {
    expect(step(after(works), { type: 'boot' }, factsAt(9)).state).toBe(expected);
  });

  it('believes the pointer after a start, not the note', () => {
    const active = installedOf(1);
    expect(step(after(6), { type: 'boot' }, factsAt(9, { active })).state).toBe('committed');
    expect(step(after(7), { type: 'boot' }, factsAt(9)).state).toBe('idle');
    expect(step(idleState('face/encoder', 0), want(1), factsAt(9, { active })).state).toBe('committed');
  });

  it('gives up a candidate under which the daemon ends again and again', () => {
    let state = after(3);
    let starts = 0;
    while (state.state !== 'refused') {
      for (const work of WAY.slice(3, 6)) state = step(state, done(work), factsAt(5));
      state = step(state, { type: 'boot' }, factsAt(6));
      expect(++starts).toBeLessThan(10);
    }
    expect(state.reason).toBe('interrupted');
    expect(starts).toBe(UPDATE_LIMITS.interruptions);
  });

  it('keeps a deadline over a start, within reason', () => {
    const state = begun(after(1), factsAt(1000), 5000);
    expect(state.deadline).toBe(6000);
    expect(begun(state, factsAt(2000), 5000)).toBe(state);
    expect(step(state, { type: 'boot' }, factsAt(3000)).deadline).toBe(6000);
    // The clock had been years ahead.
    const far = { ...state, deadline: 9e12, retryAt: 9e12 };
    expect(step(far, { type: 'boot' }, factsAt(3000))).toMatchObject({
      deadline: 3000 + UPDATE_LIMITS.deadlineMs.transfer,
      retryAt: 3000 + UPDATE_LIMITS.retryMaxMs,
    });
  });

  it('holds under any sequence of events', () => {
    const events = fc.oneof(
      fc.record({
        type: fc.constant('wanted' as const),
        n: fc.integer({ min: 1, max: 3 }),
        stage: fc.integer({ min: 0, max: 2 }),
        state: fc.constantFrom('rolling' as const, 'paused' as const, 'aborted' as const),
      }),
      fc.constant({ type: 'nothing' as const }),
      fc.constant({ type: 'boot' as const }),
      fc.constant({ type: 'rollback' as const }),
      fc.record({
        type: fc.constant('work' as const),
        how: fc.constantFrom(...(['done', 'release', 'trial', 'box', 'later', 'postponed'] as const)),
      }),
    );
    fc.assert(
      fc.property(fc.array(events, { maxLength: 60 }), fc.integer({ min: 0, max: 9999 }), (sequence, place) => {
        let state = idleState('face/encoder', 0);
        let active: Installed | null = null;
        let previous: Installed | null = null;
        let now = 0;
        for (const event of sequence) {
          now += 4_000_000;
          const facts: Facts = factsAt(now, { active, placeOf: () => place });
          const before = state;
          const bad = new Set(before.quarantine.map(({ document }) => document));
          switch (event.type) {
            case 'wanted':
              state = step(state, want(event.n, { ...OPEN, stage: event.stage, state: event.state }), facts);
              break;
            case 'nothing':
              state = step(state, { type: 'wanted', desired: null }, facts);
              break;
            case 'boot':
              state = step(state, { type: 'boot' }, facts);
              break;
            case 'rollback':
              state = step(state, { type: 'rollback', reason: 'ordered', detail: '' }, facts);
              break;
            case 'work': {
              const due = workOf(state, facts);
              if (due.kind === 'none' || due.kind === 'wait') break;
              const n = Number(state.candidate?.offer.release.at(-1));
              // Nothing that is known to be bad is ever worked on; what reverts leaves it.
              if (due.kind !== 'revert') expect(bad.has(state.candidate!.offer.document.sha256)).toBe(false);
              if (event.how === 'done') {
                if (due.kind === 'watch') [active, previous] = [installedOf(n), active];
                if (due.kind === 'revert') [active, previous] = [previous, null];
                state = step(state, done(due.kind, n), facts);
              } else state = step(state, fail(due.kind, event.how), facts);
            }
          }
          expect(ChannelState.safeParse(state).error).toBeUndefined();
          if (state.state === 'committed') expect(active?.release).toBe(state.candidate?.offer.release);
          // From the door there are two ways on, and to it only one.
          if (isSwitched(before) && !isSwitched(state))
            expect(['committed', 'rolled-back', 'staged', 'refused']).toContain(state.state);
          if (!isSwitched(before) && isSwitched(state)) expect(before.state).toBe('tested');
        }
      }),
      { numRuns: 1000 },
    );
  });
});
