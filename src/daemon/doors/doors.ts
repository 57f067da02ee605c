import { DoorKeeper } from '../../access/door/door-keeper';
import type { DenialReason } from '../../access/reasons';
import type { SavedPolicy } from '../../access/door/persisted';
import { judgeAdaption } from '../../access/members/adaption';
import type { Roster } from '../../access/members/roster';
import type { EncoderFacts } from '../../access/members/thresholds';
import type { PolicyKeeper, PolicyNews } from '../../access/door/policy-keeper';
import type { ThresholdRow } from '../../access/members/thresholds';
import type { DoorConfig } from '../../config/schema/doors';
import type { Decision, DoorEvent } from '../../access/door-types';
import { messageOf, UsherError } from '../../errors';
import type { Observation } from '../../events';
import type { Log } from '../../system/log';
import type { Announcer } from './announcer';
import { type ComponentHealth, failedBecause, type HealthBoard } from '../health/health';

/** At most this many members with damaged data are named in health and log. */
const NAMED_MAX = 10;

export type { EncoderFacts } from '../../access/members/thresholds';

export interface DoorsParts {
  readonly doors: readonly DoorConfig[];
  /** Thresholds of the encoder that looks through the cameras at first. */
  readonly table: readonly ThresholdRow[];
  readonly roster: Roster;
  readonly announcer: Pick<Announcer, 'announce' | 'alarm' | 'recover'>;
  readonly health: HealthBoard;
  readonly monotonicMs: () => number;
  readonly log: Log;
  readonly policy: PolicyKeeper;
  /** The state of the rules on disk; left out: it is not kept. */
  readonly saved?: Pick<SavedPolicy, 'flush'>;
  /** Delay of each camera, ms. */
  readonly latencies?: ReadonlyMap<string, number>;
}

/**
 * All doors of the box: routes observations and swipes to their door and announces the decisions. While the store
 * cannot be read, its doors admit no one.
 */
export class Doors {
  private readonly keepers: readonly DoorKeeper[];
  private storeAvailable = true;
  private clockBelieved = true;
  /** The faults of members in the last log line. */
  private lastFaults = '';
  /** Thresholds by embedding space, of every encoder that a camera may use at present. */
  private readonly tables = new Map<string, readonly ThresholdRow[]>();

  constructor(private readonly parts: DoorsParts) {
    const { doors, table, roster, policy, latencies } = parts;
    this.keepers = doors.map((door) => new DoorKeeper(door, roster, table, policy, latencies?.get(door.camera)));
    this.tables.set(roster.gallery.space, table);
    policy.onNews((news) => this.tell(news));
  }

  get all(): readonly DoorKeeper[] {
    return this.keepers;
  }

  /** While the clock is not trusted no grant is given: the unlock would carry a wrong time. */
  clock(believed: boolean): void {
    this.clockBelieved = believed;
  }

  /**
   * Adds an encoder that cameras may use from now on: one on trial, or the same with other thresholds. The frames
   * determine which of them decides.
   * @throws UsherError `store-unavailable`
   */
  admitEncoder(encoder: EncoderFacts): void {
    const { space, thresholds } = encoder;
    this.parts.roster.admit(encoder);
    this.tables.set(space, thresholds);
    if (this.parts.roster.gallery.space === space) this.useEncoder(space);
  }

  /** Removes an encoder that is no longer used; the one of the last frames stays. */
  dismissEncoder(space: string): void {
    if (this.parts.roster.gallery.space === space) return;
    this.tables.delete(space);
    this.parts.roster.dismiss(space);
  }

  /** @throws RangeError for a space that was not admitted */
  useEncoder(space: string): void {
    const table = this.tables.get(space);
    if (table === undefined) throw new RangeError(`no encoder of the space ${space} was admitted`);
    this.parts.roster.use(space);
    for (const keeper of this.keepers) keeper.useTable(table);
  }

  observe(observation: Observation): void {
    if (!this.clockBelieved) return;
    const { space } = observation;
    if (space !== this.parts.roster.gallery.space && this.tables.has(space)) this.useEncoder(space);
    for (const keeper of this.watching(observation.camera)) {
      try {
        this.announce(keeper, keeper.observe(observation, this.parts.monotonicMs()), observation);
      } catch (error) {
        this.parts.log.error(messageOf(error), { door: keeper.door.id });
        this.parts.health.set('models', failedBecause(error));
      }
    }
  }

  /** The scene that a camera sees; null if unknown because its process ended. */
  scene(camera: string, scene: string | null): void {
    for (const keeper of this.watching(camera)) keeper.see(scene);
  }

  cameraLive(camera: string, live: boolean): void {
    for (const keeper of this.watching(camera))
      this.feed(keeper, { type: 'camera', at: this.parts.monotonicMs(), live });
  }

  /** A swipe has the time at which the box learned of it, whatever the reader's clock says. */
  swipe(reader: string, identifier: string): void {
    const keeper = this.keepers.find(({ door }) => door.readers.includes(reader));
    if (keeper === undefined) return;
    const at = this.parts.monotonicMs();
    const refuse = (reason: DenialReason): void =>
      this.feed(keeper, { type: 'swipe', at, reader, standing: { kind: 'refused', member: null, reason } });
    if (!this.clockBelieved) {
      refuse('clock-doubtful');
      return;
    }
    try {
      this.announce(keeper, keeper.swipe(reader, identifier, at));
    } catch (error) {
      this.storeFailed(error);
      refuse('store-unavailable');
    }
  }

  /** Loads the gallery again after a change by this process. */
  reload(): void {
    try {
      this.parts.roster.load();
    } catch (error) {
      this.storeFailed(error);
    }
  }

