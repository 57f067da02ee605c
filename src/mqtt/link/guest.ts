import { randomUUID } from 'node:crypto';
import { maskAddress } from '../../address';
import { UsherError } from '../../errors';
import { secrets } from '../../secrets';
import { Connection } from './connection';
import { type CredentialFiles, readCredentials } from './credentials';
import { withDeadline } from './deadline';
import { MQTT_LIMITS } from '../topics/limits';
import { type BrokerKeys, explainBrokerProblem } from './problems';
import { type InboundPacket } from '../topics/wire';

export interface GuestOptions extends CredentialFiles {
  readonly url: string;
  readonly username?: string | undefined;
  readonly protocolVersion?: 4 | 5 | undefined;
  readonly connectMs?: number;
  /** Where the operator gave these, for messages. */
  readonly named?: BrokerKeys | undefined;
}

/**
 * A short connection to a broker, for command-line tools: with its own client id, without status, last will and retry.
 * (With a device's client id the broker would disconnect the device.)
 */
export class Guest {
  private constructor(
    private readonly connection: Connection,
    private readonly url: string,
    private readonly named: BrokerKeys,
  ) {}

  /** @throws UsherError `broker-failed`, `file-unreadable` */
  static async connect(
    options: GuestOptions,
    heard: (packet: InboundPacket) => void = () => undefined,
  ): Promise<Guest> {
    const { url, username, protocolVersion = 4, connectMs = MQTT_LIMITS.connectMs, named = 'device' } = options;
    secrets.learnAddress(url);
    const credentials = await readCredentials(options, named);
    let connection: Connection | null = null;
    const up = new Promise<void>((resolve, reject) => {
      connection = new Connection(
        {
          ...credentials,
          ...(username === undefined ? {} : { username }),
          url,
          clientId: `usher-guest-${randomUUID().slice(0, 8)}`,
          protocolVersion,
          keepaliveSeconds: MQTT_LIMITS.keepaliveSeconds,
          connectMs,
          maxPacketBytes: MQTT_LIMITS.clientPacketBytes,
          will: null,
        },
        { up: resolve, message: heard, down: (cause) => reject(explainBrokerProblem(cause, url, named)) },
      );
      connection.open();
    });
    await withDeadline(connectMs, up, () => {
      connection?.drop();
      throw new UsherError('broker-failed', `MQTT broker ${maskAddress(url)}: no answer within ${connectMs} ms`);
    });
    return new Guest(connection as unknown as Connection, url, named);
  }

  /** @throws UsherError `broker-failed` */
  subscribe(filter: string): Promise<void> {
    return this.explained(this.connection.subscribe([{ filter, qos: 1 }]));
  }

  /** Resolves when the broker has acknowledged it and keeps it; an empty one is taken back. @throws UsherError `broker-failed` */
  retain(topic: string, payload: string | Buffer): Promise<void> {
    return this.explained(this.connection.send(topic, payload, { qos: 1, retain: true }));
  }

  /** Resolves when the broker has acknowledged it. Never retained. @throws UsherError `broker-failed` */
  publish(topic: string, payload: object): Promise<void> {
    return this.explained(this.connection.send(topic, JSON.stringify(payload), { qos: 1, retain: false }));
  }

  close(): Promise<void> {
    return withDeadline(MQTT_LIMITS.stopMs, this.connection.close(), () => this.connection.drop());
  }

  private async explained(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      throw explainBrokerProblem(error, this.url, this.named);
    }
  }
}
