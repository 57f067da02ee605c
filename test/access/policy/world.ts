import { type Random, seededRandom } from '../../../src/random';
import { PolicyConfig } from '../../../src/config/schema/policy';
import { type MemberRights } from '../../../src/access/policy/types';

/** A small world drawn from a seed: the rules, the members, and what happens, all as data that can be cut down and replayed. */

export interface WorldDoor {
  readonly id: string;
  readonly mode: 'verify' | 'identify' | 'either';
  readonly unlockMs: number;
  readonly readers: readonly string[];
}

export type Happening = { readonly dt: number } & (
  | { readonly do: 'swipe'; readonly door: number; readonly card: string }
  | {
      readonly do: 'face';
      readonly door: number;
      readonly track: number;
      readonly lag: number;
      readonly who: string;
      readonly distance: number;
      readonly frameDistance: number;
      readonly gap: number;
    }
  | { readonly do: 'camera' | 'store'; readonly door: number; readonly on: boolean }
  | { readonly do: 'tick' | 'empty' | 'shutdown' | 'exit-request' | 'close'; readonly door: number }
  | { readonly do: 'contact'; readonly door: number; readonly open: boolean }
  | {
      readonly do: 'lockdown';
      readonly door: number | null;
      readonly groups: readonly string[];
      readonly forMs: number | null;
    }
  | { readonly do: 'release'; readonly door: number | null }
  | { readonly do: 'hold-open'; readonly door: number; readonly forMs: number }
  | { readonly do: 'place'; readonly member: string; readonly zone: string }
  | { readonly do: 'clear-lockout'; readonly kind: 'reader' | 'member' | 'door'; readonly id: string }
  | { readonly do: 'forget'; readonly member: string }
  | { readonly do: 'reset' | 'withhold-next' }
  | { readonly do: 'restart'; readonly how: 'same-boot' | 'reboot' | 'corrupt' }
  | { readonly do: 'rights'; readonly member: string; readonly rights: MemberRights | 'unreadable' | null }
  | { readonly do: 'clock'; readonly jumpMs: number; readonly known: boolean }
);

export interface World {
  readonly seed: number;
  readonly policy: PolicyConfig;
  readonly doors: readonly WorldDoor[];
  readonly rights: ReadonlyMap<string, MemberRights>;
  readonly votes: number;
  readonly startWall: number;
  readonly happenings: readonly Happening[];
}

export const MEMBERS = ['ann', 'bob', 'cat', 'dan'] as const;
export const GROUPS = ['staff', 'day'] as const;
const SCHEDULES = ['opening', 'night'] as const;
const ZONES = ['hall', 'pool'] as const;
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const HOUR = 3_600_000;

/** Zones and days, most of them with a change of the clock among them; some of the times below fall into the hour it skips. */
export const PLACES: readonly { readonly zone: string; readonly from: number }[] = [
  { zone: 'UTC', from: Date.UTC(2026, 11, 23) },
  { zone: 'Europe/Berlin', from: Date.UTC(2026, 2, 28) },
  { zone: 'Europe/Berlin', from: Date.UTC(2026, 9, 24) },
  { zone: 'America/New_York', from: Date.UTC(2026, 9, 31) },
  { zone: 'Australia/Lord_Howe', from: Date.UTC(2027, 3, 3) },
  { zone: 'Australia/Lord_Howe', from: Date.UTC(2027, 9, 1) },
  { zone: 'America/Havana', from: Date.UTC(2027, 2, 13) },
  { zone: 'Africa/Cairo', from: Date.UTC(2027, 3, 29) },
  { zone: 'Asia/Kathmandu', from: Date.UTC(2027, 0, 1) },
];
const TIMES = [
  '00:00',
  '00:20',
  '01:00',
  '01:30',
  '02:10',
  '02:30',
  '03:30',
  '04:00',
  '06:00',
  '09:30',
  '12:00',
  '18:15',
  '22:00',
  '23:45',
] as const;

export function drawWorld(seed: number): World {
  const random = seededRandom(seed);
  const draw = new Draw(random);
  const place = draw.from(PLACES);
  const doors: WorldDoor[] = Array.from({ length: 1 + random.below(3) }, (_, index) => ({
    id: `d${index}`,
    mode: draw.from(['verify', 'identify', 'either'] as const),
    unlockMs: draw.from([1000, 3000]),
    readers: [`r${index}`],
  }));
  const startWall = place.from + Math.floor(random.next() * 3 * 24 * HOUR);
  // The zone is set afterwards: to look it up anew for each of a million worlds takes longer than to play them.
  const policy: PolicyConfig = { ...PolicyConfig.parse(drawPolicy(draw, doors, place.from)), timeZone: place.zone };
  const rights = new Map(MEMBERS.map((member) => [member, drawRights(draw, startWall)]));
  const happenings: Happening[] = [];
  const length = 15 + random.below(35);
  while (happenings.length < length) happenings.push(...drawEpisode(draw, doors, startWall));
  return { seed, policy, doors, rights, votes: 1 + random.below(3), startWall, happenings };
}

