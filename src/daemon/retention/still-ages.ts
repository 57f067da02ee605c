/** Which stills are too old: by time that this process has seen pass, or by a date that is trusted. */

/** A still that is too old by its date alone is deleted when it has been so for this long. */
const GRACE_MS = 3_600_000;
/** At most this share of all stills is deleted by date alone within one grace time; one is always allowed. */
const SHARE = 0.25;

export interface StillAge {
  readonly mono: number;
  /** Epoch ms; null while the date is not trusted. */
  readonly date: number | null;
}

interface Seen {
  readonly firstAt: number;
  /** Since when it is too old by a trusted date, monotonic ms. */
  dueAt: number | null;
}

export class StillAges {
  private seen = new Map<string, Seen>();
  private round = { at: -Infinity, left: 0 };

  constructor(private readonly keepMs: number) {}

  /** Call it with all existing stills, every minute. @returns the names of those to delete */
  tooOld(stills: readonly { readonly name: string; readonly at: number }[], { mono, date }: StillAge): Set<string> {
    this.seen = new Map(stills.map(({ name }) => [name, this.seen.get(name) ?? { firstAt: mono, dueAt: null }]));
    if (mono - this.round.at >= GRACE_MS)
      this.round = { at: mono, left: Math.max(1, Math.floor(stills.length * SHARE)) };
    const old = new Set<string>();
    for (const { name, at } of stills) {
      const seen = this.seen.get(name);
      if (seen === undefined) continue;
      seen.dueAt = date !== null && at < date - this.keepMs ? (seen.dueAt ?? mono) : null;
      if (mono - seen.firstAt > this.keepMs) old.add(name);
      else if (seen.dueAt !== null && mono - seen.dueAt >= GRACE_MS && this.round.left > 0) {
        this.round.left--;
        old.add(name);
      }
    }
    return old;
  }
}
