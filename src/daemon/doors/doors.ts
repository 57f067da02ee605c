import { DoorKeeper } from '../../access/door/door-keeper';
import type { DenialReason } from '../../access/reasons';
import type { SavedPolicy } from '../../access/door/persisted';
import { judgeAdaption } from '../../access/members/adaption';
import type { EncoderFacts, Roster } from '../../access/members/roster';
import type { PolicyKeeper, PolicyNews } from '../../access/door/policy-keeper';
import type { ThresholdRow } from '../../access/members/thresholds';
import type { DoorConfig } from '../../config/schema/doors';
import type { Decision, DoorEvent } from '../../access/door-types';
import { messageOf, UsherError } from '../../errors';
import type { Observation } from '../../events';
import type { Log } from '../../system/log';
import type { Announcer } from './announcer';
import { type ComponentHealth, failedBecause, type HealthBoard } from '../health/health';

/** So many members with damaged data are named in health and log. */
const NAMED_MAX = 10;

export type { EncoderFacts } from '../../access/members/roster';

/**
 * All doors of the box: routes observations and swipes to their door, announces what is decided, and turns a store that
 * cannot be read into doors that grant nothing.
 */
export class Doors {
  private readonly keepers: readonly DoorKeeper[];
  private storeAvailable = true;
  private clockBelieved = true;
  /** The faults of members that the log has been told of. */
  private lastFaults = '';
  /** Thresholds of every encoder that may look through the cameras just now, by its space. */
  private readonly tables = new Map<string, readonly ThresholdRow[]>();

  constructor(
    doors: readonly DoorConfig[],
    table: readonly ThresholdRow[],
    private readonly roster: Roster,
    private readonly announcer: Pick<Announcer, 'announce' | 'alarm' | 'recover'>,
    private readonly health: HealthBoard,
    private readonly monotonicMs: () => number,
    private readonly log: Log,
    private readonly policy: PolicyKeeper,
    private readonly saved: Pick<SavedPolicy, 'flush'> = { flush: () => undefined },
    /** Delay of each camera, ms. */
    latencies: ReadonlyMap<string, number> = new Map(),
  ) {
    this.keepers = doors.map((door) => new DoorKeeper(door, roster, table, policy, latencies.get(door.camera)));
    this.tables.set(roster.gallery.space, table);
    policy.onNews((news) => this.tell(news));
  }

  get all(): readonly DoorKeeper[] {
    return this.keepers;
  }

  /** While the clock is not believed nothing is granted: an unlock would bear a time at which it is not issued. */
  clock(believed: boolean): void {
    this.clockBelieved = believed;
  }

  /**
   * An encoder that may look through the cameras from now on: one on trial, or the same with other thresholds. Which of them
   * decides goes by the frames that come.
   * @throws UsherError `store-unavailable`
   */
  admitEncoder(encoder: EncoderFacts): void {
    const { space, thresholds } = encoder;
    this.roster.admit(encoder);
    this.tables.set(space, thresholds);
    if (this.roster.gallery.space === space) this.useEncoder(space);
  }

  /** An encoder that looks no longer; that of the last frames stays. */
  dismissEncoder(space: string): void {
    if (this.roster.gallery.space === space) return;
    this.tables.delete(space);
    this.roster.dismiss(space);
  }

  /** @throws RangeError for a space that was not admitted */
  useEncoder(space: string): void {
    const table = this.tables.get(space);
    if (table === undefined) throw new RangeError(`no encoder of the space ${space} was admitted`);
    this.roster.use(space);
    for (const keeper of this.keepers) keeper.useTable(table);
  }

  observe(observation: Observation): void {
    if (!this.clockBelieved) return;
    const { space } = observation;
    if (space !== this.roster.gallery.space && this.tables.has(space)) this.useEncoder(space);
    for (const keeper of this.watching(observation.camera)) {
      try {
        this.announce(keeper, keeper.observe(observation, this.monotonicMs()), observation);
      } catch (error) {
        this.log.error(messageOf(error), { door: keeper.door.id });
        this.health.set('models', failedBecause(error));
      }
    }
  }

  /** The scene that a camera sees as a whole; null: not known, for its process ended. */
  scene(camera: string, scene: string | null): void {
    for (const keeper of this.watching(camera)) keeper.see(scene);
  }

  cameraLive(camera: string, live: boolean): void {
    for (const keeper of this.watching(camera)) this.feed(keeper, { type: 'camera', at: this.monotonicMs(), live });
  }