class Draw {
  constructor(readonly random: Random) {}

  chance(p: number): boolean {
    return this.random.next() < p;
  }

  from<const T>(values: readonly T[]): T {
    const value = values[this.random.below(values.length)];
    if (value === undefined) throw new RangeError('nothing to draw from');
    return value;
  }

  some<const T>(values: readonly T[]): T[] {
    return values.filter(() => this.chance(0.5));
  }
}

function drawPolicy(draw: Draw, doors: readonly WorldDoor[], from: number): object {
  const { random } = draw;
  const span = (): { from: string; to: string } => {
    const begin = draw.from(TIMES);
    const end = draw.from([...TIMES, '24:00'] as const);
    return begin === end ? { from: '00:00', to: '24:00' } : { from: begin, to: end };
  };
  const limit = (): object | null =>
    draw.chance(0.6)
      ? null
      : {
          failures: 1 + random.below(3),
          withinSeconds: draw.from([5, 60, 600]),
          forSeconds: draw.from([5, 60, 600]),
        };
  const date = (): string => {
    const iso = new Date(from + random.below(5) * 24 * HOUR).toISOString().slice(0, 10);
    return draw.chance(0.5) ? iso : iso.slice(5);
  };
  const dates = [...new Set([date(), date(), date()])];
  return {
    schedules: Object.fromEntries(
      SCHEDULES.map((name) => [
        name,
        {
          weekly: Array.from({ length: 1 + random.below(3) }, () => ({
            days: draw.chance(0.5) ? DAYS : [...new Set([draw.from(DAYS), ...draw.some(DAYS)])],
            ...span(),
          })),
          holidays: draw.from(['observed', 'ignored']),
        },
      ]),
    ),
    holidays: draw.chance(0.4)
      ? dates.map((each) => ({
          date: each,
          spans: draw.chance(0.5) ? [] : [span()],
          ...(draw.chance(0.3) ? { schedules: draw.some(SCHEDULES) } : {}),
        }))
      : [],
    zones: Object.fromEntries(ZONES.map((zone) => [zone, { maxOccupancy: draw.from([null, 1, 2, 3]) }])),
    presenceResetAt: draw.chance(0.2) ? draw.from(['00:00', '04:00', '12:00']) : null,
    doors: Object.fromEntries(doors.filter(() => draw.chance(0.9)).map(({ id }) => [id, drawDoorPolicy(draw)])),
    lockout: { reader: limit(), member: limit(), door: limit() },
    rateLimit: draw.chance(0.8) ? null : { swipes: 1 + random.below(4), perSeconds: draw.from([2, 30]) },
  };
}

function drawDoorPolicy(draw: Draw): object {
  const passage = draw.chance(0.5)
    ? draw.from([
        { from: 'outside', to: 'hall' },
        { from: 'hall', to: 'outside' },
        { from: 'hall', to: 'pool' },
        { from: 'outside', to: 'pool' },
      ])
    : undefined;
  return {
    ...(draw.chance(0.5)
      ? {}
      : {
          rights: Array.from({ length: draw.random.below(4) }, () =>
            draw.chance(0.4)
              ? { everyone: true, schedules: draw.some(SCHEDULES) }
              : draw.chance(0.5)
                ? { groups: [draw.from(GROUPS)], schedules: draw.some(SCHEDULES) }
                : { members: [draw.from(MEMBERS), ...draw.some(MEMBERS)], schedules: draw.some(SCHEDULES) },
          ),
        }),
    modes: draw.chance(0.6)
      ? []
      : draw.some(SCHEDULES).map((schedule) => ({
          schedule,
          mode: draw.from(['card-and-face', 'face-only', 'card-only', 'either']),
        })),
    ...(passage === undefined ? {} : { passage }),
    antiPassback: {
      zones: passage !== undefined && draw.chance(0.5),
      minutes: draw.chance(0.7) ? null : draw.from([0.1, 1, 30]),
    },
    ...(draw.chance(0.75)
      ? {}
      : {
          twoPerson: {
            ...(draw.chance(0.5) ? { schedule: draw.from(SCHEDULES) } : {}),
            windowSeconds: draw.from([5, 30]),
          },
        }),
    contact: { heldOpenSeconds: draw.from([5, 30]), graceSeconds: draw.from([0, 5]) },
  };
}

function drawRights(draw: Draw, wall: number): MemberRights {
  const near = (): number => wall + Math.floor((draw.random.next() - 0.5) * 4 * HOUR);
  return {
    groups: draw.some(GROUPS),
    validFrom: draw.chance(0.85) ? null : near(),
    validUntil: draw.chance(0.85) ? null : near(),
  };
}

