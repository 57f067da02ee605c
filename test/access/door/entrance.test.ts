import { CLOSED_DOOR, type DoorEvent, type DoorSettings, type DoorState } from '../../../src/access/door-types';
import { modeAt } from '../../../src/access/policy/clock';
import { stepEntrance } from '../../../src/access/door/entrance';
import { stepPolicy } from '../../../src/access/policy/policy';
import { compilePolicy } from '../../../src/access/policy/rules';
import {
  FIRST_STATE,
  LOST_STATE,
  type MemberRights,
  type PolicyEvent,
  type PolicyState,
} from '../../../src/access/policy/types';
import { PolicyConfig } from '../../../src/config/schema/policy';

const MONDAY = Date.parse('2026-06-01T12:00:00Z');
const OPENING = { opening: { weekly: [{ days: ['mon'], from: '08:00', to: '20:00' }] } };
const SETTINGS: Omit<DoorSettings, 'mode'> = {
  verifyDistance: 1.1,
  identifyDistance: 1,
  frameDistance: 1.3,
  margin: 0.1,
  votes: 1,
  voteWindowMs: 1000,
  voteSpacingMs: 10,
  deadlineMs: 3000,
  approachMs: 2000,
  cooldownMs: 1000,
  absentMs: 500,
  latencyMs: 0,
  liveness: { mode: 'off', frames: 3, motion: 'watch' },
};

/** Doors `front` (reader `r1`) and `back` (reader `r2`), and what becomes of them. Times are seconds since Monday noon. */
class Entrance {
  private readonly rules;
  private readonly doors = new Map<string, DoorState>();
  readonly rights = new Map<string, MemberRights>();
  readonly told: string[] = [];
  state: PolicyState = FIRST_STATE;
  wallKnown = true;

  constructor(policy: object, mode: 'verify' | 'identify' | 'either' = 'verify') {
    this.rules = compilePolicy(PolicyConfig.parse(policy), [
      { id: 'front', mode, unlockMs: 3000 },
      { id: 'back', mode, unlockMs: 3000 },
    ]);
    for (const member of ['ann', 'bob', 'cat'])
      this.rights.set(member, { groups: [], validFrom: null, validUntil: null });
  }

  swipe(seconds: number, member: string, door = 'front', duress = false): this {
    return this.at(seconds, door, {
      type: 'swipe',
      at: seconds * 1000,
      reader: door === 'front' ? 'r1' : 'r2',
      standing:
        member === 'nobody'
          ? { kind: 'refused', member: null, reason: 'unknown-member' }
          : { kind: 'active', member, duress },
    });
  }

  face(seconds: number, member: string, door = 'front', distance = 0.8): this {
    const nearness = { member, distance, frameDistance: distance };
    const claimed = (this.doors.get(door)?.claim ?? null) === null ? null : nearness;
    return this.at(seconds, door, {
      type: 'face',
      at: seconds * 1000,
      track: Math.floor(seconds),
      evidence: { kind: 'encoded', nearest: claimed === null ? [nearness] : [], claimed },
    });
  }

  /** Swipe, and the face half a second later. */
  enter(seconds: number, member: string, door = 'front'): this {
    return this.swipe(seconds, member, door).face(seconds + 0.5, member, door);
  }

  at(seconds: number, door: string, event: DoorEvent): this {
    const rules = this.rules.doors.get(door);
    if (rules === undefined) throw new Error('no such door');
    const context = this.context(seconds);
    const settings = { ...SETTINGS, mode: modeAt(this.rules, rules, context.now) };
    const before = this.doors.get(door) ?? { ...CLOSED_DOOR, cameraLive: true };
    const {
      door: after,
      policy,
      decisions,
      alarms,
      ordered,
    } = stepEntrance(door, before, this.state, event, settings, context);
    this.doors.set(door, after);
    this.state = policy;
    for (const { reason, member } of decisions) this.told.push(`${reason}:${member ?? '-'}`);
    this.tell(alarms, ordered);
    return this;
  }

