import { type Decision, type FaceEvidence, type Nearness } from '../../../src/access/door-types';
import { type DoorPolicyConfig } from '../../../src/config/schema/policy';
import { Almanac, shift } from './almanac';
import { type World, type WorldDoor } from './world';
import { type MemberRights } from '../../../src/access/policy/types';

/**
 * What the rules say, written from the rules: it keeps a diary of all that happened and looks everything up in it, where the
 * code under test keeps a state and carries it on. From `src` it takes types, the configuration's and a decision's.
 *
 * `t` is the time that is known to have passed since the world began, in ms: restarts of the machine do not turn it back.
 */
export const POLICY_REASONS: ReadonlySet<string> = new Set([
  'lockdown',
  'locked-out',
  'rate-limited',
  'policy-unknown',
  'member-suspended',
  'clock-unknown',
  'not-yet-valid',
  'no-longer-valid',
  'no-right',
  'outside-schedule',
  'anti-passback',
  'zone-full',
  'second-person',
]);

export const VERIFY = 1.1;
export const IDENTIFY = 1.0;
export const FRAME = 1.3;
export const MARGIN = 0.1;
export const VOTE_WINDOW = 1000;
export const COOLDOWN = 2000;

interface Moment {
  readonly t: number;
  /** Epoch ms, or null. */
  readonly wall: number | null;
}

type Page =
  | {
      readonly kind: 'passage';
      readonly t: number;
      readonly door: string;
      readonly members: readonly string[];
      withheld: boolean;
    }
  | { readonly kind: 'placed'; readonly t: number; readonly member: string; readonly zone: string }
  | { readonly kind: 'forgotten'; readonly t: number; readonly member: string }
  | { readonly kind: 'everybody-out'; readonly t: number }
  | { readonly kind: 'failure'; readonly t: number; readonly keys: readonly string[] }
  | { readonly kind: 'forgiven' | 'unlocked'; readonly t: number; readonly key: string }
  | { readonly kind: 'swiped'; readonly t: number; readonly reader: string }
  | { readonly kind: 'first'; readonly t: number; readonly door: string; readonly member: string }
  | { readonly kind: 'first-gone'; readonly t: number; readonly door: string | null }
  | {
      readonly kind: 'locked-down';
      readonly t: number;
      readonly door: string;
      readonly groups: readonly string[];
      readonly end: number;
    }
  | { readonly kind: 'released'; readonly t: number; readonly door: string }
  | { readonly kind: 'begun-anew' | 'lost'; readonly t: number };

interface Frame {
  readonly at: number;
  readonly track: number;
  readonly evidence: FaceEvidence;
  readonly mode: string;
  readonly wasClaimed: boolean;
}

export class Oracle {
  private diary: Page[] = [];
  private lost = false;
  private resetMark: string | null = null;
  private readonly almanac: Almanac;
  private readonly frames = new Map<string, Frame[]>();
  private readonly cooldown = new Map<string, number>();
  readonly holds = new Map<string, number>();
  readonly rights = new Map<string, MemberRights | 'unreadable' | null>();

  constructor(private readonly world: World) {
    this.almanac = Almanac.around(world.policy.timeZone, Math.floor(world.startWall / 86_400_000) * 86_400_000);
    for (const [member, rights] of world.rights) this.rights.set(member, rights);
  }

  /** Whether the almanac knows the days around this moment; a world that runs out of it ends. */
  covers(wall: number): boolean {
    return this.almanac.covers(wall);
  }

  /** Time passes: what is due at an hour of the day. */
  advance({ t, wall }: Moment): void {
    for (const [door, end] of this.holds) if (t >= end) this.holds.delete(door);
    const at = this.world.policy.presenceResetAt;
    const text = this.shown(wall);
    if (at === null || text === null) return;
    const mark = text.slice(11) >= at ? text.slice(0, 10) : shift(text.slice(0, 10), -1);
    if (this.resetMark !== null && mark <= this.resetMark) return;
    if (this.resetMark !== null) this.diary.push({ kind: 'everybody-out', t });
    this.resetMark = mark;
  }

  swiped(t: number, reader: string): void {
    this.diary.push({ kind: 'swiped', t, reader });
  }

  sawFace(door: string, frame: Frame): void {
    const frames = this.frames.get(door) ?? [];
    frames.push(frame);
    this.frames.set(door, frames.slice(-60));
  }

