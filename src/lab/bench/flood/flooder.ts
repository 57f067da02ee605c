import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

export interface FloodJob {
  readonly port: number;
  readonly topics: readonly string[];
  /** Messages a second, all topics together. */
  readonly rate: number;
  /** It ends by itself after this time, even if the caller is gone. */
  readonly mostMs: number;
}

const TICK_MS = 5;
/** With more bytes than this waiting, messages are dropped and not sent later, so that a stall makes no burst. */
const BACKLOG_BYTES = 1024 * 1024;

/** PUBLISH (MQTT 3.1.1, 3.3). */
function publish(topic: string, payload: string, qos: 0 | 1): Buffer {
  const name = Buffer.from(topic);
  const body = Buffer.concat([
    Buffer.from([name.length >> 8, name.length & 255]),
    name,
    ...(qos === 1 ? [Buffer.from([0, 1])] : []),
    Buffer.from(payload),
  ]);
  const length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  return Buffer.concat([Buffer.from([0x30 | (qos << 1), ...length]), body]);
}

/**
 * Publishes well-formed commands on the topics in turn, half of them with QoS 1. It writes raw bytes: a library would
 * be the bottleneck.
 */
function flood({ port, topics, rate, mostMs }: FloodJob, onSent: (sent: number, seconds: number) => void): void {
  const payload = JSON.stringify({ v: 1, id: 'flood' });
  const messages = topics.flatMap((topic) => [publish(topic, payload, 0), publish(topic, payload, 1)]);
  const id = Buffer.from('usher-bench-flood');
  const socket = connect(port, '127.0.0.1');
  socket.write(Buffer.from([0x10, 12 + id.length, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, id.length]));
  socket.write(id);
  socket.on('data', () => undefined);
  socket.on('error', () => socket.destroy());
  const from = performance.now();
  let due = 0;
  let sent = 0;
  const timer = setInterval(() => {
    const elapsed = performance.now() - from;
    const wanted = Math.floor((elapsed * rate) / 1000);
    const count = wanted - due;
    const first = due;
    due = wanted;
    if (socket.writableLength < BACKLOG_BYTES) {
      socket.write(
        Buffer.concat(Array.from({ length: count }, (_, i) => messages[(first + i) % messages.length] as Buffer)),
      );
      sent += count;
    }
    onSent(sent, elapsed / 1000);
    if (elapsed < mostMs && !socket.destroyed) return;
    clearInterval(timer);
    socket.destroy();
  }, TICK_MS);
}

const port = parentPort;
if (port !== null) flood(workerData as FloodJob, (messages, seconds) => port.postMessage({ messages, seconds }));
