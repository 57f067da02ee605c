import { Connection } from '../../../mqtt/link/connection';
import { MQTT_LIMITS } from '../../../mqtt/topics/limits';
import { RetainedReader } from '../../../mqtt/link/retained-reader';
import { fleetTopicOf } from '../../../mqtt/topics/topic-names';
import { UsherError } from '../../../errors';
import { WHOLE_FLEET } from '../../../fleet/release';

/** A machine that plays thousands of boxes may be late with its pings; a broker would take that for a dead line. */
const KEEPALIVE_S = 600;

/** Whoever hears what is wanted of the whole fleet. */
export type Listener = (payload: Buffer) => void;

/**
 * One connection to the broker, which some simulated boxes share: ten thousand sockets would measure the kernel. Each box asks for its
 * own copy of each part, and hears each offer by itself; what a shared connection cannot give is a last will for each box.
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

  /** From now on, and at once what stands on the broker. */
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

  /** Kept by the broker. What a connection that is gone took with it shows in the manager's table. */
  retain(topic: string, payload: object): void {
    this.connection.send(topic, JSON.stringify(payload), { qos: 1, retain: true }).catch(() => undefined);
  }

  /** One box after the other, with the network's turn in between: on a real fleet they sit on machines of their own. */
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
    remedy: 'See whether the broker runs, and how many clients it takes.',
    cause,
  });
}
