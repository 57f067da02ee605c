import { UsherError } from '../../errors';
import { MQTT_LIMITS } from '../topics/limits';
import { type OutKey, TOPICS } from '../topics/topics';
import { type TopicBase, filterOf, paramsOf, topicOf } from '../topics/topic-names';
import { type InboundPacket } from '../topics/wire';

/** What became of an event: `unconfirmable`: the broker gives no sign, and has given none for longer than is waited for. */
export type Confirmation = 'confirmed' | 'held' | 'unconfirmable';

export interface DeliveryOptions {
  readonly base: TopicBase;
  readonly monotonicMs: () => number;
  readonly echoMs: number;
  /** MQTT 5: the broker's acknowledgement says whether the message was authorised. */
  readonly acknowledged: boolean;
}

/** What is known of all topics of one key. */
interface Sign {
  /** Something that was published there has come back at least once: what does not come back was swallowed. */
  seen: boolean;
  silent: number;
  silentSince: number;
  unconfirmable: boolean;
}

interface Pending {
  payload: string;
  readonly since: number;
  readonly done: ((confirmation: Confirmation) => void)[];
}

interface Trouble {
  readonly what: 'swallowed' | 'unconfirmed' | 'refused' | 'too-large';
  readonly detail: string;
}

const OWN = (Object.keys(TOPICS) as (keyof typeof TOPICS)[]).filter(
  (key): key is OutKey => TOPICS[key].direction === 'out' && key !== 'status',
);

/**
 * Detects messages that a broker does not deliver. MQTT 3.1.1 cannot say "not authorised": a broker acknowledges such a
 * message and drops it, and drops what is too large. So this device subscribes to its own topics and notices what does
 * not come back. A broker that allows writing but not reading looks like one that drops; that is reported, and nothing
 * waits for it for ever.
 */
export class DeliveryWatch {
  private readonly options: DeliveryOptions;
  private readonly pending = new Map<string, Pending>();
  private readonly signs = new Map<OutKey, Sign>();
  private readonly troubles = new Map<string, Trouble>();
  /** Large messages without an acknowledgement, by topic, and how often in a row a connection ended upon the largest of them. */
  private readonly onTheWay = new Map<string, { readonly bytes: number; readonly at: number }>();
  private readonly cuts = new Map<string, number>();
  /** Topic → until when nothing is sent there. */
  private readonly banned = new Map<string, number>();

  constructor(options: DeliveryOptions) {
    this.options = options;
  }

  /** What to subscribe to on the main connection and on the door's. */
  filters(door: boolean): { filter: string; qos: 0 | 1 }[] {
    return OWN.filter((key) => (key === 'unlock') === door).map((key) => ({
      // The wildcard would be every device of the house.
      filter: key === 'discovery' ? topicOf(key, {}, this.options.base) : filterOf(key, this.options.base),
      qos: TOPICS[key].qos,
    }));
  }

  /** Whether a message on this topic has not been the end of one connection after the other. */
  mayGo(topic: string): boolean {
    return (this.banned.get(topic) ?? -Infinity) <= this.options.monotonicMs();
  }

  /** Before the broker has answered. */
  sent(topic: string, payload: string): void {
    if (payload.length >= MQTT_LIMITS.suspectBytes)
      this.onTheWay.set(topic, { bytes: Buffer.byteLength(payload), at: this.options.monotonicMs() });
    const before = this.pending.get(topic);
    if (before === undefined) this.pending.set(topic, { payload, since: this.options.monotonicMs(), done: [] });
    else before.payload = payload;
  }

  /** The broker acknowledged it. */
  acknowledged(topic: string): void {
    this.onTheWay.delete(topic);
    this.cuts.delete(topic);
    if (this.options.acknowledged) this.came(topic);
  }

  /** The connection refused it, or the broker by a reason code. Of a connection that ended, nothing is said. */
  failed(topic: string, error: unknown): void {
    this.settle(topic, 'held');
    this.onTheWay.delete(topic);
    const { code, message = topic } = error as { code?: unknown; message?: string };
    if (code === 'ETOOLARGE') this.troubles.set(topic, { what: 'too-large', detail: message });
    else if (typeof code === 'number')
      this.troubles.set(topic, { what: 'refused', detail: `${topic} (reason code ${code})` });
  }

  /** Whether the event that was just acknowledged has been passed on. */
  confirm(topic: string): Promise<Confirmation> {
    const pending = this.pending.get(topic);
    if (pending === undefined) return Promise.resolve('confirmed');
    if (this.signOf(topic)?.unconfirmable !== false) return Promise.resolve('unconfirmable');
    return new Promise((resolve) => pending.done.push(resolve));
  }

  /** Takes a received message. True for a topic of what this box publishes, which nothing else here reads. */
  heard({ topic, payload }: InboundPacket): boolean {
    const pending = this.pending.get(topic);
    if (pending !== undefined && pending.payload === payload.toString()) this.came(topic);
    return pending !== undefined || this.keyOf(topic) !== null;
  }