  decided(door: WorldDoor, decision: Decision, now: Moment): void {
    const { member } = decision;
    if (decision.outcome === 'denied') {
      if (decision.reason === 'second-person' && member !== null)
        this.diary.push({ kind: 'first', t: now.t, door: door.id, member });
      const hidden = decision.reason === 'superseded' && decision.votes === 0 && decision.distance !== null;
      if (hidden || ['mismatch', 'unknown-face', 'unknown-member'].includes(decision.reason))
        this.diary.push({
          kind: 'failure',
          t: now.t,
          keys: [
            ...(decision.reader === null ? [] : [`reader:${decision.reader}`]),
            ...(member === null ? [] : [`member:${member}`]),
            `door:${door.id}`,
          ],
        });
      return;
    }
    if (member === null) return;
    const first = this.twoNeeded(door, now) ? this.firstAt(door, now.t) : null;
    const members = first === null || first === member ? [member] : [first, member];
    this.diary.push({ kind: 'passage', t: now.t, door: door.id, members, withheld: false });
    for (const each of members) this.diary.push({ kind: 'forgiven', t: now.t, key: `member:${each}` });
    this.diary.push({ kind: 'first-gone', t: now.t, door: door.id });
    this.cooldown.set(door.id, decision.at + COOLDOWN);
  }

  withheld(): void {
    const last = this.diary.findLast((page) => page.kind === 'passage');
    if (last === undefined) return;
    last.withheld = true;
    this.cooldown.delete(last.door);
  }

  /** @returns whether the order is to be followed */
  lockedDown(doors: readonly WorldDoor[], groups: readonly string[], until: number | null, now: Moment): boolean {
    const { wall } = now;
    const end = until === null || wall === null || !this.plausible(wall) ? Infinity : now.t + (until - wall);
    if (end <= now.t) return false;
    for (const { id } of doors) {
      this.diary.push({ kind: 'locked-down', t: now.t, door: id, groups, end });
      this.diary.push({ kind: 'first-gone', t: now.t, door: id });
      this.holds.delete(id);
    }
    return true;
  }

  released(doors: readonly WorldDoor[], t: number): void {
    for (const { id } of doors) this.diary.push({ kind: 'released', t, door: id });
  }

  /** @returns whether the order is to be followed */
  heldOpen(door: WorldDoor, until: number, now: Moment): boolean {
    const { wall } = now;
    if (this.lost || this.lockdownAt(door.id, now.t) !== null || wall === null || !this.plausible(wall)) return false;
    if (!(until > wall && until - wall <= 86_400_000)) return false;
    this.holds.set(door.id, now.t + (until - wall));
    return true;
  }

  placed(member: string, zone: string, t: number): void {
    this.diary.push({ kind: 'placed', t, member, zone });
  }

  unlocked(key: string, t: number): void {
    this.diary.push({ kind: 'unlocked', t, key });
  }

  forgotten(member: string, t: number): void {
    this.diary.push({ kind: 'forgotten', t, member }, { kind: 'unlocked', t, key: `member:${member}` });
    for (const door of this.world.doors)
      if (this.firstAt(door, t, Infinity) === member) this.diary.push({ kind: 'first-gone', t, door: door.id });
  }

  begunAnew(t: number): void {
    this.lost = false;
    this.holds.clear();
    this.diary.push({ kind: 'begun-anew', t });
  }

  restarted(how: 'same-boot' | 'reboot' | 'corrupt', t: number): void {
    this.frames.clear();
    this.cooldown.clear();
    if (how === 'same-boot') return;
    this.holds.clear();
    this.diary.push({ kind: 'first-gone', t, door: null });
    if (how !== 'corrupt') return;
    this.lost = true;
    this.diary.push({ kind: 'lost', t });
    this.resetMark = null;
  }

  /** Every rule that a passage would break; none: it may be granted. */
  broken(
    door: WorldDoor,
    reader: string | null,
    member: string | null,
    now: Moment,
    stage: 'swipe' | 'grant',
  ): ReadonlySet<string> {
    const broken = this.brokenAlone(door, reader, member, now);
    const rules = this.rulesOf(door);
    if (stage === 'swipe' || member === null || !this.twoNeeded(door, now)) return broken;
    const first = this.firstAt(door, now.t);
    if (first === null || first === member) broken.add('second-person');
    else {
      if (this.brokenAlone(door, reader, first, now).size > 0) broken.add('second-person');
      if (rules?.passage !== undefined && this.overfull(rules.passage.to, [first, member])) broken.add('zone-full');
    }
    return broken;
  }