  order(seconds: number, event: PolicyEvent): this {
    const { state, alarms, decisions, refused } = stepPolicy(this.state, event, this.context(seconds));
    this.state = state;
    if (refused !== null) this.told.push(`refused ${refused}`);
    this.tell(alarms, decisions);
    return this;
  }

  tick(seconds: number): this {
    return this.order(seconds, { type: 'tick' });
  }

  private tell(alarms: readonly { kind: string }[], ordered: readonly { decision: { reason: string } }[]): void {
    for (const { decision } of ordered) this.told.push(decision.reason);
    for (const { kind } of alarms) this.told.push(`!${kind}`);
  }

  private context(seconds: number) {
    return {
      rules: this.rules,
      now: { mono: seconds * 1000, wall: this.wallKnown ? MONDAY + seconds * 1000 : null },
      rightsOf: (member: string) => this.rights.get(member) ?? null,
    };
  }
}

const HOUR = 3600;
const hall = { zones: { hall: { maxOccupancy: 2 } } };
const inOut = {
  front: { passage: { from: 'outside', to: 'hall' }, antiPassback: { zones: true } },
  back: { passage: { from: 'hall', to: 'outside' }, antiPassback: { zones: true } },
};

describe('an entrance', () => {
  test('without a policy lets every member in, at any time, also with a clock that was never set', () => {
    const entrance = new Entrance({});
    entrance.wallKnown = false;
    expect(entrance.enter(1, 'ann').enter(10, 'bob').enter(20, 'ann').told).toEqual([
      'match:ann',
      'match:bob',
      'match:ann',
    ]);
  });

  test('tells at the swipe what needs no face', () => {
    const entrance = new Entrance({
      schedules: OPENING,
      doors: { front: { rights: [{ everyone: true, schedules: ['opening'] }] } },
    });
    expect(entrance.swipe(9 * HOUR, 'ann').told).toEqual(['outside-schedule:ann']);
  });

  test('asks again at the grant: a right may end between the card and the face', () => {
    const entrance = new Entrance({
      schedules: OPENING,
      doors: { front: { rights: [{ everyone: true, schedules: ['opening'] }] } },
    });
    expect(entrance.swipe(8 * HOUR - 1, 'ann').face(8 * HOUR, 'ann').told).toEqual(['outside-schedule:ann']);
  });

  test.each([
    ['a right of the member', [{ members: ['ann'] }], 'match:ann'],
    ['a right of the group', [{ groups: ['staff'] }], 'match:ann'],
    ['a right of others', [{ members: ['bob'] }, { groups: ['day'] }], 'no-right:ann'],
    ['no rights at all', [], 'no-right:ann'],
    ['one right for now is enough', [{ members: ['ann'], schedules: ['opening'] }, { groups: ['staff'] }], 'match:ann'],
  ])('%s', (_, rights, expected) => {
    const entrance = new Entrance({ schedules: OPENING, doors: { front: { rights } } });
    entrance.rights.set('ann', { groups: ['staff'], validFrom: null, validUntil: null });
    expect(entrance.enter(9 * HOUR, 'ann').told).toEqual([expected]);
  });

  test.each([
    ['begins now', 0, null, 'match:ann'],
    ['begins later', 2000, null, 'not-yet-valid:ann'],
    ['ends later', null, 2000, 'match:ann'],
    ['ended', null, 0, 'no-longer-valid:ann'],
    ['no number', NaN, null, 'not-yet-valid:ann'],
  ])('a membership that %s', (_, from, until, expected) => {
    const entrance = new Entrance({});
    const shifted = (ms: number | null): number | null => (ms === null ? null : MONDAY + ms);
    entrance.rights.set('ann', { groups: [], validFrom: shifted(from), validUntil: shifted(until) });
    expect(entrance.swipe(1, 'ann').face(1.1, 'ann').told).toEqual([expected]);
  });

  test('refuses what depends on the time of day while that is not known', () => {
    const entrance = new Entrance({
      schedules: OPENING,
      doors: { front: { rights: [{ everyone: true, schedules: ['opening'] }] } },
    });
    entrance.wallKnown = false;
    expect(entrance.enter(1, 'ann').told).toEqual(['clock-unknown:ann']);
  });

  test('the card alone where it is enough, also without a picture; the face alone where that is', () => {
    const modes = (mode: string) => ({
      schedules: OPENING,
      doors: { front: { modes: [{ schedule: 'opening', mode }] } },
    });
    const card = new Entrance(modes('card-only'));
    const standing = { kind: 'refused', member: 'bob', reason: 'no-template' } as const;
    card.swipe(1, 'ann').at(5, 'front', { type: 'swipe', at: 5000, reader: 'r1', standing });
    expect(card.told).toEqual(['card:ann', 'card:bob']);
    expect(
      card
        .swipe(9 * HOUR, 'ann')
        .face(9 * HOUR + 1, 'ann')
        .told.slice(2),
    ).toEqual(['match:ann']);
    expect(new Entrance(modes('face-only')).face(1, 'ann').told).toEqual(['match:ann']);
    const unsure = new Entrance(modes('card-only'));
    unsure.wallKnown = false;
    expect(unsure.swipe(1, 'ann').told).toEqual([]);
  });

  test('an open claim is not turned into a grant by the hour at which the card becomes enough', () => {
    const entrance = new Entrance({
      schedules: { late: { weekly: [{ days: ['mon'], from: '12:01', to: '20:00' }] } },
      doors: { front: { modes: [{ schedule: 'late', mode: 'card-only' }] } },
    });
    entrance.swipe(59, 'ann').at(60.5, 'front', { type: 'tick', at: 60_500 });
    expect(entrance.told).toEqual([]);
    expect(entrance.face(61, 'ann').told).toEqual(['match:ann']);
  });

  test('anti-passback by zones: in, out, in; never in, in', () => {
    const entrance = new Entrance({ ...hall, doors: inOut });
    entrance.enter(1, 'ann').swipe(10, 'ann').swipe(20, 'bob', 'back').enter(30, 'ann', 'back').enter(40, 'ann');
    expect(entrance.told).toEqual(['match:ann', 'anti-passback:ann', 'anti-passback:bob', 'match:ann', 'match:ann']);
  });

  test('anti-passback by time, over all doors into one zone', () => {
    const both = { passage: { from: 'outside', to: 'hall' }, antiPassback: { minutes: 1 } };
    const entrance = new Entrance({ zones: { hall: {} }, doors: { front: both, back: both } });
    entrance.enter(1, 'ann').swipe(30, 'ann', 'back').enter(62, 'ann', 'back');
    expect(entrance.told).toEqual(['match:ann', 'anti-passback:ann', 'match:ann']);
  });

  test('no more inside than may be; whoever leaves makes room', () => {
    const entrance = new Entrance({ ...hall, doors: inOut });
    entrance.enter(1, 'ann').enter(10, 'bob').swipe(20, 'cat').enter(30, 'ann', 'back').enter(40, 'cat');
    expect(entrance.told).toEqual(['match:ann', 'match:bob', 'zone-full:cat', 'match:ann', 'match:cat']);
  });

  test('a grant that could not be recorded changes nothing', () => {
    const entrance = new Entrance({ ...hall, doors: inOut });
    entrance.enter(1, 'ann').at(1.6, 'front', { type: 'withheld', at: 1600 }).enter(10, 'ann');
    expect(entrance.told).toEqual(['match:ann', 'match:ann']);
  });

  test('everybody counts as outside again at an hour of the day', () => {
    const entrance = new Entrance({ ...hall, doors: inOut, presenceResetAt: '13:00' });
    expect(
      entrance
        .enter(1, 'ann')
        .swipe(HOUR - 1, 'ann')
        .enter(HOUR, 'ann').told,
    ).toEqual(['match:ann', 'anti-passback:ann', 'match:ann']);
  });

  test('two persons: the second opens, the same one again does not, nor one who comes late', () => {
    const entrance = new Entrance({ doors: { front: { twoPerson: { windowSeconds: 10 } } } });
    entrance.enter(1, 'ann').enter(4, 'ann').enter(8, 'bob').enter(20, 'cat').enter(40, 'bob');
    expect(entrance.told).toEqual([
      'second-person:ann',
      'second-person:ann',
      'match:bob',
      'second-person:cat',
      'second-person:bob',
    ]);
  });

  test('two persons: the first must still be allowed when the second comes', () => {
    const entrance = new Entrance({ doors: { front: { twoPerson: { windowSeconds: 30 } } } });
    entrance.enter(1, 'ann');
    entrance.rights.delete('ann');
    expect(entrance.enter(5, 'bob').enter(10, 'cat').told).toEqual([
      'second-person:ann',
      'second-person:bob',
      'match:cat',
    ]);
  });

  test('a lockdown shuts out all but the groups it names, until it ends', () => {
    const entrance = new Entrance({});
    entrance.rights.set('bob', { groups: ['staff'], validFrom: null, validUntil: null });
    entrance.order(0, { type: 'lockdown', doors: null, groups: ['staff'], until: MONDAY + 60_000 });
    entrance.swipe(1, 'ann').enter(5, 'bob').enter(61, 'ann');
    expect(entrance.told).toEqual(['lockdown:ann', 'match:bob', 'match:ann']);
  });

  test('a lockdown also stops whoever stands before the camera already', () => {
    const entrance = new Entrance({})
      .swipe(1, 'ann')
      .order(1.2, { type: 'lockdown', doors: ['front'], groups: [], until: null });
    expect(entrance.face(1.5, 'ann').order(2, { type: 'release', doors: null }).enter(3, 'ann').told).toEqual([
      'lockdown:ann',
      'match:ann',
    ]);
  });

  test('a held door is unlocked again and again, and a lockdown ends that', () => {
    const entrance = new Entrance({}).order(0, { type: 'hold-open', door: 'front', until: MONDAY + 60_000 });
    entrance.tick(7).tick(8).tick(9).order(10, { type: 'lockdown', doors: null, groups: [], until: null }).tick(20);
    expect(entrance.told).toEqual(['hold-open', 'hold-open']);
    expect(entrance.order(30, { type: 'hold-open', door: 'front', until: MONDAY + 60_000 }).told[2]).toBe(
      'refused lockdown',
    );
  });

  test.each([
    ['in the past', MONDAY - 1, 'until-past'],
    ['until now', MONDAY, 'until-past'],
    ['for more than a day', MONDAY + 24 * HOUR * 1000 + 1, 'until-too-far'],
    ['to no time at all', NaN, 'clock-unknown'],
  ])('no door is held open %s', (_, until, refused) =>
    expect(new Entrance({}).order(0, { type: 'hold-open', door: 'front', until }).told).toEqual([`refused ${refused}`]),
  );

  test('a door is held open for a day, and for a moment', () => {
    for (const until of [MONDAY + 24 * HOUR * 1000, MONDAY + 1])
      expect(new Entrance({}).order(0, { type: 'hold-open', door: 'front', until }).told).not.toContain('refused');
  });

  const lockdown = (groups: readonly string[], until: number | null) =>
    ({ type: 'lockdown', doors: ['front'], groups, until }) as const;
  const inForce = (entrance: Entrance) => entrance.state.doors.get('front')?.lockdown;

  test.each([
    ['a second ago', MONDAY - 1000],
    ['now', MONDAY],
    ['in seconds for milliseconds', MONDAY / 1000 + 3600],
  ])('a lockdown that ends %s is refused, and leaves one without an end in force', (_, until) => {
    const entrance = new Entrance({}).order(0, lockdown([], null)).order(0, lockdown([], until));
    expect(entrance.told).toEqual(['refused until-past']);
    expect(inForce(entrance)).toEqual({ groups: [], until: null });
    expect(new Entrance({}).order(0, lockdown([], until)).enter(1, 'ann').told).toEqual([
      'refused until-past',
      'match:ann',
    ]);
  });

  test.each([
    ['an earlier end does not shorten it', lockdown([], MONDAY + 60_000), lockdown([], MONDAY + 5000), [], 60_000],
    ['a later end prolongs it', lockdown([], MONDAY + 5000), lockdown([], MONDAY + 60_000), [], 60_000],
    ['an end does not bound one without', lockdown([], null), lockdown([], MONDAY + 5000), [], null],
    ['one without an end goes on', lockdown([], MONDAY + 5000), lockdown([], null), [], null],
    ['no group is let in that was kept out', lockdown([], null), lockdown(['staff'], null), [], null],
    [
      'a group that was let in is kept out',
      lockdown(['staff', 'fire'], null),
      lockdown(['fire'], null),
      ['fire'],
      null,
    ],
  ])('a second lockdown makes no door less strict: %s', (_, first, second, groups, until) => {
    expect(inForce(new Entrance({}).order(0, first).order(0, second))).toEqual({ groups, until });
  });

  test('a lockdown ends at its millisecond, and after it a new one is as it was ordered', () => {
    const entrance = new Entrance({}).order(0, lockdown([], MONDAY + 10_000));
    expect(inForce(entrance.tick(9.999))).not.toBeNull();
    expect(inForce(entrance.tick(10))).toBeNull();
    expect(inForce(entrance.order(10, lockdown(['staff'], MONDAY + 11_000)))).toEqual({
      groups: ['staff'],
      until: 11_000,
    });
  });

  test('a reset does not lift a lockdown', () => {
    const entrance = new Entrance({}).order(0, lockdown([], null)).order(1, { type: 'reset' }).enter(2, 'ann');
    expect(entrance.order(3, { type: 'release', doors: null }).enter(4, 'ann').told).toEqual([
      'lockdown:ann',
      'match:ann',
    ]);
  });

  test.each([
    ['a millisecond before it begins', 1, null, 'not-yet-valid:ann'],
    ['at the millisecond at which it begins', 0, null, 'match:ann'],
    ['in its last millisecond', null, 1, 'match:ann'],
    ['at the millisecond at which it ends', null, 0, 'no-longer-valid:ann'],
  ])('a validity %s', (_, from, until, told) => {
    const entrance = new Entrance({
      doors: { front: { modes: [{ schedule: 'opening', mode: 'card-only' }] } },
      schedules: OPENING,
    });
    const at = (offset: number | null) => (offset === null ? null : MONDAY + 5000 + offset);
    entrance.rights.set('ann', { groups: [], validFrom: at(from), validUntil: at(until) });
    expect(entrance.swipe(5, 'ann').told).toEqual([told.replace('match', 'card')]);
  });

  test('failures lock the reader, for everybody, for a while, and say nothing of the card', () => {
    const entrance = new Entrance({ lockout: { reader: { failures: 2, withinSeconds: 60, forSeconds: 30 } } });
    entrance
      .swipe(1, 'nobody')
      .swipe(2, 'nobody')
      .swipe(3, 'nobody')
      .swipe(4, 'ann')
      .enter(5, 'bob', 'back')
      .enter(33, 'ann');
    expect(entrance.told).toEqual([
      'unknown-member:-',
      'unknown-member:-',
      '!lockout',
      'locked-out:-',
      'locked-out:ann',
      'match:bob',
      'match:ann',
    ]);
  });

  test('swiping again does not hide a wrong face', () => {
    const entrance = new Entrance({ lockout: { member: { failures: 2, withinSeconds: 60, forSeconds: 30 } } });
    for (const seconds of [1, 2, 3]) entrance.swipe(seconds, 'ann').face(seconds + 0.5, 'ann', 'front', 1.5);
    expect(entrance.told).toEqual(['superseded:ann', 'superseded:ann', '!lockout']);
    // The third claim was open when the lock fell: the right face comes too late for it.
    expect(entrance.face(3.8, 'ann').told.at(-1)).toBe('locked-out:ann');
  });

  test('a failure counts for what the same event would still bring about', () => {
    const entrance = new Entrance({
      schedules: { late: { weekly: [{ days: ['mon'], from: '12:01', to: '20:00' }] } },
      doors: { front: { modes: [{ schedule: 'late', mode: 'card-only' }] } },
      lockout: { reader: { failures: 1, withinSeconds: 60, forSeconds: 30 } },
    });
    // A wrong face under the old rules, then, as the card becomes enough, the card: it closes the claim and would open.
    entrance.swipe(59, 'ann').face(59.5, 'ann', 'front', 1.5).swipe(60, 'bob');
    expect(entrance.told).toEqual(['superseded:ann', 'locked-out:bob', '!lockout']);
  });

  test('a reader that brings too many swipes is refused, and hammering does not help', () => {
    const entrance = new Entrance({ rateLimit: { swipes: 2, perSeconds: 10 } });
    for (const seconds of [1, 2, 3, 8, 12.5, 18.5]) entrance.swipe(seconds, 'ann');
    expect(entrance.told).toEqual([
      'superseded:ann',
      'rate-limited:ann',
      'no-face:ann',
      'rate-limited:ann',
      'rate-limited:ann',
    ]);
    expect(entrance.face(19, 'ann').told.at(-1)).toBe('match:ann');
  });

  test('duress opens as any other day, and is told to those who watch', () => {
    const calm = new Entrance({}).enter(1, 'ann');
    const forced = new Entrance({}).swipe(1, 'ann', 'front', true).face(1.5, 'ann');
    expect(forced.told).toEqual(['!duress', 'match:ann']);
    expect(calm.told).toEqual(['match:ann']);
    expect(forced.state).toEqual(calm.state);
  });

  test('a lost state lets nobody in until it is reset, and says so once', () => {
    const entrance = new Entrance({});
    entrance.state = LOST_STATE;
    entrance.enter(1, 'ann').tick(2).order(3, { type: 'release', doors: null }).swipe(4, 'ann');
    expect(entrance.told).toEqual(['policy-unknown:ann', '!policy-unknown', '!policy-unknown', 'policy-unknown:ann']);
    expect(entrance.order(5, { type: 'reset' }).enter(6, 'ann').told.at(-1)).toBe('match:ann');
  });
});

