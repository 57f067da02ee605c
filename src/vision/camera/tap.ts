import { createServer, type Server, type Socket } from 'node:net';
import { rmSync } from 'node:fs';
import type { CapturedFrame } from '../picture/frame';

/** Before the pixels: `UTAP`, width, height (big-endian words), ordinal, epoch ms, monotonic ms (doubles), 4 bytes of nothing. */
export const TAP_HEADER_BYTES = 40;
export const TAP_MAGIC = 0x55544150;
/** More pixels than any camera that the configuration allows. */
export const TAP_MAX_PIXELS = 3840 * 2160;

/**
 * Shows copies of the frames to one other process of this box, over a Unix socket in a folder that this user alone may enter: a
 * camera opens once, and a candidate on trial must see what the running model sees. Pictures go from vision child to vision child;
 * control never holds one.
 *
 * The watcher is never waited for: while it has not taken a frame, the next ones are not offered. What it costs is one copy of a
 * frame, into a buffer that is kept.
 */
export class FrameTap {
  private server: Server | null = null;
  private watcher: Socket | null = null;
  private buffer = Buffer.alloc(0);
  private sending = false;
  private offeredAt = -Infinity;
  private minIntervalMs = 0;
  private path: string | null = null;

  /** Another path closes the present one; null closes it for good. The same path changes the interval alone. */
  open(path: string | null, minIntervalMs: number): void {
    this.minIntervalMs = minIntervalMs;
    if (path === this.path) return;
    this.close();
    this.path = path;
    if (path === null) return;
    const server = createServer((socket) => this.accept(socket));
    // A process that does not find the tap reports it itself.
    server.on('error', () => undefined);
    server.listen(path);
    this.server = server;
  }

  offer(frame: CapturedFrame): void {
    const { mono } = frame;
    const { watcher } = this;
    // Half an interval of leave, or a 15 fps camera at 66 ms would give every second frame only.
    if (watcher === null || this.sending || mono - this.offeredAt < this.minIntervalMs * 0.9) return;
    const bytes = TAP_HEADER_BYTES + frame.data.length;
    if (this.buffer.length !== bytes) this.buffer = Buffer.alloc(bytes);
    const { buffer } = this;
    buffer.writeUInt32BE(TAP_MAGIC, 0);
    buffer.writeUInt32BE(frame.width, 4);
    buffer.writeUInt32BE(frame.height, 8);
    buffer.writeDoubleBE(frame.seq, 12);
    buffer.writeDoubleBE(frame.at, 20);
    buffer.writeDoubleBE(mono, 28);
    buffer.set(frame.data, TAP_HEADER_BYTES);
    this.sending = true;
    this.offeredAt = mono;
    watcher.write(buffer, () => {
      this.sending = false;
    });
  }

  private accept(socket: Socket): void {
    this.watcher?.destroy();
    this.watcher = socket;
    this.sending = false;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.watcher !== socket) return;
      this.watcher = null;
      this.sending = false;
    });
  }

  private close(): void {
    this.watcher?.destroy();
    this.watcher = null;
    this.server?.close();
    this.server = null;
    this.buffer = Buffer.alloc(0);
    if (this.path !== null) rmSync(this.path, { force: true });
  }
}
