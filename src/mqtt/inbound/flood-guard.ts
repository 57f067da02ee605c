import type { UsherError } from '../../errors';
import { INBOUND_RATES, MQTT_LIMITS } from '../topics/limits';
import { type TopicBase, topicOf } from '../topics/topic-names';
import { FloodWatch } from './flood-watch';
import type { InboundRouter } from './inbound';
import { InboundRates } from './inbound-rates';

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