  /**
   * Unwritten state is written when there is space again. Until then the journal, on the same disk, withholds grants.
   */
  private saveAgain(): void {
    try {
      this.parts.saved?.flush();
    } catch (error) {
      this.parts.log.warn(`the state of the rules could not be written yet: ${messageOf(error)}`);
    }
  }

  /**
   * Reads the store again after a change by another process, and notices when the store or the journal is unavailable.
   */
  refresh(): void {
    this.saveAgain();
    try {
      this.parts.announcer.recover();
      if (this.parts.roster.refresh()) this.parts.log.info('members loaded again', { members: this.parts.roster.size });
      if (!this.storeAvailable) this.parts.roster.load();
      this.setStore(true);
      this.parts.health.set('store', this.storeHealth());
    } catch (error) {
      this.storeFailed(error);
    }
  }

  tick(): void {
    const at = this.parts.monotonicMs();
    this.parts.policy.feed({ type: 'tick' });
    for (const keeper of this.keepers) this.feed(keeper, { type: 'tick', at });
  }

  shutdown(): void {
    const at = this.parts.monotonicMs();
    for (const keeper of this.keepers) this.feed(keeper, { type: 'shutdown', at });
  }

  /** Announces alarms, and unlocks that an order requests. */
  private tell({ alarms, ordered }: PolicyNews): void {
    for (const alarm of alarms) {
      const keeper = this.keepers.find(({ door }) => door.id === alarm.door);
      if (keeper !== undefined) this.parts.announcer.alarm(keeper.door, alarm);
    }
    for (const { door, decision } of ordered) {
      const keeper = this.keepers.find((each) => each.door.id === door);
      if (keeper !== undefined) this.announce(keeper, [decision]);
    }
  }

  private watching(camera: string): readonly DoorKeeper[] {
    return this.keepers.filter(({ door }) => door.camera === camera);
  }

  private feed(keeper: DoorKeeper, event: DoorEvent): void {
    this.announce(keeper, keeper.feed(event));
  }

  /** @param observation the frame behind the decisions; null if something else caused them */
  private announce(keeper: DoorKeeper, decisions: readonly Decision[], observation: Observation | null = null): void {
    for (const decision of decisions) {
      try {
        this.parts.announcer.announce(keeper.door, decision);
      } catch (error) {
        this.storeFailed(error);
        if (decision.outcome === 'granted' && decision.reason !== 'hold-open')
          this.feed(keeper, { type: 'withheld', at: this.parts.monotonicMs() });
        continue;
      }
      if (decision.outcome === 'granted' && decision.member !== null)
        this.afterGrant(keeper, decision, decision.member, observation);
    }
  }

  /** What a grant changes in the store. The door is open already, so a failure here is reported and changes nothing. */
  private afterGrant(keeper: DoorKeeper, decision: Decision, member: string, observation: Observation | null): void {
    const { door } = keeper;
    try {
      this.parts.roster.markSeen(member, Date.now());
    } catch (error) {
      this.parts.log.warn(`the visit was not recorded: ${messageOf(error)}`, { door: door.id });
    }
    if (door.adaptTemplates) this.adapt(keeper, decision, observation);
  }

  private adapt(keeper: DoorKeeper, decision: Decision, observation: Observation | null): void {
    const { door, adaption } = keeper;
    try {
      const verdict = judgeAdaption({
        decision,
        observation,
        ...adaption,
        facts: (member, face) => this.parts.roster.adaptionFacts(member, face, Date.now()),
      });
      if (!verdict.keep) {
        this.parts.log.debug('the accepted face was not stored as a template', { door: door.id, why: verdict.why });
        return;
      }
      const { member, face, distance } = verdict;
      const { space } = this.parts.roster.gallery;
      const template = { space, vector: face.embedding, quality: face.quality.score };
      this.parts.roster.adapt(member, template, { door: door.id, distance });
    } catch (error) {
      this.parts.log.warn(`the accepted face was not stored: ${messageOf(error)}`, { door: door.id });
      if (error instanceof UsherError && error.code === 'store-unavailable')
        this.parts.health.set('store', failedBecause(error));
    }
  }

  /** A member with damaged data does not close the door to others, but must be reported. */
  private storeHealth(): ComponentHealth {
    const { faults } = this.parts.roster;
    const members = [...new Set(faults.map(({ member }) => member))];
    if (members.length === 0) {
      this.lastFaults = '';
      return { state: 'ok', lastProgressAt: Date.now(), detail: null, remedy: null };
    }
    const named = `${members.slice(0, NAMED_MAX).join(', ')}${members.length > NAMED_MAX ? ', …' : ''}`;
    const detail = `the stored data of ${members.length} ${members.length === 1 ? 'member' : 'members'} is damaged: ${named}`;
    const remedy =
      'usher members check shows the damage, usher members repair deletes it; then enrol these members again.';
    const all = JSON.stringify(faults);
    if (all !== this.lastFaults)
      for (const { member, fault } of faults.slice(0, NAMED_MAX)) this.parts.log.error(fault, { member, remedy });
    this.lastFaults = all;
    return { state: 'degraded', lastProgressAt: Date.now(), detail, remedy };
  }

  private storeFailed(error: unknown): void {
    if (this.storeAvailable) this.parts.log.error(messageOf(error));
    this.parts.health.set('store', failedBecause(error, this.parts.health.get('store').lastProgressAt));
    this.setStore(false);
  }

  private setStore(available: boolean): void {
    if (this.storeAvailable === available) return;
    this.storeAvailable = available;
    for (const keeper of this.keepers) this.feed(keeper, { type: 'store', at: this.parts.monotonicMs(), available });
  }
}
