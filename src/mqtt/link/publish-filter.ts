/** Says whether a message on a topic may go on; called once for each message, before anything of it is decoded. */
export type Admit = (topic: string) => boolean;

export interface FilterOutput {
  /** Bytes that go on, in order. */
  pass(bytes: Buffer): void;
  /** Acknowledgements for the broker, for dropped messages of QoS 1: without them it would stop sending after a few. */
  acknowledge(bytes: Buffer): void;
}

const PUBLISH = 3;

/**
 * Drops messages from the bytes of one MQTT stream, broker to client, before a library parses them: constant work for each
 * message, whatever it holds. Also notices a packet that announces more than it may hold: neither mqtt.js nor aedes bounds what
 * it buffers for one packet (the protocol allows 256 MB).
 *
 * Reads the fixed header of every packet, and topic and packet identifier of a PUBLISH (MQTT 3.1.1, 2.2 and 3.3; MQTT 5 has
 * both at the same place, and sends no topic aliases unless the client allows them).
 */
export class PublishFilter {
  private readonly maxBytes: number;
  private readonly admit: Admit;
  private readonly output: FilterOutput;
  /** A packet's beginning that did not suffice to decide. */
  private held: Buffer | null = null;
  /** Bytes of the present packet that are still to come, and what becomes of them. */
  private left = 0;
  private dropping = false;

  constructor(maxBytes: number, admit: Admit, output: FilterOutput) {
    this.maxBytes = maxBytes;
    this.admit = admit;
    this.output = output;
  }

  /** The announced size of the first packet that is too large (or malformed: Infinity), else null. */
  push(chunk: Buffer): number | null {
    const data = this.held === null ? chunk : Buffer.concat([this.held, chunk]);
    this.held = null;
    const acks: number[] = [];
    let at = 0;
    /** Where the bytes begin that go on and have not yet been passed. */
    let from = 0;
    let fault: number | null = null;
    while (at < data.length) {
      if (this.left === 0) {
        const head = this.head(data, at, acks);
        if (head === 'more') break;
        if (typeof head === 'number') {
          fault = head;
          break;
        }
        if (head.drop && at > from) this.output.pass(data.subarray(from, at));
        this.left = head.bytes;
        this.dropping = head.drop;
      }
      const taken = Math.min(this.left, data.length - at);
      this.left -= taken;
      at += taken;
      if (this.dropping) from = at;
    }
    if (at > from) this.output.pass(data.subarray(from, at));
    if (fault === null && at < data.length) this.held = data.subarray(at);
    if (acks.length > 0) this.output.acknowledge(Buffer.from(acks));
    return fault;
  }

  /**
   * The packet that begins at `at`: what to do with it, `more` if bytes are missing, or the size if it is too large.
   */
  private head(data: Buffer, at: number, acks: number[]): { bytes: number; drop: boolean } | 'more' | number {
    let remaining = 0;
    let body = at + 1;
    for (let shift = 0; ; shift += 7) {
      if (body >= data.length) return 'more';
      const byte = data[body++] ?? 0;
      remaining += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) break;
      if (shift === 21) return Infinity;
    }
    if (remaining > this.maxBytes) return remaining;
    const bytes = body - at + remaining;
    const first = data[at] ?? 0;
    if (first >> 4 !== PUBLISH || remaining < 2) return { bytes, drop: false };
    const qos = (first >> 1) & 3;
    if (body + 2 > data.length) return 'more';
    const topicBytes = data.readUInt16BE(body);
    const topicEnd = body + 2 + topicBytes;
    const needed = topicEnd + (qos > 0 ? 2 : 0);
    // Malformed: for the library to complain of.
    if (needed > body + remaining) return { bytes, drop: false };
    if (needed > data.length) return 'more';
    if (this.admit(data.toString('latin1', body + 2, topicEnd))) return { bytes, drop: false };
    // PUBACK; a client that never subscribes with QoS 2 is sent none.
    if (qos === 1) acks.push(0x40, 2, data[topicEnd] ?? 0, data[topicEnd + 1] ?? 0);
    return { bytes, drop: true };
  }
}
