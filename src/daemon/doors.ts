import { DoorKeeper } from '../access/keeper';
import type { Roster } from '../access/roster';
import type { ThresholdRow } from '../access/thresholds';
import type { DoorConfig } from '../config/schema';
import type { Decision, DoorEvent } from '../access/door-types';
import { messageOf, UsherError } from '../errors';
import type { Observation } from '../events';
import type { Log } from '../system/log';
import type { Announcer } from './announcer';
import { failedBecause, type HealthBoard } from './health';

/** Least quality of an accepted frame that becomes a template. */
const ADAPT_QUALITY = 0.8;

/**
 * All doors of the box: routes observations and swipes to their door, announces what is decided, and turns a store that
 * cannot be read into doors that grant nothing.
 */
export class Doors {
  private readonly keepers: readonly DoorKeeper[];
  private storeAvailable = true;
  /** The last good frame of each camera, for template adaption. */
  private readonly lastSeen = new Map<string, Observation>();

  constructor(
    doors: readonly DoorConfig[],
    table: readonly ThresholdRow[],
    private readonly roster: Roster,
    private readonly announcer: Pick<Announcer, 'announce'>,
    private readonly health: HealthBoard,
    private readonly monotonicMs: () => number,
    private readonly log: Log,
  ) {
    this.keepers = doors.map((door) => new DoorKeeper(door, roster, table));
  }

  get all(): readonly DoorKeeper[] {
    return this.keepers;
  }

  observe(observation: Observation): void {
    this.lastSeen.set(observation.camera, observation);
    for (const keeper of this.watching(observation.camera)) {
      try {
        this.announce(keeper, keeper.observe(observation, this.monotonicMs()));
      } catch (error) {
        this.log.error(messageOf(error), { door: keeper.door.id });
        this.health.set('models', failedBecause(error));
      }
    }
  }

  cameraLive(camera: string, live: boolean): void {
    for (const keeper of this.watching(camera)) this.feed(keeper, { type: 'camera', at: this.monotonicMs(), live });
  }

  /** A swipe as the box learned of it: its time is now, whatever the reader's clock says. */
  swipe(reader: string, identifier: string): void {
    const keeper = this.keepers.find(({ door }) => door.readers.includes(reader));
    if (keeper === undefined) return;
    const at = this.monotonicMs();
    try {
      this.announce(keeper, keeper.swipe(reader, identifier, at));
    } catch (error) {
      this.storeFailed(error);
      this.feed(keeper, {
        type: 'swipe',
        at,
        reader,
        standing: { kind: 'refused', member: null, reason: 'store-unavailable' },
      });
    }
  }

  /** Reads the store again where another process changed it, and notices when it cannot be read. */
  refresh(): void {
    try {
      if (this.roster.refresh()) this.log.info('members loaded again', { members: this.roster.size });
      if (!this.storeAvailable) this.roster.load();
      this.setStore(true);
      this.health.set('store', { state: 'ok', lastProgressAt: Date.now(), detail: null, remedy: null });
    } catch (error) {
      this.storeFailed(error);
    }
  }

  tick(): void {
    const at = this.monotonicMs();
    for (const keeper of this.keepers) this.feed(keeper, { type: 'tick', at });
  }

  shutdown(): void {
    const at = this.monotonicMs();
    for (const keeper of this.keepers) this.feed(keeper, { type: 'shutdown', at });
  }

  private watching(camera: string): readonly DoorKeeper[] {
    return this.keepers.filter(({ door }) => door.camera === camera);
  }

  private feed(keeper: DoorKeeper, event: DoorEvent): void {
    this.announce(keeper, keeper.feed(event));
  }

  private announce(keeper: DoorKeeper, decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      this.announcer.announce(keeper.door, decision);
      if (decision.outcome === 'granted' && keeper.door.adaptTemplates) this.adapt(keeper.door, decision.member);
    }
  }

  private adapt(door: DoorConfig, member: string): void {
    const seen = this.lastSeen.get(door.camera);
    const subject = seen?.subject ?? null;
    if (seen === undefined || subject === null || subject.embedding === null || subject.quality.score < ADAPT_QUALITY)
      return;
    try {
      this.roster.adapt(member, {
        space: seen.space,
        vector: subject.embedding,
        quality: subject.quality.score,
        source: 'adapted',
      });
    } catch (error) {
      this.log.warn(`the accepted face was not kept: ${messageOf(error)}`, { door: door.id });
      if (error instanceof UsherError && error.code === 'store-unavailable')
        this.health.set('store', failedBecause(error));
    }
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
