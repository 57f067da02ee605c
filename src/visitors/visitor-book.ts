import { createHmac } from 'node:crypto';
import { inSteps, partitionSteps, type ClusterMethod } from './clusters/partition';
import { pointsOf } from './clusters/points';

export interface VisitorBookOptions {
  readonly method: ClusterMethod;
  /** Two visits farther apart than this never count as one person (L2). */
  readonly reach: number;
  /** A visit is deleted after this time. */
  readonly ttlMs: number;
  /** Maximum number of visits; the oldest is dropped first. */
  readonly capacity: number;
  /** Makes a secret of 32 random bytes. */
  readonly newKey: () => Uint8Array;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** The two clocks, in milliseconds. Durations use the monotonic one, days the wall clock. */
export interface BookTime {
  readonly mono: number;
  readonly wall: number;
}

export interface Visit {
  readonly vector: Float32Array;
  readonly quality: number;
  readonly camera: string;
  readonly at: BookTime;
}

/** Visits that are probably of one person. */
export interface Visitor {
  /** Has no meaning outside this day and this box. */
  readonly visitor: string;
  /** Oldest first. */
  readonly visits: readonly Visit[];
}

interface Entry {
  readonly visit: Visit;
  /** Number of its cluster. Used for one day only. */
  cluster: number;
}

const DAY_MS = 86_400_000;

/**
 * Strangers at the door, distinguished from one another and recognised again for a short time. They gave no consent, so the
 * book keeps as little as possible, as briefly as possible:
 *
 * - everything is in memory: no file, no journal, no backup; a restart deletes all of it;
 * - a visit is deleted after `ttlMs`, and everything at the end of the day;
 * - an identifier is a keyed hash, and its key is destroyed at the end of the day. Two days cannot be linked, even by a
 *   person who wrote identifiers down;
 * - a vector leaves the book only for a member's templates, after consent.
 *
 * Clusters keep their identifier while visits come and go. If a cluster splits, its largest part keeps the identifier; of
 * clusters that merge, the oldest identifier stays. One clustering runs at a time, in steps that yield to the event loop.
 */
export class VisitorBook {
  private entries: Entry[] = [];
  private key: Uint8Array;
  private opened: BookTime;
  private nextCluster = 0;
  private working: Promise<void> | null = null;

  constructor(
    private readonly options: VisitorBookOptions,
    now: BookTime,
  ) {
    this.key = options.newKey();
    this.opened = now;
  }

  get size(): number {
    return this.entries.length;
  }

  /** Adds a visit and returns the visitor that it belongs to; null if the visit was deleted meanwhile. */
  async add(visit: Visit): Promise<Visitor | null> {
    this.sweep(visit.at);
    const entry: Entry = { visit, cluster: this.nextCluster++ };
    this.entries.push(entry);
    if (this.entries.length > this.options.capacity) this.entries.shift();
    while (this.working !== null) await this.working;
    this.working = this.cluster().finally(() => (this.working = null));
    await this.working;
    return this.entries.includes(entry) ? this.visitorOf(entry.cluster) : null;
  }

  /** Deletes what is due. Call it regularly, whether there are visits or not. */
  sweep({ mono, wall }: BookTime): void {
    const { opened } = this;
    const sameDay = Math.floor(wall / DAY_MS) === Math.floor(opened.wall / DAY_MS);
    // The day ends by either clock: a wall clock that was set back must not make it longer.
    if (!sameDay || mono - opened.mono >= DAY_MS) {
      this.entries = [];
      this.nextCluster = 0;
      this.key.fill(0);
      this.key = this.options.newKey();
      this.opened = { mono, wall };
      return;
    }
    this.entries = this.entries.filter(({ visit }) => mono - visit.at.mono < this.options.ttlMs);
  }

  /** Deletes the visits for which this is true, such as those of a person who became a member. */
  forget(which: (visit: Visit, visitor: string) => boolean): number {
    const before = this.entries.length;
    this.entries = this.entries.filter(({ visit, cluster }) => !which(visit, this.nameOf(cluster)));
    return before - this.entries.length;
  }

  /** The visitors of today, in the order of their first visits. */
  visitors(): Visitor[] {
    return [...new Set(this.entries.map(({ cluster }) => cluster))].map((cluster) => this.visitorOf(cluster));
  }

  find(visitor: string): Visitor | null {
    return this.visitors().find((one) => one.visitor === visitor) ?? null;
  }

  private visitorOf(cluster: number): Visitor {
    const own = this.entries.filter((entry) => entry.cluster === cluster);
    return { visitor: this.nameOf(cluster), visits: own.map(({ visit }) => visit) };
  }

  private nameOf(cluster: number): string {
    return createHmac('sha256', this.key).update(`usher-visitor-v1\n${cluster}`).digest('hex').slice(0, 12);
  }

  private async cluster(): Promise<void> {
    const { method, reach, random } = this.options;
    const entries = [...this.entries];
    const points = pointsOf(entries.map(({ visit }) => visit.vector));
    const labels = await inSteps(partitionSteps(points, { method, reach, random }));
    const groups: Entry[][] = [];
    entries.forEach((entry, i) => (groups[labels[i] as number] ??= []).push(entry));
    const taken = new Set<number>();
    for (const group of [...groups].sort((a, b) => b.length - a.length)) {
      const known = group.map(({ cluster }) => cluster).filter((cluster) => !taken.has(cluster));
      const cluster = known.length > 0 ? Math.min(...known) : this.nextCluster++;
      taken.add(cluster);
      for (const entry of group) entry.cluster = cluster;
    }
  }
}
