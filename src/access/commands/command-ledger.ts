import { z } from 'zod';
import { messageOf, UsherError } from '../../errors';

/** Where the ledger is kept. `save` returns when it would survive a power cut, or throws. */
export interface LedgerStore {
  load(): string | null;
  save(text: string): void;
}

const Saved = z.strictObject({ floor: z.number(), seen: z.array(z.tuple([z.string().max(64), z.number()])).max(4096) });

/** Longest validity that a command may ask for: what is remembered of commands is bounded by it. */
export const COMMAND_LIFE_MS = 10 * 60_000;
/** How far a sender's clock may be ahead. */
export const COMMAND_AHEAD_MS = 10_000;

export type LedgerVerdict = 'new' | 'replayed' | { readonly unsaved: string };

/**
 * Which commands were taken, over restarts: each may be taken once. A command is remembered until it would be void anyway; the
 * floor is the latest end of validity that was forgotten, and whatever ends at or before it is refused. So memory is bounded
 * without a gap: neither a full ledger nor a clock that was set back makes a forgotten command good again.
 */
export class CommandLedger {
  constructor(
    private readonly store: LedgerStore,
    private readonly capacity = 1024,
  ) {}

  /** Takes the command if it was not taken before; saved when this returns. Times are epoch ms. */
  take(nonce: string, notAfter: number, now: number): LedgerVerdict {
    try {
      const loaded = this.load();
      if (loaded === 'damaged') return this.restart(now);
      const { floor, seen } = loaded;
      if (notAfter <= floor || seen.has(nonce)) return 'replayed';
      seen.set(nonce, notAfter);
      const kept = [...seen].sort((a, b) => b[1] - a[1]);
      const live = kept.filter(([, until], rank) => until >= now && rank < this.capacity);
      const forgotten = kept.slice(live.length).reduce((latest, [, until]) => Math.max(latest, until), floor);
      this.store.save(JSON.stringify({ floor: forgotten, seen: live }));
      return 'new';
    } catch (error) {
      return { unsaved: messageOf(error) };
    }
  }

  /**
   * Every command that was given so far is refused, since nobody knows which of them were taken. Later ones are not: a lockdown
   * that damage brought about could else never be lifted.
   */
  private restart(now: number): LedgerVerdict {
    const floor = now + COMMAND_LIFE_MS + COMMAND_AHEAD_MS;
    this.store.save(JSON.stringify({ floor, seen: [] }));
    return {
      unsaved: `the list of taken commands is damaged: valid after ${new Date(floor).toISOString()} they are taken again`,
    };
  }

  /** @throws UsherError where it cannot be read */
  private load(): { readonly floor: number; readonly seen: Map<string, number> } | 'damaged' {
    const text = this.saved();
    if (text === null) return { floor: 0, seen: new Map() };
    try {
      const { floor, seen } = Saved.parse(JSON.parse(text));
      return { floor, seen: new Map(seen) };
    } catch {
      return 'damaged';
    }
  }

  /** Empty for a text that was not written here. */
  private saved(): string | null {
    try {
      return this.store.load();
    } catch (error) {
      if (error instanceof UsherError && error.code === 'data-invalid') return '';
      throw error;
    }
  }
}
