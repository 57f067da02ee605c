import { UsherError } from '../../errors';
import { INBOUND_RATES, MQTT_LIMITS } from '../topics/limits';
import { type TopicBase, topicOf } from '../topics/topic-names';
import type { InboundRouter } from './inbound';
import { InboundRates, type Dropped } from './inbound-rates';

export interface FloodGuardOptions {
  readonly base: TopicBase;
  readonly router: InboundRouter;
  /** Asks the broker again for what it keeps on these topics. */
  readonly resubscribe: (filters: { filter: string; qos: 0 | 1 }[]) => void;
  /** Called after every look, which may have changed `problem`. */
  readonly looked: () => void;
}

/** Keeps a flood of messages away from the box: a rate for every topic, and a look at regular times at what was dropped. */
export class FloodGuard {
  private readonly rates = new InboundRates(INBOUND_RATES.unknown, () => performance.now());
  private readonly flood = new FloodWatch();
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly options: FloodGuardOptions) {}

  get problem(): UsherError | null {
    return this.flood.problem;
  }

  /** Whether a message on this topic is taken in. */
  admit(topic: string): boolean {
    return this.rates.admit(topic);
  }

  start(): void {
    this.limitTopics();
    this.timer ??= setInterval(() => this.look(), MQTT_LIMITS.floodCheckMs);
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  private limitTopics(): void {
    const { rates } = this;
    const { base, router } = this.options;
    const status = topicOf('status', {}, base);
    rates.topic(status, INBOUND_RATES.own);
    rates.topic(topicOf('commandResult', {}, base), INBOUND_RATES.own);
    rates.topic(topicOf('discovery', {}, base), INBOUND_RATES.own);
    router.limit(rates);
    rates.prefix('usher/v1/fleet/', INBOUND_RATES.updateData);
    rates.prefix(status.replace(/status$/, ''), INBOUND_RATES.own);
  }

  private look(): void {
    const { router, resubscribe, looked } = this.options;
    const dropped = this.rates.takeDropped();
    for (const { count } of dropped) router.countFlooded(count);
    const over = this.flood.note(dropped, performance.now());
    // What was published last to be kept may have been among what was dropped.
    resubscribe(over.flatMap((topic) => router.stateFilters(topic)));
    looked();
  }
}

const NAMED = 3;

/** Whether this box is being flooded, from the messages dropped each second. */
class FloodWatch {
  /** Topic → when something was last dropped there, monotonic ms. */
  private readonly flooded = new Map<string, { readonly at: number; readonly perSecond: number }>();

  /** @returns the topics whose flood has ended: their retained messages must be requested again */
  note(dropped: readonly Dropped[], now: number): string[] {
    for (const { topic, limit } of dropped) this.flooded.set(topic, { at: now, perSecond: 1000 / limit.everyMs });
    const ended = [...this.flooded].filter(([, { at }]) => now - at >= MQTT_LIMITS.floodOverMs).map(([topic]) => topic);
    for (const topic of ended) this.flooded.delete(topic);
    return ended;
  }

  /** Says the same for as long as the same topics are flooded: it goes into the log at every change. */
  get problem(): UsherError | null {
    if (this.flooded.size === 0) return null;
    const named = [...this.flooded].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, NAMED);
    const topics = named.map(([topic, { perSecond }]) => `${topic} (at most ${perSecond} a second)`).join(', ');
    const more = this.flooded.size > NAMED ? ` and ${this.flooded.size - NAMED} more` : '';
    return new UsherError(
      'broker-failed',
      `more messages arrive than this box accepts, the rest is dropped: ${topics}${more}`,
      {
        remedy: 'find the publisher in the broker’s log, and revoke its access or certificate',
      },
    );
  }
}
