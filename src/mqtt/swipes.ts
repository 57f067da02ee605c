import { type MqttClient } from './client';
import { type RejectReason } from './inbound';
import { MQTT_LIMITS } from './limits';
import { type ContactPayload, type SwipePayload } from './payloads';

export type SwipeVerdict = 'fresh' | Extract<RejectReason, 'stale' | 'from-future' | 'duplicate' | 'flooded'>;

/**
 * Tells a swipe that happens now from a recording of one, for readers without a key. Stops a message that was held up or sent
 * again (by a broker, or a lasting session) from standing for a person at the door. A copy within the window is known by
 * reader, identifier, time and counter; outside the window it is stale. It does not stop whoever may publish on the broker and
 * writes a new one: that takes a reader with a key.
 */
export class SwipeGate {
  private readonly freshMs: number;
  private readonly remembered: number;
  /** Key of a swipe → when it may be forgotten. Insertion order is close to the order of expiry. */
  private readonly seen = new Map<string, number>();

  constructor(freshMs: number = MQTT_LIMITS.swipeFreshMs, remembered: number = MQTT_LIMITS.swipesRemembered) {
    this.freshMs = freshMs;
    this.remembered = remembered;
  }

  /** @param now epoch ms of this box. */
  judge(reader: string, swipe: SwipePayload | ContactPayload, now: number): SwipeVerdict {
    if (now - swipe.at > this.freshMs) return 'stale';
    if (swipe.at - now > this.freshMs) return 'from-future';
    for (const [key, until] of this.seen) if (until < now) this.seen.delete(key);
    const said = 'id' in swipe ? swipe.id : swipe.open;
    const key = JSON.stringify([reader, said, swipe.at, swipe.counter ?? null]);
    if (this.seen.has(key)) return 'duplicate';
    // Forgetting the oldest instead would let a flood open the way for a copy.
    if (this.seen.size >= this.remembered) return 'flooded';
    this.seen.set(key, swipe.at + this.freshMs);
    return 'fresh';
  }
}

/** Why a message is refused, or null: it is acted on. */
export type Judgement = { readonly reason: RejectReason; readonly detail: string } | null;

/** Decides on what came in on a topic; ids that nobody configured included. */
export interface IntakeJudge {
  swipe(reader: string, swipe: SwipePayload): Judgement;
  contact(door: string, contact: ContactPayload): Judgement;
}

export interface IntakeEvents {
  swipe(reader: string, swipe: SwipePayload): void;
  contact(door: string, contact: ContactPayload): void;
}

/**
 * Hands over each swipe and contact once, at the time it happens; refusals are reported and counted. Before `client.start()`.
 * @param configured readers and doors that there are
 */
export function takeInputs(
  client: Pick<MqttClient, 'subscribe' | 'reject'>,
  judge: IntakeJudge,
  events: IntakeEvents,
  { readers, doors }: { readonly readers: readonly string[]; readonly doors: readonly string[] },
): void {
  client.subscribe(
    'swipe',
    ({ topic, params: { reader }, payload }) => {
      const refused = judge.swipe(reader, payload);
      if (refused === null) events.swipe(reader, payload);
      else client.reject('swipe', topic, refused.reason, refused.detail);
    },
    {},
    () => readers,
  );
  client.subscribe(
    'contact',
    ({ topic, params: { door }, payload }) => {
      const refused = judge.contact(door, payload);
      if (refused === null) events.contact(door, payload);
      else client.reject('contact', topic, refused.reason, refused.detail);
    },
    {},
    () => doors,
  );
}
