import { Connection } from '../../../mqtt/link/connection';
import { MQTT_LIMITS } from '../../../mqtt/topics/limits';
import { RetainedReader } from '../../../mqtt/link/retained-reader';
import { fleetTopicOf } from '../../../mqtt/topics/topic-names';
import { UsherError } from '../../../errors';
import { WHOLE_FLEET } from '../../../fleet/release';

/**
 * A machine that simulates thousands of boxes may send its pings late, which a broker would take for a lost connection.
 */
const KEEPALIVE_S = 600;

/** Receives the offers for the whole fleet. */
export type Listener = (payload: Buffer) => void;

/**
 * One connection to the broker that some simulated boxes share: ten thousand sockets would measure the kernel. Each box
 * requests its own copy of each chunk and receives each offer separately. A shared connection cannot give each box a
 * last will.
 */
export class Line {
  private readonly connection: Connection;
  private readonly listeners = new Set<Listener>();
  private readonly reader: RetainedReader;
  private readonly up: Promise<void>;
  private latest: Buffer | null = null;
  private failure: unknown = null;

  constructor(url: string, name: string) {
    this.reader = new RetainedReader(() => (this.connection.connected ? this.connection : null));
    let ready: () => void = () => undefined;
    let failed: (error: Error) => void = () => undefined;
    this.up = new Promise<void>((resolve, reject) => ([ready, failed] = [resolve, reject]));
    const desired = fleetTopicOf('fleetDesired', { group: WHOLE_FLEET });
    this.connection = new Connection(
      {
        url,
        clientId: name,
        protocolVersion: 4,
        keepaliveSeconds: KEEPALIVE_S,
        will: null,
        connectMs: MQTT_LIMITS.connectMs,
        maxPacketBytes: MQTT_LIMITS.clientPacketBytes,
      },
      {
        up: () => void this.connection.subscribe([{ filter: desired, qos: 1 }]).then(ready, failed),
        message: (packet) => {
          if (packet.topic === desired) void this.tell(packet.payload);
          else this.reader.deliver(packet);
        },
        down: (cause) => {
          this.failure = cause ?? new Error('the broker closed it');
          failed(lost(url, this.failure));
        },
      },
    );
  }

  /** @throws UsherError `broker-failed` */
  open(): Promise<void> {
    this.connection.open();
    return this.up;
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  /** Calls the listener from now on, and at once with the retained message. */
  hear(listener: Listener): void {
    this.listeners.add(listener);
    if (this.latest !== null) listener(this.latest);
  }

  leave(listener: Listener): void {
    this.listeners.delete(listener);
  }

  take(topic: string, timeoutMs: number, signal?: AbortSignal): Promise<Buffer> {
    return this.reader.take(topic, timeoutMs, signal);
  }

  /** Published as retained. What a lost connection lost is missing in the manager's table, and shows there. */
  retain(topic: string, payload: object): void {
    this.connection.send(topic, JSON.stringify(payload), { qos: 1, retain: true }).catch(() => undefined);
  }

  /**
   * One box after the other, and the network gets a turn in between: in a real fleet they are on different machines.
   */
  private async tell(payload: Buffer): Promise<void> {
    this.latest = payload;
    for (const listener of [...this.listeners]) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.latest !== payload) return;
      if (this.listeners.has(listener)) listener(payload);
    }
  }
}

function lost(url: string, cause: unknown): UsherError {
  return new UsherError('broker-failed', `${url}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    remedy: 'Check that the broker runs and how many clients it accepts.',
    cause,
  });
}
