import {
  CLOSED_DOOR,
  type Decision,
  type DoorEvent,
  type DoorSettings,
  type DoorState,
  type FaceEvidence,
  type MemberStanding,
} from '../../../src/access/door-types';
import { modeAt } from '../../../src/access/policy/clock';
import { stepEntrance } from '../../../src/access/door/entrance';
import { parsePolicyState, serialisePolicyState } from '../../../src/access/policy/persist';
import { stepPolicy } from '../../../src/access/policy/policy';
import { compilePolicy } from '../../../src/access/policy/rules';
import {
  type Alarm,
  FIRST_STATE,
  type PolicyDecision,
  type PolicyEvent,
  type PolicyState,
} from '../../../src/access/policy/types';
import { ContactOracle } from './contact-oracle';
import { COOLDOWN, FRAME, IDENTIFY, MARGIN, Oracle, POLICY_REASONS, VERIFY, VOTE_WINDOW } from './oracle';
import { type Happening, MEMBERS, type World, type WorldDoor } from './world';

/** Plays a world through the automata and the policy, with the oracle looking on. */

export type Tally = Map<string, number>;

const ACTIVE = { groups: [], validFrom: null, validUntil: null };

/** @returns what went wrong, or null */
export function play(world: World, tally?: Tally): string | null {
  try {
    new Play(world, tally ?? new Map<string, number>()).run();
    return null;
  } catch (error) {
    if (error instanceof Violation) return error.message;
    throw error;
  }
}

export class Violation extends Error {}

class Play {
  private readonly oracle: Oracle;
  private readonly contacts: ContactOracle;
  private readonly rules;
  private readonly doors: DoorState[];
  private readonly storeOpen: boolean[];
  private policy: PolicyState = FIRST_STATE;
  private t = 0;
  private monoBase = 1_000_000;
  private wallOffset = 0;
  private wallKnown = true;
  private machineBoot = 'boot-0';
  private withholdNext = false;

  constructor(
    private readonly world: World,
    private readonly tally: Tally,
  ) {
    this.oracle = new Oracle(world);
    this.contacts = new ContactOracle(world);
    this.oracle.rights.set('eve', ACTIVE);
    this.rules = compilePolicy(world.policy, world.doors);
    this.doors = world.doors.map(() => ({ ...CLOSED_DOOR, cameraLive: true }));
    this.storeOpen = world.doors.map(() => true);
  }

  run(): void {
    this.world.happenings.forEach((happening, index) => {
      this.t += happening.dt;
      if (!this.oracle.covers(this.trueWall())) return;
      try {
        this.happen(happening);
      } catch (error) {
        if (error instanceof Violation)
          throw new Violation(
            `seed ${this.world.seed}, happening ${index} ${JSON.stringify(happening)}: ${error.message}`,
          );
        throw error;
      }
    });
  }

  private happen(happening: Happening): void {
    const { world, oracle, t } = this;
    const wall = this.now().wall;
    const all = (door: number | null): readonly WorldDoor[] =>
      door === null ? world.doors : world.doors.filter((_, index) => index === door);
    const names = (door: number | null): readonly string[] | null =>
      door === null ? null : all(door).map(({ id }) => id);
    switch (happening.do) {
      case 'swipe':
        return this.swipe(happening.door, happening.card);
      case 'face':
        return this.face(happening);
      case 'camera':
        this.atDoor(happening.door, { type: 'camera', at: this.mono(), live: happening.on });
        return;
      case 'store':
        this.storeOpen[happening.door] = happening.on;
        this.atDoor(happening.door, { type: 'store', at: this.mono(), available: happening.on });
        return;
      case 'tick':
      case 'empty':
      case 'shutdown':
        this.atDoor(happening.door, { type: happening.do, at: this.mono() });
        return;
      case 'exit-request':
        this.order({ type: 'exit-request', door: this.door(happening.door).id });
        return this.contacts.excuse(this.door(happening.door).id, t);
      case 'close':
        this.order({ type: 'close', door: this.door(happening.door).id });
        oracle.holds.delete(this.door(happening.door).id);
        return;
      case 'contact':
        return this.contact(this.door(happening.door).id, happening.open);
      case 'lockdown': {
        const until = happening.forMs === null ? null : this.trueWall() + happening.forMs;
        const { refused } = this.order({
          ...{ type: 'lockdown', doors: names(happening.door), groups: happening.groups, until },
        });
        const followed = oracle.lockedDown(all(happening.door), happening.groups, until, { t, wall });
        if (followed !== (refused === null)) fail(`lockdown was ${refused ?? 'followed'}`);
        return;
      }
      case 'release':
        this.order({ type: 'release', doors: names(happening.door) });
        return oracle.released(all(happening.door), t);
      case 'hold-open':
        return this.holdOpen(this.door(happening.door), this.trueWall() + happening.forMs);
      case 'place':
        this.order({ type: 'place', member: happening.member, zone: happening.zone });
        return oracle.placed(happening.member, happening.zone, t);
      case 'clear-lockout':
        this.order({ type: 'clear-lockout', kind: happening.kind, id: happening.id });
        return oracle.unlocked(`${happening.kind}:${happening.id}`, t);
      case 'forget':
        this.order({ type: 'forget', member: happening.member });
        return oracle.forgotten(happening.member, t);
      case 'reset':
        this.order({ type: 'reset' });
        return oracle.begunAnew(t);
      case 'withhold-next':
        this.withholdNext = true;
        return;
      case 'restart':
        return this.restart(happening.how);
      case 'rights':
        oracle.rights.set(happening.member, happening.rights);
        return;
      case 'clock':
        this.wallOffset += happening.jumpMs;
        this.wallKnown = happening.known;
        return;
    }
  }

