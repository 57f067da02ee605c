import { UsherError } from '../../errors';
import type { Connection } from './connection';
import type { InboundPacket } from '../topics/wire';

interface Waiter {
  readonly taken: (payload: Buffer) => void;
  readonly lost: (error: UsherError) => void;
}

/**
 * Reads retained messages one by one: subscribes to a single topic, takes its first message, and unsubscribes. For data
 * that is too large to be sent without request, like the chunks of a file. Invariants: a topic is subscribed while a
 * caller waits for it and there is a connection, and again on every new one; every wait ends with the message or by its
 * timeout. So a connection that breaks now and then costs a wait but no failure.
 */
export class RetainedReader {
  private readonly waiters = new Map<string, Set<Waiter>>();

  constructor(private readonly live: () => Connection | null) {}

  /** @throws UsherError `broker-failed` (nothing in time, or the broker refuses), `cancelled` */
  take(topic: string, timeoutMs: number, signal?: AbortSignal): Promise<Buffer> {
    if (signal?.aborted === true) return Promise.reject(cancelled(topic));
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        this.leave(topic, waiter);
      };
      const waiter: Waiter = {
        taken: (payload) => {
          end();
          resolve(payload);
        },
        lost: (error) => {
          end();
          reject(error);
        },
      };
      const abort = (): void => waiter.lost(cancelled(topic));
      const timer = setTimeout(() => {
        const why = this.live() === null ? 'there is no connection to the broker' : `nothing within ${timeoutMs} ms`;
        waiter.lost(failed(topic, why));
      }, timeoutMs);
      signal?.addEventListener('abort', abort, { once: true });
      const waiting = this.waiters.get(topic);
      if (waiting === undefined) this.waiters.set(topic, new Set([waiter]));
      else waiting.add(waiter);
      const connection = this.live();
      if (connection !== null) this.ask(connection, topic);
    });
  }

  /** On a new connection: requests again what callers wait for. */
  up(connection: Connection): void {
    for (const topic of this.waiters.keys()) this.ask(connection, topic);
  }

  awaits(topic: string): boolean {
    return this.waiters.has(topic);
  }

  /** Whether a caller waits for this packet. */
  deliver({ topic, payload }: Pick<InboundPacket, 'topic' | 'payload'>): boolean {
    const waiting = this.waiters.get(topic);
    for (const waiter of [...(waiting ?? [])]) waiter.taken(payload);
    return waiting !== undefined;
  }

  private ask(connection: Connection, topic: string): void {
    // QoS 0: a chunk that is lost with its connection is requested again on the next.
    connection.subscribe([{ filter: topic, qos: 0 }]).catch((error: unknown) => {
      if (!connection.connected) return;
      for (const waiter of [...(this.waiters.get(topic) ?? [])]) waiter.lost(failed(topic, String(error)));
    });
  }

  private leave(topic: string, waiter: Waiter): void {
    const waiting = this.waiters.get(topic);
    waiting?.delete(waiter);
    if (waiting?.size !== 0) return;
    this.waiters.delete(topic);
    this.live()?.unsubscribe(topic);
  }
}

function failed(topic: string, why: string): UsherError {
  return new UsherError('broker-failed', `the retained message of ${topic} cannot be had: ${why}`);
}

function cancelled(topic: string): UsherError {
  return new UsherError('cancelled', `waiting for ${topic} was cancelled`);
}
