/** What the house and the MQTT library tell each other; no type of the library crosses this line. */
export interface Will {
  readonly topic: string;
  readonly payload: string;
}

export interface ConnectionSettings {
  readonly url: string;
  readonly clientId: string;
  /** 4 is MQTT 3.1.1. */
  readonly protocolVersion: 4 | 5;
  readonly keepaliveSeconds: number;
  readonly connectMs: number;
  readonly maxPacketBytes: number;
  /** Retained, QoS 1. Null for a guest, whose absence means nothing. */
  readonly will: Will | null;
  readonly username?: string;
  readonly password?: string;
  /** PEM. Without `ca` the authorities of the system are trusted. */
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** Whether a message on this topic is taken in at all; asked before it is parsed. Without it, every one. */
  readonly admit?: ((topic: string) => boolean) | undefined;
}

export interface InboundPacket {
  readonly topic: string;
  readonly payload: Buffer;
  /** Kept by the broker from earlier (or, with MQTT 5, published to be kept). */
  readonly retain: boolean;
  readonly dup: boolean;
}

export interface ConnectionEvents {
  up(): void;
  message(packet: InboundPacket): void;
  /** Exactly once, whatever ends the connection; `cause` is what the library threw, or null for a plain close. */
  down(cause: unknown): void;
}

export interface SendOptions {
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** MQTT 5 alone: the broker drops the message after so long. */
  readonly expirySeconds?: number;
}