  private contact(door: string, open: boolean): void {
    const { alarms } = this.order({ type: 'contact', door, open });
    const forced = alarms.some(({ kind }) => kind === 'forced-door');
    const due = this.contacts.said(door, open, this.t);
    if (due !== null && forced !== due)
      fail(forced ? 'a forced door that was none' : 'a forced door that nobody noticed');
  }

  private swipe(index: number, card: string): void {
    const door = this.door(index);
    const reader = door.readers[0] ?? '';
    const standing = this.standing(card);
    this.oracle.advance({ t: this.t, wall: this.now().wall });
    this.oracle.swiped(this.t, reader);
    const { alarms } = this.atDoor(index, { type: 'swipe', at: this.mono(), reader, standing });
    const duress = alarms.filter(({ kind }) => kind === 'duress').length;
    if (duress !== (card.startsWith('duress') ? 1 : 0)) fail(`${duress} duress alarms`);
  }

  private standing(card: string): MemberStanding {
    if (card === 'no-face') return { kind: 'refused', member: 'eve', reason: 'no-template' };
    if (card === 'suspended') return { kind: 'refused', member: 'sue', reason: 'member-suspended' };
    const duress = card.startsWith('duress-');
    const member = duress ? card.slice('duress-'.length) : card;
    if (!(MEMBERS as readonly string[]).includes(member))
      return { kind: 'refused', member: null, reason: 'unknown-member' };
    return { kind: 'active', member, duress };
  }

  private face(happening: Extract<Happening, { do: 'face' }>): void {
    const { door: index, who, distance, frameDistance, gap, track } = happening;
    const door = this.door(index);
    const at = this.mono() - happening.lag;
    const claim = this.doors[index]?.claim ?? null;
    const other = MEMBERS.find((member) => member !== who) ?? 'bob';
    const stranger = who === 'stranger';
    const evidence: FaceEvidence =
      claim !== null
        ? {
            kind: 'encoded',
            nearest: [],
            claimed: { member: claim.member, distance: claim.member === who ? distance : 1.6, frameDistance },
          }
        : {
            kind: 'encoded',
            nearest: [
              { member: stranger ? other : who, distance: stranger ? 1.5 : distance, frameDistance },
              { member: stranger ? 'dan' : other, distance: (stranger ? 1.5 : distance) + gap, frameDistance },
            ],
            claimed: null,
          };
    const mode = this.oracle.mode(door, { t: this.t, wall: this.now().wall });
    // A claim that has run out is settled before the frame is looked at: then the frame is no answer to it.
    const wasClaimed = claim !== null && at - claim.since <= this.settings(index).deadlineMs;
    this.oracle.sawFace(door.id, { at, track, evidence, mode, wasClaimed });
    this.atDoor(index, { type: 'face', at, track, evidence });
  }

  private atDoor(index: number, event: DoorEvent): { alarms: readonly Alarm[] } {
    const door = this.door(index);
    const state = this.doors[index] ?? CLOSED_DOOR;
    const now = { t: this.t, wall: this.now().wall };
    this.oracle.advance(now);
    const settings = this.settings(index);
    const mode = this.oracle.mode(door, now);
    if (mode !== settings.mode) fail(`asks for ${settings.mode}, and should ask for ${mode}`);
    const stepped = stepEntrance(door.id, state, this.policy, event, settings, this.context());
    this.doors[index] = stepped.door;
    this.policy = stepped.policy;
    this.judgeOrdered(stepped.ordered);
    this.count(stepped.alarms);
    for (const decision of stepped.decisions) this.judge(index, door, decision, mode);
    return stepped;
  }

  private judge(index: number, door: WorldDoor, decision: Decision, mode: string): void {
    const now = { t: this.t, wall: this.now().wall };
    const key = `${decision.outcome} ${decision.reason}`;
    this.tally.set(key, (this.tally.get(key) ?? 0) + 1);
    const asked = [...this.oracle.broken(door, decision.reader, decision.member, now, 'grant')];
    if (decision.outcome === 'granted') {
      if (asked.length > 0)
        fail(`${decision.member ?? 'nobody'} was let in by ${decision.reason} against ${asked.join(', ')}`);
      const unproven = this.oracle.unproven(door, decision, this.storeOpen[index] ?? false, mode);
      if (unproven !== null) fail(`let in by ${decision.reason}: ${unproven}`);
    } else if (POLICY_REASONS.has(decision.reason) && decision.member !== 'sue' && !asked.includes(decision.reason))
      fail(
        `${decision.member ?? 'nobody'} was refused for ${decision.reason}, and what was broken is: ${asked.join(', ') || 'nothing'}`,
      );
    this.oracle.decided(door, decision, now);
    if (decision.outcome === 'granted') this.contacts.excuse(door.id, this.t);
    if (decision.outcome !== 'granted' || !this.withholdNext) return;
    this.withholdNext = false;
    this.oracle.withheld();
    this.contacts.withheld(door.id);
    this.atDoor(index, { type: 'withheld', at: this.mono() });
  }

