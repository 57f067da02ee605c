import { createHmac } from 'node:crypto';
import { inSteps, partitionSteps, type ClusterMethod } from './clusters/partition';
import { pointsOf } from './clusters/points';

export interface VisitorBookOptions {
  readonly method: ClusterMethod;
  /** Two visits farther apart than this are not taken for one person (L2). */
  readonly reach: number;
  /** A visit is forgotten after so long. */
  readonly ttlMs: number;
  /** Visits held at most; the oldest goes first. */
  readonly capacity: number;
  /** A fresh secret of 32 bytes. */
  readonly newKey: () => Uint8Array;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** The two clocks: what lasts is reckoned on the monotonic one, days on that of the wall. Milliseconds. */
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
  /** Means nothing outside this day and this box. */
  readonly visitor: string;
  /** Oldest first. */
  readonly visits: readonly Visit[];
}

interface Entry {
  readonly visit: Visit;
  /** Number of the cluster that it is in, and of nothing else today. */
  cluster: number;
}

const DAY_MS = 86_400_000;

/**
 * Who was that? Strangers at the door, told apart and recognised again for a short while. None of them agreed to anything, so what is kept
 * is made to say as little as it can, for as short as it can:
 *
 * - all of it is in memory: no file, no journal, no backup, and a restart forgets everybody;
 * - a visit goes after `ttlMs`, and everything goes with the day;
 * - an identifier is a keyed hash under a key that is thrown away with the day, so that no two days can be linked, by whoever
 *   wrote identifiers down either;
 * - no vector leaves it but into a member's templates, after consent.
 *
 * Clusters keep their identifier while visits come and go. A cluster that falls apart leaves it to its largest part; of those that merge
 * the elder's stays. One clustering runs at a time, in steps between which the event loop gets its turn.
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

  /** Takes a visit in and tells whose it is taken for; null when it was forgotten meanwhile. */
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

  /** Forgets what is due. To be called now and then, whether somebody comes or not. */
  sweep({ mono, wall }: BookTime): void {
    const { opened } = this;
    const sameDay = Math.floor(wall / DAY_MS) === Math.floor(opened.wall / DAY_MS);
    // Whichever clock says that the day is over: one that was set back must not make it longer.
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

  /** Forgets the visits of which this is true, such as those of somebody who is a member now. */
  forget(which: (visit: Visit, visitor: string) => boolean): number {
    const before = this.entries.length;
    this.entries = this.entries.filter(({ visit, cluster }) => !which(visit, this.nameOf(cluster)));
    return before - this.entries.length;
  }

  /** Who was here today, in the order of their first visits. */
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