/** Somebody at a door, or one thing that happens otherwise. */
function drawEpisode(draw: Draw, doors: readonly WorldDoor[], wall: number): Happening[] {
  const { random } = draw;
  const door = random.below(doors.length);
  const pause = (): number =>
    draw.chance(0.75) ? random.below(6000) : draw.chance(0.8) ? random.below(120_000) : random.below(8 * HOUR);
  if (draw.chance(0.65)) return drawVisit(draw, door, pause());
  const dt = pause();
  const anyDoor = draw.chance(0.5) ? null : door;
  switch (random.below(20)) {
    case 0:
      return [{ do: 'camera', dt, door, on: draw.chance(0.7) }];
    case 1:
      return [{ do: 'store', dt, door, on: draw.chance(0.7) }];
    case 2:
    case 3:
      return [{ do: 'contact', dt, door, open: draw.chance(0.5) }];
    case 4:
      return [{ do: 'exit-request', dt, door }];
    case 5:
      return [
        {
          do: 'lockdown',
          dt,
          door: anyDoor,
          groups: draw.chance(0.5) ? [] : [draw.from(GROUPS)],
          forMs: draw.chance(0.3) ? null : random.below(60_000) - 2000,
        },
      ];
    case 6:
    case 7:
      return [{ do: 'release', dt, door: anyDoor }];
    case 8:
      return [{ do: 'hold-open', dt, door, forMs: random.below(90_000) - 1000 }];
    case 9:
      return [{ do: 'close', dt, door }];
    case 10:
      return [{ do: 'place', dt, member: draw.from(MEMBERS), zone: draw.from([...ZONES, 'outside'] as const) }];
    case 11:
      return [
        draw.from([
          { do: 'clear-lockout', dt, kind: 'reader', id: `r${door}` },
          { do: 'clear-lockout', dt, kind: 'door', id: `d${door}` },
          { do: 'clear-lockout', dt, kind: 'member', id: draw.from(MEMBERS) },
        ]),
      ];
    case 12:
      return [draw.chance(0.5) ? { do: 'reset', dt } : { do: 'forget', dt, member: draw.from(MEMBERS) }];
    case 13:
      return [
        { do: 'restart', dt, how: draw.from(['same-boot', 'same-boot', 'reboot', 'reboot', 'corrupt'] as const) },
        ...(draw.chance(0.7) ? [{ do: 'reset' as const, dt: random.below(20_000) }] : []),
      ];
    case 14:
    case 15:
      return [
        {
          do: 'rights',
          dt,
          member: draw.from(MEMBERS),
          rights: draw.chance(0.8) ? drawRights(draw, wall) : draw.from([null, 'unreadable'] as const),
        },
      ];
    case 16:
      return [
        { do: 'clock', dt, jumpMs: draw.chance(0.5) ? 0 : random.below(2 * HOUR) - HOUR, known: draw.chance(0.7) },
      ];
    case 17:
      return [{ do: 'withhold-next', dt }];
    case 18:
      return [{ do: 'shutdown', dt, door }];
    default:
      return [{ do: 'tick', dt, door }];
  }
}

function drawVisit(draw: Draw, door: number, dt: number): Happening[] {
  const { random } = draw;
  const who = draw.from([...MEMBERS, ...MEMBERS, 'stranger']);
  const happenings: Happening[] = [];
  const withCard = draw.chance(0.65);
  if (withCard)
    happenings.push({
      do: 'swipe',
      dt,
      door,
      card: draw.chance(0.85) ? who : draw.from([...MEMBERS, 'duress-ann', 'no-face', 'suspended', 'nobody']),
    });
  const track = random.below(50);
  const frames = random.below(5);
  const good = draw.chance(0.8);
  for (let frame = 0; frame < frames; frame++)
    happenings.push({
      do: 'face',
      dt: frame === 0 && !withCard ? dt : 50 + random.below(draw.chance(0.9) ? 300 : 3000),
      door,
      track: draw.chance(0.95) ? track : random.below(50),
      lag: draw.chance(0.9) ? 0 : random.below(400),
      who,
      distance: good ? 0.8 : draw.from([0.5, 0.95, 1.05, 1.2, 1.5, NaN]),
      frameDistance: good ? 0.9 : draw.from([0.5, 1.2, 1.4, NaN]),
      gap: draw.chance(0.9) ? 0.5 : 0.05,
    });
  if (draw.chance(0.2)) happenings.push({ do: 'empty', dt: random.below(2000), door });
  if (draw.chance(0.2)) happenings.push({ do: 'tick', dt: random.below(6000), door });
  return happenings;
}
