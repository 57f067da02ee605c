import { z } from 'zod';
import { messageOf, UsherError } from '../../errors';

/** Where the ledger is stored. `save` returns when the data is durable, or throws. */
export interface LedgerStore {
  load(): string | null;
  save(text: string): void;
}

const Saved = z.strictObject({ floor: z.number(), seen: z.array(z.tuple([z.string().max(64), z.number()])).max(4096) });

/** Longest validity of a command. It limits what must be remembered. */
export const COMMAND_LIFE_MS = 10 * 60_000;
/** How far a sender's clock may be ahead. */
export const COMMAND_AHEAD_MS = 10_000;

export type LedgerVerdict = 'new' | 'replayed' | { readonly unsaved: string };

/**
 * The commands that were taken, over restarts: each may be taken once. A command is remembered until it has expired.
 * The floor is the latest expiry that was forgotten, and every command that expires at or before it is refused. So
 * memory is bounded without a gap: neither a full ledger nor a clock that was set back makes a forgotten command valid
 * again.
 */
export class CommandLedger {
  constructor(
    private readonly store: LedgerStore,
    private readonly capacity = 1024,
  ) {}

  /** Takes the command if it was not taken before; durable when this returns. Times are epoch ms. */
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
   * All commands so far are refused, since it is unknown which were taken. Later ones are accepted: otherwise a
   * lockdown could never be lifted after damage.
   */
  private restart(now: number): LedgerVerdict {
    const floor = now + COMMAND_LIFE_MS + COMMAND_AHEAD_MS;
    this.store.save(JSON.stringify({ floor, seen: [] }));
    return {
      unsaved: `the list of taken commands is damaged: commands with an expiry after ${new Date(floor).toISOString()} are accepted again`,
    };
  }

  /** @throws UsherError if it cannot be read */
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

  /** Null for a text that this box did not write. */
  private saved(): string | null {
    try {
      return this.store.load();
    } catch (error) {
      if (error instanceof UsherError && error.code === 'data-invalid') return '';
      throw error;
    }
  }
}
