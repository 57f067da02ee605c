import type { RejectReason, Rejection } from '../inbound/inbound';
import type { CredentialFiles } from '../link/credentials';
import type { LinkHealth, LinkLimits } from '../link/link';
import type { TopicBase } from '../topics/topic-names';
import type { EventQueue } from './event-queue';
import type { RetainedMemory } from './ghosts';

export interface MqttClientOptions extends TopicBase, CredentialFiles {
  readonly url: string;
  readonly username?: string | undefined;
  /** 4 (MQTT 3.1.1, default) or 5. */
  readonly protocolVersion?: 4 | 5 | undefined;
  /** UUID of this run of the process. */
  readonly bootId: string;
  /** Told of every message that is not acted on; the caller limits how often it logs. */
  readonly rejected?: (rejection: Rejection) => void;
  /** Told of every change of `health`. */
  readonly changed?: (health: LinkHealth) => void;
  /** Check outgoing payloads against their schema as well; on in tests. */
  readonly checkOutgoing?: boolean;
  /** What this box had kept on the broker, over restarts; without it, what no longer belongs to it stays there. */
  readonly memory?: RetainedMemory | undefined;
  /** Whether the box as it is configured has something kept on a topic. */
  readonly belongs?: (topic: string) => boolean;
  /** What was taken back, once a run. */
  readonly tookBack?: (topics: readonly string[]) => void;
  /** Where events wait for the broker; without one, in memory. */
  readonly queue?: EventQueue | undefined;
  readonly limits?: Partial<LinkLimits & Readonly<Record<'queuedEvents' | 'echoMs', number>>>;
  readonly now?: () => number;
  readonly random?: () => number;
}

export interface ClientStats {
  readonly connects: number;
  /** Momentary messages that were not sent because there was no connection. */
  readonly dropped: number;
  /** Events that wait now, and events that were pushed out unsent. */
  readonly queued: number;
  readonly overflowed: number;
  readonly rejected: Readonly<Partial<Record<RejectReason, number>>>;
}