  /** A swipe as the box learned of it: its time is now, whatever the reader's clock says. */
  swipe(reader: string, identifier: string): void {
    const keeper = this.keepers.find(({ door }) => door.readers.includes(reader));
    if (keeper === undefined) return;
    const at = this.monotonicMs();
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

  /** Loads the gallery again after a change of our own. */
  reload(): void {
    try {
      this.roster.load();
    } catch (error) {
      this.storeFailed(error);
    }
  }

  /** What could not be written is written when there is room again; until then the journal, on the same disk, withholds grants. */
  private saveAgain(): void {
    try {
      this.saved.flush();
    } catch (error) {
      this.log.warn(`the state of the rules waits to be written: ${messageOf(error)}`);
    }
  }

  /** Reads the store again where another process changed it, and notices when it or the journal is not to be had. */
  refresh(): void {
    this.saveAgain();
    try {
      this.announcer.recover();
      if (this.roster.refresh()) this.log.info('members loaded again', { members: this.roster.size });
      if (!this.storeAvailable) this.roster.load();
      this.setStore(true);
      this.health.set('store', this.storeHealth());
    } catch (error) {
      this.storeFailed(error);
    }
  }

  tick(): void {
    const at = this.monotonicMs();
    this.policy.feed({ type: 'tick' });
    for (const keeper of this.keepers) this.feed(keeper, { type: 'tick', at });
  }

  shutdown(): void {
    const at = this.monotonicMs();
    for (const keeper of this.keepers) this.feed(keeper, { type: 'shutdown', at });
  }

  /** Alarms, and unlocks that an order asks for. */
  private tell({ alarms, ordered }: PolicyNews): void {
    for (const alarm of alarms) {
      const keeper = this.keepers.find(({ door }) => door.id === alarm.door);
      if (keeper !== undefined) this.announcer.alarm(keeper.door, alarm);
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

  /** @param observation the frame that the decisions came of; null: they came of something else */
  private announce(keeper: DoorKeeper, decisions: readonly Decision[], observation: Observation | null = null): void {
    for (const decision of decisions) {
      try {
        this.announcer.announce(keeper.door, decision);
      } catch (error) {
        this.storeFailed(error);
        if (decision.outcome === 'granted' && decision.reason !== 'hold-open')
          this.feed(keeper, { type: 'withheld', at: this.monotonicMs() });
        continue;
      }
      if (decision.outcome === 'granted' && decision.member !== null)
        this.afterGrant(keeper, decision, decision.member, observation);
    }
  }

  /** What a grant leaves behind in the store; the door is open already, so a failure here is told and takes nothing back. */
  private afterGrant(keeper: DoorKeeper, decision: Decision, member: string, observation: Observation | null): void {
    const { door } = keeper;
    try {
      this.roster.markSeen(member, Date.now());
    } catch (error) {
      this.log.warn(`the visit was not noted: ${messageOf(error)}`, { door: door.id });
    }
    if (door.adaptTemplates) this.adapt(keeper, decision, observation);
  }

  private adapt(keeper: DoorKeeper, decision: Decision, observation: Observation | null): void {
    const { door, adaption } = keeper;
    try {
      const verdict = judgeAdaption({
        ...{ decision, observation, ...adaption },
        facts: (member, face) => this.roster.adaptionFacts(member, face, Date.now()),
      });
      if (!verdict.keep) {
        this.log.debug('the accepted face is not kept as a template', { door: door.id, why: verdict.why });
        return;
      }
      const { member, face, distance } = verdict;
      const { space } = this.roster.gallery;
      const template = { space, vector: face.embedding, quality: face.quality.score };
      this.roster.adapt(member, template, { door: door.id, distance });
    } catch (error) {
      this.log.warn(`the accepted face was not kept: ${messageOf(error)}`, { door: door.id });
      if (error instanceof UsherError && error.code === 'store-unavailable')
        this.health.set('store', failedBecause(error));
    }
  }

  /** One member whose data are damaged shuts no door to the others, but must not go unnoticed either. */
  private storeHealth(): ComponentHealth {
    const { faults } = this.roster;
    const members = [...new Set(faults.map(({ member }) => member))];
    if (members.length === 0) {
      this.lastFaults = '';
      return { state: 'ok', lastProgressAt: Date.now(), detail: null, remedy: null };
    }
    const named = `${members.slice(0, NAMED_MAX).join(', ')}${members.length > NAMED_MAX ? ', …' : ''}`;
    const detail = `what is stored of ${members.length} ${members.length === 1 ? 'member' : 'members'} is damaged: ${named}`;
    const remedy = 'usher members check says what is wrong; usher members repair takes it out; then enrol these again.';
    const all = JSON.stringify(faults);
    if (all !== this.lastFaults)
      for (const { member, fault } of faults.slice(0, NAMED_MAX)) this.log.error(fault, { member, remedy });
    this.lastFaults = all;
    return { state: 'degraded', lastProgressAt: Date.now(), detail, remedy };
  }

  private storeFailed(error: unknown): void {
    if (this.storeAvailable) this.log.error(messageOf(error));
    this.health.set('store', failedBecause(error, this.health.get('store').lastProgressAt));
    this.setStore(false);
  }

  private setStore(available: boolean): void {
    if (this.storeAvailable === available) return;
    this.storeAvailable = available;
    for (const keeper of this.keepers) this.feed(keeper, { type: 'store', at: this.monotonicMs(), available });
  }
}
