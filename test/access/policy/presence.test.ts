import { isFull, mayPass, occupancyOf, resetDaily } from '../../../src/access/policy/presence';
import { FIRST_STATE, type PolicyState } from '../../../src/access/policy/types';
import { contextAt, granted, NOON, play, rulesOf } from './steps';

const HALL = { passage: { from: 'outside', to: 'hall' } };
const now = (mono: number) => ({ mono, wall: null });
const inside = (presence: Record<string, string>): PolicyState => ({
  ...FIRST_STATE,
  presence: new Map(Object.entries(presence)),
});

describe('anti-passback', () => {
  test('by time: to the millisecond, for every door into the zone', () => {
    const rules = rulesOf(
      {
        doors: {
          front: { ...HALL, antiPassback: { minutes: 5 } },
          side: { ...HALL, antiPassback: { minutes: 1 } },
        },
      },
      ['front', 'side'],
    );
    const { state } = play(rules, [[1000, granted('ann')]]);
    const may = (door: string, member: string, mono: number) =>
      mayPass(state, rules.doors.get(door)!, member, now(mono));
    expect([may('front', 'ann', 300_999), may('front', 'ann', 301_000)]).toEqual([false, true]);
    expect([may('side', 'ann', 60_999), may('side', 'ann', 61_000)]).toEqual([false, true]);
    expect(may('front', 'bob', 1000)).toBe(true);
  });

  test('by zone: only who is in the zone before the door, and nothing for a door without a passage', () => {
    const zones = { antiPassback: { zones: true } };
    const rules = rulesOf({ doors: { front: { ...HALL, ...zones }, side: zones } }, ['front', 'side']);
    const may = (door: string, member: string) =>
      mayPass(inside({ ann: 'hall' }), rules.doors.get(door)!, member, now(0));
    expect([may('front', 'ann'), may('front', 'bob'), may('side', 'ann')]).toEqual([false, true, true]);
  });

  test('passages are kept for the longest time that a door of the zone asks for, and only where one asks', () => {
    const timed = { passage: { from: 'outside', to: 'pool' }, antiPassback: { minutes: 2 } };
    const rules = rulesOf({ doors: { front: { ...HALL, antiPassback: { minutes: 1 } }, pool: timed } }, [
      ...['front', 'pool', 'side'],
    ]);
    expect([...rules.timedScopes]).toEqual([
      ['zone:hall', 60_000],
      ['zone:pool', 120_000],
    ]);
    const first = play(rules, [
      [0, granted('ann')],
      [0, granted('ann', 'pool')],
      [0, granted('ann', 'side')],
    ]).state;
    expect([...first.passages.keys()]).toEqual(['zone:hall ann', 'zone:pool ann']);
    const passages = (mono: number) => [...play(rules, [[mono, granted('bob')]], first).state.passages.keys()];
    expect(passages(59_999)).toEqual(['zone:hall ann', 'zone:pool ann', 'zone:hall bob']);
    // Passages into another zone have a time of their own.
    expect(passages(60_000)).toEqual(['zone:pool ann', 'zone:hall bob']);
    expect(passages(600_000)).toEqual(['zone:pool ann', 'zone:hall bob']);
  });

  test('of doors that share a zone the longest time counts, in whatever order they come', () => {
    const door = (minutes: number) => ({ ...HALL, antiPassback: { minutes } });
    const times = (front: number, side: number) => [
      ...rulesOf({ doors: { front: door(front), side: door(side) } }, ['front', 'side']).timedScopes.values(),
    ];
    expect([times(5, 3), times(3, 5)]).toEqual([[300_000], [300_000]]);
  });
});

describe('a grant that is withheld', () => {
  const rules = rulesOf({ doors: { front: { ...HALL, antiPassback: { minutes: 5 } } } }, ['front', 'side']);
  const withheld = { type: 'withheld', door: 'front' } as const;

  test('is as if it had never been', () => {
    const { state } = play(rules, [
      [1000, granted('ann')],
      [2000, withheld],
    ]);
    expect([[...state.presence], [...state.passages]]).toEqual([[], []]);
    expect(mayPass(state, rules.doors.get('front')!, 'ann', now(2000))).toBe(true);
  });

  test('leaves the passage before it in force', () => {
    const { state } = play(rules, [
      [1000, granted('ann')],
      [301_000, granted('ann')],
      [301_000, withheld],
    ]);
    expect([[...state.presence], [...state.passages]]).toEqual([[['ann', 'hall']], [['zone:hall ann', 1000]]]);
  });

  test('takes nothing else back: a zone that somebody was put into by hand, or a second time', () => {
    const placed = { type: 'place', member: 'ann', zone: 'pool' } as const;
    const side = { type: 'withheld', door: 'side' } as const;
    const at = (events: Parameters<typeof play>[1]) => play(rules, events).state.presence.get('ann');
    expect(at([...[[0, granted('ann', 'side')] as const, [1, placed] as const, [2, side] as const]])).toBe('pool');
    const twice = [[0, granted('ann')] as const, [1, withheld] as const, [2, placed] as const, [3, withheld] as const];
    expect(at(twice)).toBe('pool');
  });
});

describe('a full zone', () => {
  const rules = rulesOf({ zones: { hall: { maxOccupancy: 2 } }, doors: { front: HALL } }, ['front', 'side']);
  const full = (presence: Record<string, string>, members: readonly string[], door = 'front') =>
    isFull(inside(presence), rules.doors.get(door)!, members, rules);

  test.each([
    ['one more has room', { ann: 'hall', bob: 'pool' }, ['cat'], false],
    ['no room for one more', { ann: 'hall', bob: 'hall' }, ['cat'], true],
    ['room for one, not for two', { ann: 'hall' }, ['cat', 'dan'], true],
    ['who is in there needs no room', { ann: 'hall', bob: 'hall' }, ['bob'], false],
    ['not even where more are in it than may be', { ann: 'hall', bob: 'hall', cat: 'hall' }, ['bob'], false],
  ])('%s', (_, presence, members, expected) => expect(full(presence, members)).toBe(expected));

  test('concerns only the doors that lead there', () => {
    expect(full({ ann: 'hall', bob: 'hall' }, ['cat'], 'side')).toBe(false);
    expect(occupancyOf(inside({ ann: 'hall', bob: 'pool' }), 'hall')).toBe(1);
  });
});

describe('the daily reset', () => {
  const rules = rulesOf({ presenceResetAt: '04:00' });
  const present = { ...inside({ ann: 'hall' }), resetDay: null };
  const DAY = 86_400_000;
  const at = (state: PolicyState, wall: number | null) => resetDaily(state, rules, { mono: 0, wall });
  const started = at(present, NOON);

  test('does not empty the zones at a start, which may be at any hour', () => {
    expect([...started.presence.keys()]).toEqual(['ann']);
    expect(started.resetDay).toBe(Math.floor(NOON / DAY));
  });

  test('empties them at its hour', () => {
    const FOUR = NOON + 16 * 3_600_000;
    expect(at(started, FOUR - 1)).toBe(started);
    expect([...at(started, FOUR).presence]).toEqual([]);
  });

  test('does nothing where no clock is known, the clock went back, or no hour is set', () => {
    expect(at(started, null)).toBe(started);
    expect(at(started, 0)).toBe(started);
    expect(at(started, NOON - DAY)).toBe(started);
    expect(at(present, null)).toBe(present);
    expect(resetDaily(present, rulesOf(), contextAt(rules, 0).now)).toBe(present);
  });
});
