import { connect, createServer, type Server } from 'node:net';
import { UsherError } from '../../errors';
import type { Frame } from '../picture/frame';
import { TAP_MAX_PIXELS } from '../camera/tap';
import type { StillEvent } from './still-folder';

/** Before the pixels: `USTL`, width, height, bytes of the event's JSON (big-endian words); then the JSON. */
const MAGIC = 0x5553544c;
const HEADER_BYTES = 16;
const EVENT_BYTES_MAX = 2048;
const PIXEL_BYTES = 3;

/** Asked for and not yet taken: a camera that gives no picture must not gather them. */
const WAITING_MAX = 4;
/** A picture that comes later than this shows something else than what was decided on. */
const FRESH_MS = 2000;

interface Wanted {
  readonly path: string;
  readonly event: StillEvent;
  readonly until: number;
}

/**
 * The vision child's side: gives the next frame after a decision to the process that paints, over a Unix socket in a folder that this
 * user alone may enter. Like a tap's, the picture goes from child to child; control never holds one. What it costs the camera is one
 * copy of one frame; where the other side is not there, the picture is lost, and control misses the answer.
 */
export class StillSender {
  private waiting: Wanted[] = [];

  want(path: string, event: StillEvent, mono: number): void {
    this.waiting = this.waiting.filter(({ until }) => mono <= until);
    if (this.waiting.length < WAITING_MAX) this.waiting.push({ path, event, until: mono + FRESH_MS });
  }

  offer(frame: Frame, mono: number): void {
    if (this.waiting.length === 0) return;
    const taken = this.waiting.filter(({ until }) => mono <= until);
    this.waiting = [];
    for (const { path, event } of taken) {
      const socket = connect(path);
      socket.on('error', () => undefined);
      socket.end(encodeHandOver(frame, event));
    }
  }
}

export function encodeHandOver({ width, height, data }: Frame, event: StillEvent): Buffer {
  const text = Buffer.from(JSON.stringify(event));
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + text.length + data.length);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt32BE(width, 4);
  bytes.writeUInt32BE(height, 8);
  bytes.writeUInt32BE(text.length, 12);
  bytes.set(text, HEADER_BYTES);
  bytes.set(data, HEADER_BYTES + text.length);
  return bytes;
}

/** @throws UsherError `data-invalid` for anything that is not one whole message */
export function decodeHandOver(bytes: Buffer): { readonly frame: Frame; readonly event: StillEvent } {
  const length = lengthOf(bytes);
  if (length === null || length !== bytes.length)
    throw new UsherError('data-invalid', 'a picture of a decision was cut off on its way to the painting process');
  const [width, height, text] = [bytes.readUInt32BE(4), bytes.readUInt32BE(8), bytes.readUInt32BE(12)];
  const event = JSON.parse(bytes.toString('utf8', HEADER_BYTES, HEADER_BYTES + text)) as StillEvent;
  return { frame: { width, height, data: Uint8Array.from(bytes.subarray(HEADER_BYTES + text)) }, event };
}

/**
 * Length of the whole message; null while its head is incomplete. @throws UsherError `data-invalid` for an invalid
 * message
 */
function lengthOf(bytes: Buffer): number | null {
  if (bytes.length < HEADER_BYTES) return null;
  const [magic, width, height, text] = [0, 4, 8, 12].map((at) => bytes.readUInt32BE(at)) as [
    number,
    number,
    number,
    number,
  ];
  const pixels = width * height;
  if (magic !== MAGIC || pixels === 0 || pixels > TAP_MAX_PIXELS || text > EVENT_BYTES_MAX)
    throw new UsherError('data-invalid', 'not a picture of a decision');
  return HEADER_BYTES + text + PIXEL_BYTES * pixels;
}

/** The painting child's side. One message a connection; longer ones than they say of themselves are cut off. */
export class StillReceiver {
  private server: Server | null = null;

  constructor(
    private readonly receive: (frame: Frame, event: StillEvent) => void,
    private readonly refuse: (error: unknown) => void,
  ) {}

  async listen(path: string): Promise<void> {
    const server = createServer((socket) => {
      const chunks: Buffer[] = [];
      let total = 0;
      let wanted: number | null = null;
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        chunks.push(chunk);
        total += chunk.length;
        try {
          wanted ??= lengthOf(Buffer.concat(chunks));
        } catch {
          socket.destroy();
          return;
        }
        if (wanted !== null && total > wanted) socket.destroy();
      });
      socket.on('end', () => {
        try {
          const { frame, event } = decodeHandOver(Buffer.concat(chunks));
          this.receive(frame, event);
        } catch (error) {
          this.refuse(error);
        }
      });
    });
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  }

  close(): void {
    this.server?.close();
    this.server = null;
  }
}
