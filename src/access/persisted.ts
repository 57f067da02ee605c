import { UsherError } from '../errors';
import type { Store } from '../store/store';
import type { LedgerStore } from './command-ledger';
import type { CounterStore } from './swipe-judge';

type Meta = Pick<Store, 'meta' | 'setMeta'>;

/** Counters in the store's small facts: committed and synced when `save` returns. */
export function countersIn(store: Meta): CounterStore {
  return {
    load(source) {
      const text = store.meta(`counter.${source}`);
      if (text === null) return null;
      // Guessing here would open the door to every message since: a person must look.
      if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(Number(text)))
        throw new UsherError('store-unavailable', `the last counter of ${source} is damaged`, {
          remedy: 'Give this reader a new key, on both sides.',
        });
      return Number(text);
    },
    save: (source, counter) => store.setMeta(`counter.${source}`, String(counter)),
  };
}

export function ledgerIn(store: Meta): LedgerStore {
  return { load: () => store.meta('commands.ledger'), save: (text) => store.setMeta('commands.ledger', text) };
}