  /** Why the evidence does not carry this grant; null: it does. */
  unproven(door: WorldDoor, decision: Decision, storeOpen: boolean, mode: string): string | null {
    if (decision.outcome !== 'granted') return null;
    if (!storeOpen) return 'the store was closed';
    if (decision.at < (this.cooldown.get(door.id) ?? -Infinity)) return 'in the cooldown';
    if (decision.reason === 'card')
      return mode === 'card' && decision.trigger === 'swipe' ? null : 'the card alone, and a face was asked for';
    if (decision.trigger === 'face' && mode !== 'identify' && mode !== 'either') return 'a face alone was not enough';
    const frames = this.frames.get(door.id) ?? [];
    const track = frames.at(-1)?.track;
    const votes = new Set<number>();
    for (const frame of frames) {
      if (frame.track !== track || frame.evidence.kind !== 'encoded') continue;
      if (decision.at - frame.at > VOTE_WINDOW || frame.at > decision.at) continue;
      if (decision.trigger === 'swipe' && frame.at < decision.since) continue;
      const swiped: boolean = decision.trigger === 'swipe';
      if (swiped !== frame.wasClaimed) continue;
      if (!swiped && frame.mode !== 'identify' && frame.mode !== 'either') continue;
      const [best, second] = frame.evidence.nearest;
      const nearness: Nearness | null | undefined = swiped ? frame.evidence.claimed : best;
      if (nearness === null || nearness === undefined || nearness.member !== decision.member) continue;
      if (!(nearness.distance <= (swiped ? VERIFY : IDENTIFY))) continue;
      if (!(nearness.frameDistance <= FRAME)) continue;
      if (!swiped && second !== undefined && !(second.distance - nearness.distance >= MARGIN)) continue;
      votes.add(frame.at);
    }
    return votes.size >= this.world.votes ? null : `${votes.size} votes of ${this.world.votes}`;
  }

  /** What the door asks for. */
  mode(door: WorldDoor, now: Moment): string {
    for (const { schedule, mode } of this.rulesOf(door)?.modes ?? []) {
      const holds = this.inForce(schedule, now.wall);
      if (holds === null) return 'verify';
      if (holds)
        return { 'card-and-face': 'verify', 'face-only': 'identify', 'card-only': 'card', either: 'either' }[mode];
    }
    return door.mode;
  }

  private brokenAlone(door: WorldDoor, reader: string | null, member: string | null, now: Moment): Set<string> {
    const { t, wall } = now;
    const { policy } = this.world;
    const rules = this.rulesOf(door);
    const broken = new Set<string>();
    const rights = member === null ? null : (this.rights.get(member) ?? null);
    const groups = rights === null || rights === 'unreadable' ? [] : rights.groups;
    if (this.lost) broken.add('policy-unknown');
    const lockdown = this.lockdownAt(door.id, t);
    if (lockdown !== null && !lockdown.some((group) => groups.includes(group))) broken.add('lockdown');
    for (const key of [
      `door:${door.id}`,
      ...(reader === null ? [] : [`reader:${reader}`]),
      ...(member === null ? [] : [`member:${member}`]),
    ])
      if (this.isLocked(key, t)) broken.add('locked-out');
    if (reader !== null && policy.rateLimit !== null) {
      const { swipes, perSeconds } = policy.rateLimit;
      const recent = this.current().filter(
        (page) => page.kind === 'swiped' && page.reader === reader && t - page.t < perSeconds * 1000,
      );
      if (recent.length > swipes) broken.add('rate-limited');
    }
    if (member === null) return broken;
    if (rights === null) return broken.add('member-suspended');
    if (rights === 'unreadable') return broken.add('store-unavailable');
    this.addRights(broken, rules, member, rights, wall);
    this.addPassback(broken, door, rules, member, t);
    return broken;
  }

  private addRights(
    broken: Set<string>,
    rules: DoorPolicyConfig | undefined,
    member: string,
    { groups, validFrom, validUntil }: MemberRights,
    wall: number | null,
  ): void {
    const sure = wall !== null && this.plausible(wall);
    if ((validFrom !== null || validUntil !== null) && !sure) broken.add('clock-unknown');
    if (sure && validFrom !== null && wall < validFrom) broken.add('not-yet-valid');
    if (sure && validUntil !== null && wall >= validUntil) broken.add('no-longer-valid');
    if (rules?.rights === undefined) return;
    const own = rules.rights.filter(
      (right) =>
        right.everyone || right.members.includes(member) || right.groups.some((group) => groups.includes(group)),
    );
    if (own.length === 0) broken.add('no-right');
    else if (own.every((right) => right.schedules.length > 0)) {
      if (!sure) broken.add('clock-unknown');
      else if (!own.some((right) => right.schedules.some((name) => this.inForce(name, wall) === true)))
        broken.add('outside-schedule');
    }
  }

