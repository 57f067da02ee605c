import { UsherError } from '../../../errors';
import { Connection } from '../../../mqtt/link/connection';
import { MQTT_LIMITS } from '../../../mqtt/topics/limits';
import type { CommandResultPayload, DecisionPayload, UnlockPayload } from '../../../mqtt/topics/payloads';
import { filterOf, paramsOf, type TopicBase, topicOf } from '../../../mqtt/topics/topic-names';

/** A message of the daemon and when it arrived here, on this process's `performance` clock. */
export type Heard =
  | { readonly kind: 'unlock'; readonly at: number; readonly payload: UnlockPayload }
  | { readonly kind: 'decision'; readonly at: number; readonly payload: DecisionPayload }
  | { readonly kind: 'answer'; readonly at: number; readonly payload: CommandResultPayload };

/**
 * An ordinary MQTT client that observes a daemon under measurement: it swipes, sends commands and records when messages
 * arrive.
 */
export class BenchClient {
  private readonly listeners = new Set<(heard: Heard) => void>();
  private connection: Connection | null = null;
  private asked = 0;

  constructor(
    private readonly url: string,
    private readonly base: TopicBase,
  ) {}

  /** @throws UsherError `broker-failed` */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const filters = (['unlock', 'decision', 'commandResult'] as const).map((key) => ({
        filter: filterOf(key, this.base),
        qos: 1 as const,
      }));
      const connection = new Connection(
        {
          url: this.url,
          clientId: 'usher-bench',
          protocolVersion: 4,
          keepaliveSeconds: MQTT_LIMITS.keepaliveSeconds,
          connectMs: MQTT_LIMITS.connectMs,
          maxPacketBytes: MQTT_LIMITS.clientPacketBytes,
          will: { topic: 'bench/client', payload: '' },
        },
        {
          up: () => void connection.subscribe(filters).then(resolve, reject),
          message: ({ topic, payload }) => this.hear(topic, payload),
          down: () => reject(new UsherError('broker-failed', 'the benchmark lost the connection to the broker')),
        },
      );
      this.connection = connection;
      connection.open();
    });
  }

  async close(): Promise<void> {
    await this.connection?.close();
  }

  on(listener: (heard: Heard) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves with the first non-null result of `wanted`, or with null after `ms`. */
  next<T>(ms: number, wanted: (heard: Heard) => T | null): Promise<T | null> {
    return new Promise((resolve) => {
      const settle = (value: T | null): void => {
        clearTimeout(timer);
        off();
        resolve(value);
      };
      const off = this.on((heard) => {
        const value = wanted(heard);
        if (value !== null) settle(value);
      });
      const timer = setTimeout(() => settle(null), ms);
    });
  }

  /** Does not wait for the broker's acknowledgement: the measurement starts when the message is sent. */
  swipe(reader: string, id: string, counter: number): void {
    this.send(topicOf('swipe', { reader }, this.base), { v: 1, id, at: Date.now(), counter });
  }

  /** @throws UsherError `broker-failed` if there is no answer */
  async command(verb: string): Promise<CommandResultPayload> {
    const id = `bench-${++this.asked}`;
    const answer = this.next(5000, (heard) =>
      heard.kind === 'answer' && heard.payload.id === id ? heard.payload : null,
    );
    this.send(topicOf('command', { verb }, this.base), { v: 1, id });
    const result = await answer;
    if (result === null) throw new UsherError('broker-failed', `the daemon did not answer the command ${verb}`);
    return result;
  }

  private send(topic: string, payload: object): void {
    this.connection?.send(topic, JSON.stringify(payload), { qos: 1, retain: false }).catch(() => undefined);
  }

  private hear(topic: string, payload: Buffer): void {
    const at = performance.now();
    const heard = this.parse(topic, payload, at);
    if (heard !== null) for (const listener of [...this.listeners]) listener(heard);
  }

  private parse(topic: string, payload: Buffer, at: number): Heard | null {
    const value = (): unknown => JSON.parse(payload.toString('utf8'));
    if (paramsOf('unlock', topic, this.base) !== null) return { kind: 'unlock', at, payload: value() as UnlockPayload };
    if (paramsOf('decision', topic, this.base) !== null)
      return { kind: 'decision', at, payload: value() as DecisionPayload };
    if (topic === filterOf('commandResult', this.base))
      return { kind: 'answer', at, payload: value() as CommandResultPayload };
    return null;
  }
}
