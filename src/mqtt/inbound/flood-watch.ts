import { UsherError } from '../../errors';
import { MQTT_LIMITS } from '../topics/limits';
import { type Dropped } from './inbound-rates';

const NAMED = 3;

/** Whether this box is being flooded, from the messages dropped each second. */
export class FloodWatch {
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
