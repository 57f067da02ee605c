import { type DoorPolicyConfig, type PolicyConfig } from '../../config/schema/policy';
import { type DoorConfig } from '../../config/schema/doors';
import { type DoorMode } from '../door-types';
import { type Schedule, type Span } from './schedule';
import { type DoorRules, type Limit, type PolicyRules, scopeOf } from './types';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const MODES: Readonly<Record<DoorPolicyConfig['modes'][number]['mode'], DoorMode>> = {
  'card-and-face': 'verify',
  'face-only': 'identify',
  'card-only': 'card',
  either: 'either',
};

/** The rules of all doors, from the configuration: times as minutes and ms, names resolved. */
export function compilePolicy(
  policy: PolicyConfig,
  doors: readonly Pick<DoorConfig, 'id' | 'mode' | 'unlockMs'>[],
): PolicyRules {
  const compiled = doors.map((door) => doorRules(door, policy.doors[door.id]));
  const timedScopes = new Map<string, number>();
  for (const door of compiled)
    if (door.antiPassbackMs !== null)
      timedScopes.set(scopeOf(door), Math.max(door.antiPassbackMs, timedScopes.get(scopeOf(door)) ?? 0));
  const { lockout, rateLimit } = policy;
  return {
    zone: policy.timeZone,
    schedules: new Map(
      Object.entries(policy.schedules).map(([name, schedule]) => [name, scheduleOf(name, schedule, policy.holidays)]),
    ),
    doors: new Map(compiled.map((door) => [door.id, door])),
    maxOccupancy: new Map(
      Object.entries(policy.zones).flatMap(([name, { maxOccupancy }]) =>
        maxOccupancy === null ? [] : [[name, maxOccupancy] as const],
      ),
    ),
    timedScopes,
    lockout: { reader: limitOf(lockout.reader), member: limitOf(lockout.member), door: limitOf(lockout.door) },
    rate: rateLimit === null ? null : { swipes: rateLimit.swipes, perMs: rateLimit.perSeconds * 1000 },
    presenceResetAt: policy.presenceResetAt === null ? null : minutesOf(policy.presenceResetAt),
  };
}

function doorRules(
  door: Pick<DoorConfig, 'id' | 'mode' | 'unlockMs'>,
  policy: DoorPolicyConfig | undefined,
): DoorRules {
  const { antiPassback, twoPerson, contact } = policy ?? {};
  return {
    id: door.id,
    unlockMs: door.unlockMs,
    mode: door.mode,
    modes: (policy?.modes ?? []).map(({ schedule, mode }) => ({ schedule, mode: MODES[mode] })),
    rights: policy?.rights ?? null,
    passage: policy?.passage ?? null,
    zoneAntiPassback: antiPassback?.zones ?? false,
    antiPassbackMs: typeof antiPassback?.minutes === 'number' ? antiPassback.minutes * 60_000 : null,
    twoPerson:
      twoPerson === undefined
        ? null
        : { schedule: twoPerson.schedule ?? null, windowMs: twoPerson.windowSeconds * 1000 },
    heldOpenMs: (contact?.heldOpenSeconds ?? 30) * 1000,
    graceMs: (contact?.graceSeconds ?? 5) * 1000,
  };
}

function scheduleOf(
  name: string,
  { weekly: spans, holidays: observance }: PolicyConfig['schedules'][string],
  holidays: PolicyConfig['holidays'],
): Schedule {
  const weekly = DAYS.map((day) => spans.filter(({ days }) => days.includes(day)).map(spanOf));
  if (observance === 'ignored') return { weekly, special: new Map() };
  const concerning = holidays.filter(({ schedules }) => schedules?.includes(name) ?? true);
  return { weekly, special: new Map(concerning.map((holiday) => [holiday.date, holiday.spans.map(spanOf)])) };
}

function spanOf({ from, to }: { readonly from: string; readonly to: string }): Span {
  const begin = minutesOf(from);
  const end = minutesOf(to);
  return { from: begin, to: end > begin ? end : end + 24 * 60 };
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

function limitOf(limit: PolicyConfig['lockout']['reader']): Limit | null {
  if (limit === null) return null;
  return { failures: limit.failures, withinMs: limit.withinSeconds * 1000, forMs: limit.forSeconds * 1000 };
}
