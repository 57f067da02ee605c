import { UsherError } from '../../errors';
import type { Store } from '../../store/store';
import type { LedgerStore } from '../commands/command-ledger';
import { type Moment, parsePolicyState, serialisePolicyState } from '../policy/persist';
import { FIRST_STATE, type PolicyState } from '../policy/types';
import type { CounterStore } from '../swipes/swipe-judge';

type Meta = Pick<Store, 'meta' | 'setMeta'>;

/** Counters stored as small facts: durable when `save` returns. */
export function countersIn(store: Meta): CounterStore {
  return {
    load(source) {
      const text = store.meta(`counter.${source}`);
      if (text === null) return null;
      // A guess would make every message since valid again, so a person must decide.
      if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(Number(text)))
        throw new UsherError('data-invalid', `the last counter of ${source} is damaged`, {
          remedy: 'Set it again (usher reader counter ID --set N), or give this reader a new key, on both sides.',
        });
      return Number(text);
    },
    save: (source, counter) => store.setMeta(`counter.${source}`, String(counter)),
  };
}

export function ledgerIn(store: Meta): LedgerStore {
  return { load: () => store.meta('commands.ledger'), save: (text) => store.setMeta('commands.ledger', text) };
}

const POLICY = 'policy.state';
const NO_MOMENT: Moment = { mono: 0, wall: null, machineBoot: '' };

export interface SavedPolicy {
  load(): PolicyState;
  /**
   * Takes a new state and writes it. Never throws: a state that keeps people out must apply even if the disk is full.
   */
  offer(state: PolicyState): void;
  /** Writes an unwritten state. @throws UsherError `store-unavailable` while it cannot be written */
  flush(): void;
}

/**
 * The policy's state over restarts: who is inside, lock-outs, orders. A state that adds nothing (the clock's ticks) is
 * not written again.
 */
export function policyStateIn(store: Meta, moment: () => Moment): SavedPolicy {
  let written = '';
  let waiting: PolicyState | null = null;
  const flush = (): void => {
    if (waiting === null) return;
    const content = serialisePolicyState(waiting, NO_MOMENT);
    if (content !== written) store.setMeta(POLICY, serialisePolicyState(waiting, moment()));
    written = content;
    waiting = null;
  };
  return {
    load() {
      const text = savedPolicy(store);
      return text === null ? FIRST_STATE : parsePolicyState(text, moment());
    },
    offer(state) {
      waiting = state;
      try {
        flush();
      } catch {
        // It stays unwritten; `flush` retries and reports.
      }
    },
    flush,
  };
}

/** A text that was changed outside usher is not used: it could hold doors open, and who is inside is unknown. */
function savedPolicy(store: Meta): string | null {
  try {
    return store.meta(POLICY);
  } catch (error) {
    if (error instanceof UsherError && error.code === 'data-invalid') return '';
    throw error;
  }
}
