import { type MqttClient } from '../client/client';
import { type RejectReason } from '../inbound/inbound';
import { MQTT_LIMITS } from '../topics/limits';
import { type ContactPayload, type SwipePayload } from '../topics/payloads';

/** When a swipe may be forgotten: both clocks must say so, for the wall clock can be set forward and back again. */
interface Taken {
  /** Machine's monotonic clock, ms. */
  readonly mono: number;
  /** Epoch ms. */
  readonly wall: number;
}

export type SwipeVerdict = 'fresh' | Extract<RejectReason, 'stale' | 'from-future' | 'duplicate' | 'flooded'>;

/**
 * Distinguishes a present swipe from a recorded one, for readers without a key. Prevents that a delayed or repeated
 * message (by a broker, or a lasting session) counts as a person at the door. A copy within the window is recognised by
 * reader, identifier, time and counter; outside the window it is stale. It does not stop a client that may publish on
 * the broker and writes a new one: that needs a reader with a key.
 */
export class SwipeGate {
  private readonly freshMs: number;
  private readonly remembered: number;
  private readonly seen = new Map<string, Taken>();

  constructor(freshMs: number = MQTT_LIMITS.swipeFreshMs, remembered: number = MQTT_LIMITS.swipesRemembered) {
    this.freshMs = freshMs;
    this.remembered = remembered;
  }

  /** @param now epoch ms of this box; @param mono its monotonic clock, ms */
  judge(
    reader: string,
    swipe: SwipePayload | ContactPayload,
    now: number,
    mono: number = performance.now(),
  ): SwipeVerdict {
    if (now - swipe.at > this.freshMs) return 'stale';
    if (swipe.at - now > this.freshMs) return 'from-future';
    this.forget((until) => until.mono < mono && until.wall < now);
    // Swipes that a clock ahead of time let in must not shut the reader out until that time has come.
    if (this.seen.size >= this.remembered) this.forget((until) => until.mono < mono);
    const said = 'id' in swipe ? swipe.id : swipe.open;
    const key = JSON.stringify([reader, said, swipe.at, swipe.counter ?? null]);
    if (this.seen.has(key)) return 'duplicate';
    // Forgetting the oldest instead would let a flood open the way for a copy.
    if (this.seen.size >= this.remembered) return 'flooded';
    const wall = swipe.at + this.freshMs;
    this.seen.set(key, { wall, mono: mono + wall - now });
    return 'fresh';
  }

  private forget(mayGo: (until: Taken) => boolean): void {
    for (const [key, until] of this.seen) if (mayGo(until)) this.seen.delete(key);
  }
}

/** Why a message is refused, or null: it is acted on. */
export type Judgement = { readonly reason: RejectReason; readonly detail: string } | null;

/** Decides about a message on a topic, also for ids that are not configured. */
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
