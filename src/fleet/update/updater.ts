import type { UpdateReportedPayload } from '../../mqtt/topics/update-payloads';
import { ChannelUpdater } from './channel-updater';
import type { ChannelParts } from './channel-work';
import { type Desired, type HeardOn, rolloutPlace, WHOLE_FLEET } from '../release';
import { ReleaseRefused } from '../refusal';
import { messageOf } from '../../errors';
import type { DesiredOffer } from './update-events';

export interface UpdaterBox {
  readonly site: string;
  readonly device: string;
  readonly groups: readonly string[];
  readonly usher: string;
  readonly arch: string;
}

export interface UpdaterParts extends Omit<ChannelParts, 'changed' | 'placeOf'> {
  readonly box: UpdaterBox;
  readonly publish: (payload: UpdateReportedPayload) => void;
  /** Channels of this box, including those without any release. */
  readonly channels: readonly string[];
  /** Interval of the check for an operator's order at the box; null: no check. */
  readonly orderMs?: number | null;
}

/** Progress of a transfer is reported at most this often; every change of state at once. */
const PROGRESS_MS = 1000;
const ORDER_MS = 500;
/** A box cannot have more channels than fit into a report. */
const CHANNELS_MAX = 16;

/**
 * The updates of this box: hears what the fleet wants, authenticates it, hands each channel its offer, and says on
 * `update/reported` what is so. A document of the box itself counts before those of its groups, and those before the fleet's.
 */
export class Updater {
  private readonly channels = new Map<string, ChannelUpdater>();
  /** The newest authentic document of each place. */
  private readonly desired = new Map<string, Desired>();
  private readonly authenticating = new Map<string, Promise<void>>();
  private reportTimer: NodeJS.Timeout | null = null;
  private orderTimer: NodeJS.Timeout | null = null;
  private stopped = false;

  constructor(private readonly parts: UpdaterParts) {}

  /** Continues from the stored states, before any message is received. */
  start(): void {
    const { slots, channels } = this.parts;
    for (const channel of new Set([...channels, ...slots.channels])) this.channelOf(channel)?.start();
    const { orderMs = ORDER_MS } = this.parts;
    if (orderMs !== null) this.orderTimer = setInterval(() => this.takeOrders(), orderMs);
    this.report();
  }

  /** Resolves when nothing runs any more; interrupted work continues after the next start. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.reportTimer !== null) clearTimeout(this.reportTimer);
    if (this.orderTimer !== null) clearInterval(this.orderTimer);
    await Promise.all([...this.channels.values()].map((channel) => channel.stop()));
  }

  /** Bytes from a topic for offers, untrusted until authenticated. Documents of one place are handled in order. */
  hear(bytes: Uint8Array, heardOn: HeardOn): Promise<void> {
    const place = placeOf(heardOn);
    const before = this.authenticating.get(place) ?? Promise.resolve();
    const taken = before.then(() => this.take(bytes, heardOn));
    this.authenticating.set(place, taken);
    return taken;
  }

  private async take(bytes: Uint8Array, heardOn: HeardOn): Promise<void> {
    if (this.stopped) return;
    try {
      this.desired.set(placeOf(heardOn), await this.parts.verifier.authenticate(bytes, heardOn));
    } catch (error) {
      this.parts.log.warn(messageOf(error), {
        heardOn: placeOf(heardOn),
        ...(error instanceof ReleaseRefused ? { reason: error.reason } : {}),
      });
      return;
    }
    this.applyDesired();
  }

  private applyDesired(): void {
    if (this.stopped) return;
    const offers = this.wanted();
    for (const channel of offers.keys())
      if (!this.channels.has(channel)) {
        const made = this.channelOf(channel);
        made?.start();
      }
    for (const [name, channel] of this.channels) {
      const applyDesired = offers.get(name);
      const from = channel.state.candidate?.from;
      // After a start the documents arrive one by one: the fleet's document does not say what the box's document
      // contains.
      if (applyDesired !== undefined) channel.want(applyDesired);
      else if (from === undefined || this.desired.has(from)) channel.want(null);
    }
  }

  /** One offer a channel: the box's own, else that of the first of its groups that has one, else the fleet's. */
  private wanted(): Map<string, DesiredOffer> {
    const { site, device, groups } = this.parts.box;
    const places: HeardOn[] = [
      { kind: 'group', group: WHOLE_FLEET },
      ...[...groups].reverse().map((group) => ({ kind: 'group' as const, group })),
      { kind: 'device', site, device },
    ];
    const offers = new Map<string, DesiredOffer>();
    for (const from of places.map(placeOf))
      for (const offer of this.desired.get(from)?.offers ?? []) offers.set(offer.channel, { offer, from });
    return offers;
  }

  private channelOf(name: string): ChannelUpdater | null {
    const known = this.channels.get(name);
    if (known !== undefined) return known;
    if (this.channels.size >= CHANNELS_MAX) return null;
    const { site, device } = this.parts.box;
    const channel = new ChannelUpdater(name, {
      ...this.parts,
      placeOf: (release) => rolloutPlace(release, site, device),
      changed: () => this.changed(),
    });
    this.channels.set(name, channel);
    return channel;
  }

  /** A change of state is reported at once, bytes from time to time. */
  private changed(): void {
    // All but the bytes, whose count is not worth a message each.
    const { channels } = this.reported();
    const state = JSON.stringify(channels.map((channel) => ({ ...channel, bytes: null })));
    if (state !== this.lastPublished) {
      this.lastPublished = state;
      this.report();
    } else this.reportTimer ??= setTimeout(() => this.report(), PROGRESS_MS);
  }
  private lastPublished = '';

  private report(): void {
    if (this.reportTimer !== null) clearTimeout(this.reportTimer);
    this.reportTimer = null;
    if (this.stopped) return;
    this.parts.publish(this.reported());
  }

  private reported(): UpdateReportedPayload {
    const { box, slots, target: target, now } = this.parts;
    return {
      v: 1,
      at: Math.round(now()),
      usher: box.usher,
      arch: box.arch,
      groups: [...box.groups],
      channels: [...this.channels.values()]
        .map(({ channel, state, bytes }) => {
          const { active, previous } = slots.pointer(channel);
          const brought = target.running(channel);
          const { candidate } = state;
          return {
            channel,
            active: active ?? (brought === null ? null : { release: null, version: brought.version }),
            previous,
            state: state.state,
            candidate:
              candidate === null ? null : { release: candidate.offer.release, version: candidate.offer.version },
            bytes,
            attempt: state.attempt,
            since: state.since,
            reason: state.reason,
            detail: state.detail,
            agreement: state.agreement,
          };
        })
        .map(({ active, previous, ...rest }) => ({ ...rest, active: named(active), previous: named(previous) })),
    };
  }

  private takeOrders(): void {
    const { slots } = this.parts;
    for (const channel of slots.ordered) {
      this.channels.get(channel)?.rollback('ordered', 'an operator at the box rolled it back');
      slots.settleOrder(channel);
    }
  }
}

function named<R extends string | null>(one: { readonly release: R; readonly version: string } | null) {
  return one === null ? null : { release: one.release, version: one.version };
}

function placeOf(heardOn: HeardOn): string {
  return heardOn.kind === 'group' ? `group ${heardOn.group}` : `device ${heardOn.site}/${heardOn.device}`;
}