  /**
   * A connection ended: what was on its way is not missed. A broker of MQTT 3.1.1 cuts the connection for a message that is too
   * large, and has no word for it: what is the largest at one end after the other is not sent again.
   */
  down(door: boolean): void {
    for (const topic of [...this.pending.keys()])
      if ((this.keyOf(topic) === 'unlock') === door) this.settle(topic, 'held');
    if (door) return;
    const now = this.options.monotonicMs();
    const [largest] = [...this.onTheWay]
      .filter(([, { at }]) => now - at <= MQTT_LIMITS.cutMs)
      .sort(([, a], [, b]) => b.bytes - a.bytes);
    this.onTheWay.clear();
    if (largest === undefined) return;
    const [topic, { bytes }] = largest;
    const times = (this.cuts.get(topic) ?? 0) + 1;
    this.cuts.clear();
    this.cuts.set(topic, times);
    if (times < MQTT_LIMITS.cutTries) return;
    this.banned.set(topic, now + MQTT_LIMITS.tooLargeMs);
    const detail = `${topic} (${bytes} bytes: the broker cut the connection ${times} times when it came)`;
    this.troubles.set(topic, { what: 'too-large', detail });
  }

  /** Now and then: what has not come back for too long is missed. */
  tick(): void {
    const now = this.options.monotonicMs();
    for (const [topic, { since }] of this.pending) {
      if (now - since < this.options.echoMs) continue;
      const sign = this.signOf(topic);
      if (sign === null) continue;
      if (sign.silent++ === 0) sign.silentSince = now;
      const waited = now - sign.silentSince;
      sign.unconfirmable ||= sign.seen
        ? waited >= MQTT_LIMITS.swallowedHoldMs
        : sign.silent >= MQTT_LIMITS.unconfirmedTries;
      this.troubles.set(topic, { what: sign.seen ? 'swallowed' : 'unconfirmed', detail: topic });
      this.settle(topic, sign.unconfirmable ? 'unconfirmable' : 'held');
    }
  }

  /** Says the same for as long as the same topics are concerned: it goes into the log at every change. */
  get problem(): UsherError | null {
    for (const [what, explanation] of EXPLANATIONS) {
      const found = [...this.troubles.values()].filter((trouble) => trouble.what === what).map(({ detail }) => detail);
      if (found.length === 0) continue;
      const named = found.sort().slice(0, NAMED).join(', ');
      const more = found.length > NAMED ? ` and ${found.length - NAMED} more` : '';
      return new UsherError('broker-failed', explanation.message(`${named}${more}`), { remedy: explanation.remedy });
    }
    return null;
  }

  private came(topic: string): void {
    const sign = this.signOf(topic);
    if (sign !== null) Object.assign(sign, { seen: true, silent: 0, unconfirmable: false });
    this.troubles.delete(topic);
    this.settle(topic, 'confirmed');
  }

  private settle(topic: string, confirmation: Confirmation): void {
    const pending = this.pending.get(topic);
    this.pending.delete(topic);
    for (const done of pending?.done ?? []) done(confirmation);
  }

  private keyOf(topic: string): OutKey | null {
    if (topic === topicOf('discovery', {}, this.options.base)) return 'discovery';
    return OWN.find((key) => key !== 'discovery' && paramsOf(key, topic, this.options.base) !== null) ?? null;
  }

  private signOf(topic: string): Sign | null {
    const key = this.keyOf(topic);
    if (key === null) return null;
    const sign = this.signs.get(key) ?? { seen: false, silent: 0, silentSince: 0, unconfirmable: false };
    this.signs.set(key, sign);
    return sign;
  }
}

const NAMED = 3;
const RULES = 'device-config/mosquitto/acl has an example';

/** The worst first. */
const EXPLANATIONS: readonly (readonly [
  Trouble['what'],
  { readonly message: (topics: string) => string; readonly remedy: string },
])[] = [
  [
    'too-large',
    {
      message: (topics) => `not sent, because it is larger than the broker allows: ${topics}`,
      remedy:
        'raise its limit (mosquitto: max_packet_size) and restart usher, or, for the message to Home Assistant, set mqtt.discovery: false',
    },
  ],
  [
    'refused',
    {
      message: (topics) => `the broker refuses what this box publishes: ${topics}`,
      remedy: `let this box write these topics in the access rules of the broker; ${RULES}`,
    },
  ],
  [
    'swallowed',
    {
      message: (topics) => `published, and the broker did not pass it on: ${topics}`,
      remedy: `its access rules (or a limit on the size of messages) drop it silently: let this box write these topics; ${RULES}`,
    },
  ],
  [
    'unconfirmed',
    {
      message: (topics) => `published, and it cannot be confirmed that the broker passes it on: ${topics}`,
      remedy: `let this box write these topics, and read them too, because it listens for its own messages; ${RULES}`,
    },
  ],
];