  private addPassback(
    broken: Set<string>,
    door: WorldDoor,
    rules: DoorPolicyConfig | undefined,
    member: string,
    t: number,
  ): void {
    if (rules === undefined) return;
    const { passage, antiPassback } = rules;
    if (antiPassback.zones && passage !== undefined && this.zoneOf(member) !== passage.from)
      broken.add('anti-passback');
    const { minutes } = antiPassback;
    if (minutes !== null) {
      const alike = this.world.doors
        .filter(({ id }) =>
          passage === undefined ? id === door.id : this.world.policy.doors[id]?.passage?.to === passage.to,
        )
        .map(({ id }) => id);
      const pages = this.current();
      const forgotten = pages.findLastIndex((page) => page.kind === 'forgotten' && page.member === member);
      const passed = pages
        .slice(forgotten + 1)
        .some(
          (page) =>
            page.kind === 'passage' &&
            !page.withheld &&
            alike.includes(page.door) &&
            page.members.includes(member) &&
            t - page.t < minutes * 60_000,
        );
      if (passed) broken.add('anti-passback');
    }
    if (passage !== undefined && this.overfull(passage.to, [member])) broken.add('zone-full');
  }

  private overfull(zone: string, members: readonly string[]): boolean {
    const limit = this.world.policy.zones[zone]?.maxOccupancy ?? null;
    if (limit === null || members.every((member) => this.zoneOf(member) === zone)) return false;
    const everybody = new Set([...this.rights.keys(), ...members]);
    const inside = [...everybody].filter((member) => members.includes(member) || this.zoneOf(member) === zone);
    return inside.length > limit;
  }

  private zoneOf(member: string): string {
    for (const page of this.current().reverse()) {
      if (page.kind === 'everybody-out' || (page.kind === 'forgotten' && page.member === member)) return 'outside';
      if (page.kind === 'placed' && page.member === member) return page.zone;
      if (page.kind === 'passage' && !page.withheld && page.members.includes(member)) {
        const to = this.world.policy.doors[page.door]?.passage?.to;
        if (to !== undefined) return to;
      }
    }
    return 'outside';
  }

  private isLocked(key: string, t: number): boolean {
    const limit = this.world.policy.lockout[key.slice(0, key.indexOf(':')) as 'reader' | 'member' | 'door'];
    if (limit === null) return false;
    let failures: number[] = [];
    let until = -Infinity;
    for (const page of this.current()) {
      if (page.kind === 'unlocked' && page.key === key) {
        failures = [];
        until = -Infinity;
      } else if (page.kind === 'forgiven' && page.key === key) failures = [];
      else if (page.kind === 'failure' && page.keys.includes(key)) {
        failures.push(page.t);
        if (failures.filter((each) => page.t - each < limit.withinSeconds * 1000).length < limit.failures) continue;
        failures = [];
        until = page.t + limit.forSeconds * 1000;
      }
    }
    return t < until;
  }

  private lockdownAt(door: string, t: number): readonly string[] | null {
    // Neither time that runs out for one of them nor a later order lets in whom another keeps out.
    let since: Extract<Page, { kind: 'locked-down' }>[] = [];
    for (const page of this.diary) {
      if (page.kind === 'lost' || (page.kind === 'released' && page.door === door)) since = [];
      if (page.kind !== 'locked-down' || page.door !== door) continue;
      if (since.every(({ end }) => end <= page.t)) since = [];
      since.push(page);
    }
    if (since.every(({ end }) => end <= t)) return null;
    return since[0]?.groups.filter((group) => since.every(({ groups }) => groups.includes(group))) ?? null;
  }

  private firstAt(door: WorldDoor, t: number, windowMs?: number): string | null {
    const page = this.current().findLast(
      (each) =>
        (each.kind === 'first' && each.door === door.id) ||
        (each.kind === 'first-gone' && (each.door === null || each.door === door.id)),
    );
    const window = windowMs ?? (this.rulesOf(door)?.twoPerson?.windowSeconds ?? 0) * 1000;
    return page?.kind === 'first' && t - page.t <= window ? page.member : null;
  }

  private twoNeeded(door: WorldDoor, { wall }: Moment): boolean {
    const two = this.rulesOf(door)?.twoPerson;
    return two !== undefined && (two.schedule === undefined || this.inForce(two.schedule, wall) !== false);
  }

  /** Since everything was begun anew. */
  private current(): Page[] {
    return this.diary.slice(this.diary.findLastIndex((page) => page.kind === 'begun-anew') + 1);
  }

  private inForce(name: string, wall: number | null): boolean | null {
    if (wall === null || !this.plausible(wall)) return null;
    return this.almanac.inForce(this.world.policy, name, wall);
  }

  private shown(wall: number | null): string | null {
    return wall === null || !this.plausible(wall) ? null : this.almanac.read(wall);
  }

  private plausible(wall: number): boolean {
    return new Date(wall).getUTCFullYear() >= 2025;
  }

  private rulesOf(door: WorldDoor): DoorPolicyConfig | undefined {
    return this.world.policy.doors[door.id];
  }
}
