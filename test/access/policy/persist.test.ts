import fc from 'fast-check';
import { parsePolicyState, serialisePolicyState } from '../../../src/access/policy/persist';
import { FIRST_STATE, LOST_STATE, type PolicyState } from '../../../src/access/policy/types';

const CONTACT = { open: true, since: 3000, excusedUntil: 4000, heldAlarmed: true };
const FULL: PolicyState = {
  lost: false,
  lostReported: false,
  presence: new Map([['__proto__', 'hall']]),
  passages: new Map([['zone:hall ann', 5000]]),
  failures: new Map([['reader:r1', [1000, 2000]]]),
  locks: new Map([['door:front', 9000]]),
  swipes: new Map([['r1', [6000]]]),
  doors: new Map([
    [
      'front',
      {
        lockdown: { groups: ['staff'], until: 20_000 },
        hold: { until: 30_000, renewAt: 15_000 },
        first: { member: 'ann', at: 7000 },
        contact: CONTACT,
        undo: null,
      },
    ],
  ]),
  resetDay: 20_600,
};
const saved = { mono: 10_000, wall: 1_800_000_000_000, machineBoot: 'a' };
const text = serialisePolicyState(FULL, saved);

describe('the saved state of the policy', () => {
  test('is the same after a restart of the process', () => {
    expect(parsePolicyState(text, { mono: 12_000, wall: 1_800_000_002_000, machineBoot: 'a' })).toEqual(FULL);
  });

  test('a wall clock that was changed meanwhile makes no difference within one boot', () => {
    expect(parsePolicyState(text, { mono: 12_000, wall: 0, machineBoot: 'a' })).toEqual(FULL);
  });

  test.each([
    ['after a boot, as long ago as the wall clock says', 1_800_000_060_000, 60_000],
    ['a wall clock that went back: no time has passed', 1_799_999_000_000, 0],
    ['a week off', 1_800_000_000_000 + 7 * 86_400_000, 7 * 86_400_000],
    ['longer than a week, or a clock in 2038: no time has passed', 1_800_000_000_000 + 7 * 86_400_000 + 1, 0],
    ['a wall clock that nobody knows: no time has passed', null, 0],
  ])('%s', (_, wall, elapsed) => {
    const { passages, locks, failures, swipes, doors, presence } = parsePolicyState(text, {
      mono: 500,
      wall,
      machineBoot: 'b',
    });
    const moved = (at: number): number => at - 10_000 - elapsed + 500;
    expect([...presence]).toEqual([['__proto__', 'hall']]);
    expect(passages.get('zone:hall ann')).toBe(moved(5000));
    expect(locks.get('door:front')).toBe(moved(9000));
    expect(failures.get('reader:r1')).toEqual([moved(1000), moved(2000)]);
    expect(swipes.get('r1')).toEqual([moved(6000)]);
    // What keeps people out outlasts the boot; what would let them in does not.
    expect(doors.get('front')).toEqual({
      lockdown: { groups: ['staff'], until: moved(20_000) },
      hold: null,
      first: null,
      contact: { ...CONTACT, since: moved(3000), excusedUntil: -Infinity },
      undo: null,
    });
  });

  test('where the machine does not tell its boot, no two are the same', () => {
    const unnamed = serialisePolicyState(FULL, { ...saved, machineBoot: '' });
    expect(
      parsePolicyState(unnamed, { mono: 12_000, wall: null, machineBoot: '' }).doors.get('front')?.hold,
    ).toBeNull();
  });

  test('a boot id that is the same and a clock that ran backwards are not believed', () => {
    expect(parsePolicyState(text, { mono: 9999, wall: null, machineBoot: 'a' }).doors.get('front')?.hold).toBeNull();
  });

  test('another boot is another boot, also when it has run for longer than the one before', () => {
    const later = { mono: 12_000, wall: null, machineBoot: 'b' };
    expect(parsePolicyState(text, later).doors.get('front')?.hold).toBeNull();
    expect(parsePolicyState(text, { ...later, machineBoot: '' }).doors.get('front')?.hold).toBeNull();
  });

  test('read in the millisecond in which it was saved, it is the same', () => {
    expect(parsePolicyState(text, saved)).toEqual(FULL);
  });

  test('a lockdown without an end has none after a restart, and an unlock that never was is none', () => {
    const orders = { ...FULL.doors.get('front')!, contact: { ...CONTACT, excusedUntil: -Infinity } };
    const lockdown = { groups: [], until: null };
    const state = { ...FULL, doors: new Map([['front', { ...orders, lockdown }]]) };
    const written = serialisePolicyState(state, saved);
    for (const machineBoot of ['a', 'b']) {
      const front = parsePolicyState(written, { ...saved, machineBoot }).doors.get('front');
      expect([front?.lockdown, front?.contact.excusedUntil]).toEqual([lockdown, -Infinity]);
    }
  });

  test('who is outside is in no zone', () => {
    expect(parsePolicyState(text.replace('"hall"', '"outside"'), saved).presence.size).toBe(0);
  });

  test('32 million characters are read, and not one more', () => {
    const padded = text.padEnd(32 * 1024 * 1024);
    expect(parsePolicyState(padded, saved).lost).toBe(false);
    expect(parsePolicyState(`${padded} `, saved)).toBe(LOST_STATE);
  });

  test('a lost state stays lost over a restart', () => {
    const lost = serialisePolicyState({ ...FIRST_STATE, lost: true }, saved);
    expect(parsePolicyState(lost, saved).lost).toBe(true);
  });

  test('whatever is not a state is a lost one, never one that lets somebody in', () => {
    const damaged = fc.oneof(
      fc.string(),
      fc.json(),
      fc.integer({ min: 0, max: text.length - 1 }).map((length) => text.slice(0, length)),
      fc.constantFrom('v', 'lost', 'presence', 'passages', 'locks', 'doors', 'saved', 'resetDay').map((key) => {
        const all = Object.entries(JSON.parse(text) as Record<string, unknown>);
        return JSON.stringify(Object.fromEntries(all.filter(([each]) => each !== key)));
      }),
      fc.constant(text.replace('"v":1', '"v":2')),
      fc.constant(text.replace('"until":20000', '"until":"soon"')),
    );
    fc.assert(
      fc.property(damaged, (each) => {
        expect(parsePolicyState(each, saved).lost).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