describe('a door contact', () => {
  const contact = (open: boolean): PolicyEvent => ({ type: 'contact', door: 'front', open });
  const cases: [string, (entrance: Entrance) => Entrance, string[]][] = [
    ['opened after a grant', (e) => e.enter(1, 'ann').order(3, contact(true)).order(5, contact(false)), ['match:ann']],
    ['opened without', (e) => e.order(1, contact(true)), ['!forced-door']],
    ['opened too long after', (e) => e.enter(1, 'ann').order(9.6, contact(true)), ['match:ann', '!forced-door']],
    [
      'opened after another door’s grant',
      (e) => e.enter(1, 'ann', 'back').order(3, contact(true)),
      ['match:ann', '!forced-door'],
    ],
    [
      'opened after a denial',
      (e) => e.swipe(1, 'nobody').order(2, contact(true)),
      ['unknown-member:-', '!forced-door'],
    ],
    ['opened from inside', (e) => e.order(1, { type: 'exit-request', door: 'front' }).order(2, contact(true)), []],
    ['said twice', (e) => e.order(1, contact(true)).order(2, contact(true)), ['!forced-door']],
    [
      'left open',
      (e) => e.enter(1, 'ann').order(2, contact(true)).tick(32).tick(32.1).tick(99),
      ['match:ann', '!held-open'],
    ],
    [
      'left open after a hold has ended',
      (e) =>
        e
          .order(0, { type: 'hold-open', door: 'back', until: MONDAY + 5000 })
          .order(1, { type: 'contact', door: 'back', open: true })
          .tick(34.9)
          .tick(35.1),
      ['hold-open', '!held-open'],
    ],
  ];
  test.each(cases)('%s', (_, story, told) => expect(story(new Entrance({})).told).toEqual(told));
});
