import { messageOf } from '../../errors';
import { decode, type DecodeRefusal } from '../topics/decode';
import { type InKey, type PayloadOf, TOPICS } from '../topics/topics';
import { type ParamsOf, type TopicBase, filterOf, filtersOf, paramsOf } from '../topics/topic-names';
import { type InboundRates } from './inbound-rates';
import { INBOUND_RATES } from '../topics/limits';
import { type InboundPacket } from '../topics/wire';

/** Why a command was not taken as its sender's. */
export type SignatureRefusal =
  | 'unsigned'
  | 'unknown-key'
  | 'bad-signature'
  | 'clock-doubtful'
  | 'expired'
  | 'from-future'
  | 'replayed'
  | 'counter-unsaved';

/** Why a message was not acted on. */
export type RejectReason =
  | DecodeRefusal
  | 'retained'
  | 'unknown-topic'
  | 'unknown-reader'
  | 'unknown-contact'
  | 'wrong-source'
  | 'missing-mac'
  | 'missing-counter'
  | 'bad-mac'
  | 'out-of-order'
  | 'counter-leap'
  | 'counter-unsaved'
  | 'malformed-line'
  | SignatureRefusal
  | 'stale'
  | 'from-future'
  | 'duplicate'
  | 'flooded'
  | 'handler-failed';

export interface Rejection {
  readonly key: InKey | null;
  /** Shortened and without control characters: fit for a log. */
  readonly topic: string;
  readonly reason: RejectReason;
  readonly detail: string;
}

export interface Inbound<K extends InKey> {
  readonly topic: string;
  readonly params: ParamsOf<K>;
  readonly payload: PayloadOf<K>;
  readonly dup: boolean;
}

export type InboundHandler<K extends InKey> = (message: Inbound<K>) => void;
/** Values of a topic's placeholders that matter; a placeholder that is not named may be anything. */
export type Only<K extends InKey> = { readonly [P in keyof ParamsOf<K>]?: readonly string[] };

interface Handler {
  readonly handle: InboundHandler<InKey>;
  readonly only: Only<InKey>;
  readonly names: () => readonly string[];
}

/** Routes packets to handlers by topic key. Never throws, whatever arrives: all that is not handled is reported and counted. */
export class InboundRouter {
  private readonly base: TopicBase;
  private readonly rejected: (rejection: Rejection) => void;
  private readonly handlers = new Map<InKey, Handler>();
  private readonly counts = new Map<RejectReason, number>();

  constructor(base: TopicBase, rejected: (rejection: Rejection) => void) {
    this.base = base;
    this.rejected = rejected;
  }

  /**
   * One handler a key; call before the connection is made. `only`: the parameters that are listened to, all where it names none.
   * `names`: those that are configured, asked for once the connection is wanted; each is limited by itself.
   */
  on<K extends InKey>(
    key: K,
    handle: InboundHandler<K>,
    only: Only<K> = {},
    names: () => readonly string[] = () => [],
  ): void {
    if (this.handlers.has(key)) throw new Error(`two handlers for topic ${key}`);
    this.handlers.set(key, { handle, only, names });
  }

  /** Of the keys that there are handlers for. */
  filters(wanted: (key: InKey) => boolean): { filter: string; qos: 0 | 1 }[] {
    return [...this.handlers]
      .filter(([key]) => wanted(key))
      .flatMap(([key, { only }]) =>
        filtersOf(key, this.base, only).map((filter) => ({ filter, qos: TOPICS[key].qos })),
      );
  }

  /** A limit for each topic that is listened to. */
  limit(rates: InboundRates): void {
    for (const [key, { only, names }] of this.handlers) {
      const rate = INBOUND_RATES[key];
      for (const filter of filtersOf(key, this.base, only)) {
        if (!filter.includes('+')) rates.topic(filter, rate);
        else {
          for (const name of names()) rates.topic(filter.replace('+', name), rate);
          rates.prefix(filter.slice(0, filter.indexOf('+')), INBOUND_RATES.unknown);
        }
      }
    }
  }

  /** Filters of state that covers this topic: after a flood it is asked for again. */
  stateFilters(topic: string): { filter: string; qos: 0 | 1 }[] {
    return this.filters((key) => TOPICS[key].delivery === 'state').filter(({ filter }) => filter === topic);
  }

  get rejections(): Readonly<Partial<Record<RejectReason, number>>> {
    return Object.fromEntries(this.counts);
  }

  dispatch(message: InboundPacket): void {
    // command/+ covers command/result, which is our own voice.
    if (message.topic === filterOf('commandResult', this.base)) return;
    for (const [key, { handle, only }] of this.handlers) {
      const params = paramsOf(key, message.topic, this.base);
      if (params === null || !isMeant(params, only)) continue;
      // A broker hands a retained message to everyone who subscribes: a swipe from last week would open the door at each reconnect.
      if (message.retain && TOPICS[key].delivery !== 'state')
        return this.reject(key, message.topic, 'retained', 'a momentary message was published to be kept');
      const decoded = decode(TOPICS[key].payload, message.payload);
      if (!decoded.ok) return this.reject(key, message.topic, decoded.reason, decoded.detail);
      try {
        handle({ topic: message.topic, params, payload: decoded.value, dup: message.dup });
      } catch (error) {
        this.reject(key, message.topic, 'handler-failed', messageOf(error));
      }
      return;
    }
    this.reject(null, message.topic, 'unknown-topic', 'no such topic, or a part of it is not an identifier');
  }

  /** Messages that were dropped before they were looked at. */
  countFlooded(count: number): void {
    this.counts.set('flooded', (this.counts.get('flooded') ?? 0) + count);
  }

  reject(key: InKey | null, topic: string, reason: RejectReason, detail: string): void {
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1);
    this.rejected({ key, topic: printable(topic), reason, detail });
  }
}

function isMeant(params: Readonly<Record<string, string>>, only: Readonly<Record<string, readonly string[]>>): boolean {
  return Object.entries(only).every(([name, values]) => values.includes(params[name] ?? ''));
}

function printable(topic: string): string {
  const plain = topic.replace(/[^\x20-\x7e]/g, '?');
  return plain.length > 200 ? `${plain.slice(0, 200)}…` : plain;
}
