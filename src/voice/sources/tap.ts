import { createServer, type Server, type Socket } from 'node:net';

/** A watcher that is behind by more than this (a second of sound) misses what comes next; it is never waited for. */
const BEHIND_BYTES = 32_000;

/**
 * Gives copies of the sound, as raw 16-bit samples, to one other process of this box, over a Unix socket in a folder
 * that only this user may enter. A microphone can be opened only once, and a candidate on trial must hear the same as
 * the running model.
 */
export class SoundTap {
  private server: Server | null = null;
  private watcher: Socket | null = null;

  /** Null closes it. */
  open(path: string | null): void {
    this.watcher?.destroy();
    this.watcher = null;
    this.server?.close();
    this.server = null;
    if (path === null) return;
    const server = createServer((socket) => this.accept(socket));
    // A process that does not find the tap reports it itself.
    server.on('error', () => undefined);
    server.listen(path);
    this.server = server;
  }

  offer(samples: Float32Array, length: number): void {
    const { watcher } = this;
    if (watcher === null || watcher.writableLength > BEHIND_BYTES) return;
    const bytes = Buffer.allocUnsafe(length * 2);
    for (let at = 0; at < length; at++)
      bytes.writeInt16LE(Math.max(-32_768, Math.min(32_767, Math.round((samples[at] ?? 0) * 32_768))), at * 2);
    watcher.write(bytes);
  }

  private accept(socket: Socket): void {
    this.watcher?.destroy();
    this.watcher = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.watcher === socket) this.watcher = null;
    });
  }
}
