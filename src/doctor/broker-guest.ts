import type { LoadedConfig } from '../config/load/load';
import { Connection } from '../mqtt/link/connection';
import { readCredentials } from '../mqtt/link/credentials';
import { MQTT_LIMITS } from '../mqtt/topics/limits';
import { explainBrokerProblem } from '../mqtt/link/problems';
import type { ConnectionSettings, InboundPacket } from '../mqtt/topics/wire';
import type { UsherError } from '../errors';
import { pollUntil } from '../system/poll';

const ANSWER_MS = 5000;
/** Time for a message to come back. On the wire it takes milliseconds. */
const ECHO_MS = 700;

/** Who connects. `box`: with the credentials of the configuration. `anonymous`: without credentials. */
export type Guest = 'box' | 'anonymous';

/** One connection to the broker: what arrives on it, and whether the broker accepts what it sends. */
export class Visit {
  readonly heard: InboundPacket[] = [];

  private constructor(private readonly connection: Connection) {}

  /** @throws UsherError `broker-failed` */
  static async pay(loaded: LoadedConfig, url: string, guest: Guest, protocolVersion: 4 | 5): Promise<Visit> {
    const { device, mqtt } = loaded.config;
    const external = mqtt.broker.type === 'external' ? mqtt.broker : null;
    const credentials = external === null ? {} : await readCredentials(external);
    const { ca } = credentials;
    const settings: ConnectionSettings = {
      url: guest === 'box' ? url : url.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1'),
      // A client id of its own: under the daemon's, the broker would disconnect the daemon.
      clientId: `usher-${device.site}-${device.id}-doctor-${guest}`,
      protocolVersion,
      keepaliveSeconds: MQTT_LIMITS.keepaliveSeconds,
      connectMs: ANSWER_MS,
      maxPacketBytes: MQTT_LIMITS.clientPacketBytes,
      will: null,
      ...(guest === 'box' ? credentials : ca === undefined ? {} : { ca }),
      ...(guest === 'box' && external?.username !== undefined ? { username: external.username } : {}),
    };
    return new Promise((resolve, reject: (error: UsherError) => void) => {
      const connection: Connection = new Connection(settings, {
        up: () => {
          clearTimeout(late);
          resolve(visit);
        },
        message: (packet) => visit.heard.push(packet),
        down: (cause) => {
          clearTimeout(late);
          reject(explainBrokerProblem(cause, url));
        },
      });
      const visit = new Visit(connection);
      const late = setTimeout(() => {
        connection.drop();
        reject(explainBrokerProblem(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }), url));
      }, ANSWER_MS);
      connection.open();
    });
  }

  /**
   * Whether the broker grants the subscription. Many brokers grant every one and then deliver nothing (mosquitto does).
   */
  async subscribe(filter: string): Promise<boolean> {
    return this.connection.subscribe([{ filter, qos: 1 }]).then(
      () => true,
      () => false,
    );
  }

  /** False if the broker refuses. With MQTT 5 it says so; with 3.1.1 it drops the message or the connection. */
  async publish(topic: string, payload: string): Promise<boolean> {
    return this.connection.send(topic, payload, { qos: 1, retain: false }).then(
      () => true,
      () => false,
    );
  }

  /** Whether this payload arrives on this connection. */
  hears(payload: string): Promise<boolean> {
    const arrived = (): boolean => this.heard.some((packet) => packet.payload.toString() === payload);
    return pollUntil(arrived, { everyMs: 20, withinMs: ECHO_MS });
  }

  async leave(): Promise<void> {
    await this.connection.close().catch(() => undefined);
  }
}
