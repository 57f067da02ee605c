import { messageOf } from '../../errors';
import type { REFUSALS } from '../reasons';
import { strangeTime } from '../../strange-time';
import { isMacOf, type Protected, readerKeyId, type SwipeScope } from './swipe';

/**
 * A counter may be this much above the last one. A fault that brought it near 2^53 would shut the reader out for ever.
 */
export const COUNTER_LEAP_MAX = 1_000_000;
/** … or be the time, up to this much ahead: in ms, or in microseconds if the reader has always used those. */
const COUNTER_AHEAD_MS = 24 * 3_600_000;

export type SwipeRefusal = Extract<
  keyof typeof REFUSALS,
  | 'missing-mac'
  | 'missing-counter'
  | 'bad-mac'
  | 'clock-doubtful'
  | 'stale'
  | 'from-future'
  | 'duplicate'
  | 'out-of-order'
  | 'counter-leap'
  | 'counter-unsaved'
>;

export type SwipeVerdict =
  { readonly ok: true } | { readonly ok: false; readonly reason: SwipeRefusal; readonly detail: string };

/** Where the last counter of each source is stored. `save` returns when the data is durable, or throws. */
export interface CounterStore {
  load(source: string): number | null;
  save(source: string, counter: number): void;
}

/** The box's clock, and why it is not trusted at present, if so. */
export interface JudgedClock {
  /** Epoch ms. */
  readonly now: () => number;
  readonly doubt: () => string | null;
}

export interface SecuredSource {
  readonly scope: SwipeScope;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** A message's time may differ from the box's by this much, ms. */
  readonly freshMs: number;
}

/**
 * Checks the messages of one reader (or contact) that has a key. The order is MAC, clock, time, counter, so that a
 * message that is not authentic changes and reveals nothing. The counter is saved before the message is acted on. A
 * crash in between loses a swipe, and the person swipes again; the other order would leave a message that could be
 * replayed once. The time limits what the counter cannot: a message that was held back and never arrived has a counter
 * that is still valid.
 */
export class SwipeJudge {
  private readonly source: string;

  constructor(
    private readonly secured: SecuredSource,
    private readonly counters: CounterStore,
    private readonly clock: JudgedClock,
  ) {
    const { scope, key } = secured;
    this.source = counterSource(scope, key);
  }

  judge(message: Protected & { readonly mac?: string | undefined }): SwipeVerdict {
    const { scope, key, freshMs } = this.secured;
    const { mac, counter, at } = message;
    if (mac === undefined) return refuse('missing-mac', 'this reader has a key, so its messages need a MAC');
    if (!isMacOf(mac, key, scope, message)) return refuse('bad-mac', 'the MAC does not belong to this message');
    if (counter === undefined) return refuse('missing-counter', 'a message with a MAC needs a counter');
    if (at !== undefined) {
      const doubt = this.clock.doubt();
      if (doubt !== null) return refuse('clock-doubtful', doubt);
      const age = this.clock.now() - at;
      const guess = strangeTime(at, this.clock.now(), freshMs) ?? '';
      if (age > freshMs) return refuse('stale', `${age} ms old, ${freshMs} allowed: ${guess}`);
      if (-age > freshMs) return refuse('from-future', `${-age} ms ahead of this box's clock: ${guess}`);
    }
    return this.spend(counter);
  }

  private ceiling(last: number | null): number {
    const time = this.clock.now() + COUNTER_AHEAD_MS;
    const inMicroseconds = last === null || last > time;
    return Math.max((last ?? 0) + COUNTER_LEAP_MAX, inMicroseconds ? time * 1000 : time);
  }

  private spend(counter: number): SwipeVerdict {
    try {
      const last = this.counters.load(this.source);
      if (counter === last) return refuse('duplicate', `counter ${counter} was used`);
      if (last !== null && counter < last) return refuse('out-of-order', `counter ${counter} after ${last}`);
      if (counter > this.ceiling(last)) return refuse('counter-leap', `counter ${counter} after ${last ?? 'none'}`);
      this.counters.save(this.source, counter);
      return { ok: true };
    } catch (error) {
      return refuse('counter-unsaved', messageOf(error));
    }
  }
}

/**
 * The name under which a counter is stored. It includes the key's id: a reader with a new key starts from nothing, and
 * messages under the old key stay refused.
 */
export function counterSource(scope: SwipeScope, key: Uint8Array): string {
  const name = 'door' in scope ? `contact.${scope.door}` : `swipe.${scope.reader}`;
  return `${name}.${readerKeyId(key)}`;
}

function refuse(reason: SwipeRefusal, detail: string): SwipeVerdict {
  return { ok: false, reason, detail };
}
