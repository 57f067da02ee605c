import { z } from 'zod';
import { messageOf } from '../errors';

/** Where the ledger is kept. `save` returns when it would survive a power cut, or throws. */
export interface LedgerStore {
  load(): string | null;
  save(text: string): void;
}

const Saved = z.strictObject({ floor: z.number(), seen: z.array(z.tuple([z.string().max(64), z.number()])).max(4096) });

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
      const { floor, seen } = this.load();
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

  /** @throws when what was saved is damaged: starting afresh would make every command since good again */
  private load(): { readonly floor: number; readonly seen: Map<string, number> } {
    const text = this.store.load();
    if (text === null) return { floor: 0, seen: new Map() };
    const { floor, seen } = Saved.parse(JSON.parse(text));
    return { floor, seen: new Map(seen) };
  }
}