  private order(event: PolicyEvent): { alarms: readonly Alarm[]; refused: string | null } {
    this.oracle.advance({ t: this.t, wall: this.now().wall });
    const stepped = stepPolicy(this.policy, event, this.context());
    this.policy = stepped.state;
    this.judgeOrdered(stepped.decisions);
    this.count(stepped.alarms);
    return stepped;
  }

  private holdOpen(door: WorldDoor, until: number): void {
    const now = { t: this.t, wall: this.now().wall };
    // What an earlier order still asks for is judged by that order.
    this.order({ type: 'tick' });
    const stepped = stepPolicy(this.policy, { type: 'hold-open', door: door.id, until }, this.context());
    this.policy = stepped.state;
    const followed = this.oracle.heldOpen(door, until, now);
    if (followed !== (stepped.refused === null)) fail(`hold-open was ${stepped.refused ?? 'followed'}`);
    this.judgeOrdered(stepped.decisions);
    this.count(stepped.alarms);
  }

  private judgeOrdered(ordered: readonly PolicyDecision[]): void {
    for (const { door, decision } of ordered) {
      if (decision.outcome !== 'granted' || decision.reason !== 'hold-open') fail(`an order led to ${decision.reason}`);
      else {
        this.tally.set('granted hold-open', (this.tally.get('granted hold-open') ?? 0) + 1);
        const end = this.oracle.holds.get(door);
        if (end === undefined || this.t >= end) fail('held open without an order');
        else if (decision.unlockMs > Math.ceil(end - this.t)) fail('held open for longer than ordered');
      }
    }
  }

  private restart(how: 'same-boot' | 'reboot' | 'corrupt'): void {
    const { wall, mono } = this.now();
    const text = serialisePolicyState(this.policy, { wall, mono, machineBoot: this.machineBoot });
    if (how === 'reboot') {
      this.monoBase = 5000 - this.t;
      this.machineBoot = `boot-${this.t}`;
      // Away for a while. What nobody can measure counts as no time at all.
      const awayMs = 40_000;
      if (wall === null) this.wallOffset += awayMs;
      else this.t += awayMs;
    }
    this.policy = parsePolicyState(how === 'corrupt' ? text.slice(1) : text, {
      ...this.now(),
      machineBoot: this.machineBoot,
    });
    this.doors.forEach((_, index) => {
      this.doors[index] = { ...CLOSED_DOOR, cameraLive: true };
      this.storeOpen[index] = true;
    });
    this.oracle.restarted(how, this.t);
    if (how === 'reboot') this.contacts.rebooted();
    if (how === 'corrupt') this.contacts.forget();
  }

  private count(alarms: readonly Alarm[]): void {
    for (const [door, end] of this.oracle.holds) this.contacts.held(door, end);
    const due = this.contacts.standingOpen(this.t);
    const raised = alarms.filter(({ kind, door }) => kind === 'held-open' && this.contacts.judges(door));
    if (raised.map(({ door }) => door).join() !== due.join())
      fail(`standing open: ${due.join()}; alarms: ${JSON.stringify(raised)}`);
    for (const { kind } of alarms) this.tally.set(`alarm ${kind}`, (this.tally.get(`alarm ${kind}`) ?? 0) + 1);
  }

  private door(index: number): WorldDoor {
    const door = this.world.doors[index];
    if (door === undefined) throw new RangeError(`no door ${index}`);
    return door;
  }

  private settings(index: number): DoorSettings {
    const rules = this.rules.doors.get(this.door(index).id);
    if (rules === undefined) throw new RangeError('a door without rules');
    return {
      mode: modeAt(this.rules, rules, this.now()),
      verifyDistance: VERIFY,
      identifyDistance: IDENTIFY,
      frameDistance: FRAME,
      margin: MARGIN,
      votes: this.world.votes,
      voteWindowMs: VOTE_WINDOW,
      voteSpacingMs: 0,
      deadlineMs: 3000,
      approachMs: 2000,
      cooldownMs: COOLDOWN,
      absentMs: 500,
      latencyMs: 0,
      liveness: { mode: 'off', frames: 3, motion: 'watch' },
    };
  }

  private context() {
    const rightsOf = (member: string) => this.oracle.rights.get(member) ?? null;
    return { rules: this.rules, now: this.now(), rightsOf };
  }

  private mono(): number {
    return this.monoBase + this.t;
  }

  private trueWall(): number {
    return this.world.startWall + this.t + this.wallOffset;
  }

  private now(): { mono: number; wall: number | null } {
    return { mono: this.mono(), wall: this.wallKnown ? this.trueWall() : null };
  }
}

function fail(message: string): never {
  throw new Violation(message);
}
