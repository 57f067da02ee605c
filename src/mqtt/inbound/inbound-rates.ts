import { type RateLimit, TokenBucket } from '../../rx/token-bucket';

/** What was dropped on one topic, or on the topics that begin alike, since the last report. */
export interface Dropped {
  readonly topic: string;
  readonly count: number;
  readonly limit: RateLimit;
}

interface Group {
  readonly topic: string;
  readonly limit: RateLimit;
  readonly bucket: TokenBucket;
  dropped: number;
}

/**
 * How many messages are accepted on which topic. Known topics have a limit each; unknown ones share one limit by
 * prefix. So memory is limited by the configuration, and work by one look-up and a few comparisons.
 */
export class InboundRates {
  private readonly monotonicMs: () => number;
  private readonly exact = new Map<string, Group>();
  private readonly prefixes: (readonly [prefix: string, group: Group])[] = [];
  private readonly rest: Group;

  constructor(others: RateLimit, monotonicMs: () => number) {
    this.monotonicMs = monotonicMs;
    this.rest = groupOf('other topics', others);
  }

  /** A topic with its own limit. */
  topic(topic: string, limit: RateLimit): void {
    if (!this.exact.has(topic)) this.exact.set(topic, groupOf(topic, limit));
  }

  /** Topics that begin so and are not known share a limit; the first prefix that fits counts. */
  prefix(prefix: string, limit: RateLimit): void {
    this.prefixes.push([prefix, groupOf(`${prefix}…`, limit)]);
  }

  admit(topic: string): boolean {
    const group = this.groupOf(topic);
    if (group.bucket.take(this.monotonicMs())) return true;
    group.dropped++;
    return false;
  }

  /** What was dropped since the last call. */
  takeDropped(): Dropped[] {
    const groups = [...this.exact.values(), ...this.prefixes.map(([, group]) => group), this.rest];
    const dropped = groups.filter((group) => group.dropped > 0);
    const report = dropped.map(({ topic, dropped: count, limit }) => ({ topic, count, limit }));
    for (const group of dropped) group.dropped = 0;
    return report;
  }

  private groupOf(topic: string): Group {
    const exact = this.exact.get(topic);
    if (exact !== undefined) return exact;
    for (const [prefix, group] of this.prefixes) if (topic.startsWith(prefix)) return group;
    return this.rest;
  }
}

function groupOf(topic: string, limit: RateLimit): Group {
  return { topic, limit, bucket: new TokenBucket(limit), dropped: 0 };
}
