import { type PolicyEvent } from '../../../src/access/policy/types';
import { GRACE_MS, granted, NOON, play, rulesOf, UNLOCK_MS } from './steps';

const rules = rulesOf();
const open = { type: 'contact', door: 'front', open: true } as const;
const closed = { ...open, open: false };
const tick = { type: 'tick' } as const;
const kinds = (...events: readonly (readonly [number, PolicyEvent])[]) =>
  play(rules, events).alarms.map(({ kind }) => kind);
const EXCUSED_UNTIL = 1000 + UNLOCK_MS + GRACE_MS;

describe('a forced door', () => {
  test('is one that opens after the unlock and the time of grace', () => {
    expect(kinds([1000, granted('ann')], [EXCUSED_UNTIL, open])).toEqual([]);
    expect(kinds([1000, granted('ann')], [EXCUSED_UNTIL + 1, open])).toEqual(['forced-door']);
    expect(kinds([1000, open])).toEqual(['forced-door']);
  });

  test('is not one that opens a second time within that time', () => {
    expect(kinds([1000, granted('ann')], [2000, open], [2500, closed], [3000, open])).toEqual([]);
  });

  test('alarms once for each opening', () => {
    expect(kinds([1000, open], [1100, open])).toEqual([]);
    expect(kinds([1000, open], [1100, closed], [1200, open])).toEqual(['forced-door']);
  });

  test('may be opened from inside by the button', () => {
    expect(kinds([1000, { type: 'exit-request', door: 'front' }], [EXCUSED_UNTIL, open])).toEqual([]);
  });
});

describe('a door held open', () => {
  const HELD_MS = 30_000;
  test('alarms when it stands open for longer than its time, once', () => {
    expect(kinds([0, open], [HELD_MS, tick])).toEqual([]);
    expect(kinds([0, open], [HELD_MS + 1, tick])).toEqual(['held-open']);
    expect(kinds([0, open], [HELD_MS + 1, tick], [HELD_MS + 2, tick])).toEqual([]);
    expect(kinds([0, open], [HELD_MS + 1, tick], [40_000, closed], [50_000, open], [80_001, tick])).toEqual([
      'held-open',
    ]);
  });

  test('does not alarm when it is closed, or held open by an order', () => {
    expect(kinds([0, open], [1000, closed], [60_000, tick])).toEqual([]);
    const hold = { type: 'hold-open', door: 'front', until: NOON + 120_000 } as const;
    expect(kinds([0, hold], [1000, open], [60_000, tick])).toEqual([]);
  });
});
