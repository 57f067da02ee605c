/**
 * Watches the bytes of one MQTT stream and detects a packet that announces more than is allowed. Neither mqtt.js nor
 * aedes limits what it buffers for one packet (moscajs/aedes#831; the protocol allows 256 MB), so any client that may
 * write to us could fill the memory of a small box. Reads only the fixed header (MQTT 3.1.1, 2.2): type, then a
 * remaining length of one to four bytes.
 */
export class PacketSizeGuard {
  private readonly maxBytes: number;
  private state: 'type' | 'length' | 'body' = 'type';
  private remaining = 0;
  private shift = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** The announced size of the first packet that is too large (or malformed: Infinity), else null. */
  push(chunk: Uint8Array): number | null {
    let at = 0;
    while (at < chunk.length) {
      if (this.state === 'body') {
        const taken = Math.min(this.remaining, chunk.length - at);
        this.remaining -= taken;
        at += taken;
        if (this.remaining === 0) this.state = 'type';
      } else if (this.state === 'type') {
        at++;
        this.state = 'length';
        this.remaining = 0;
        this.shift = 0;
      } else {
        const byte = chunk[at++] ?? 0;
        this.remaining += (byte & 0x7f) * 2 ** this.shift;
        this.shift += 7;
        if (byte & 0x80 && this.shift >= 28) return Infinity;
        if (this.remaining > this.maxBytes) return this.remaining;
        if (!(byte & 0x80)) this.state = this.remaining === 0 ? 'type' : 'body';
      }
    }
    return null;
  }
}
