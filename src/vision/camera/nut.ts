import { FILE_ID, FLAG, MAX_ELIDED_FRAME_BYTES, MAX_PACKET_BYTES, PACKET, PACKETS } from './nut-codes';
import { malformed, NutCursor } from './nut-cursor';
import { type NutMain, type NutStream, readMain, readStream } from './nut-headers';

/** Longest head of a frame: a byte, numbers and a checksum. */
const MAX_FRAME_HEAD_BYTES = 128;
const MAX_RESERVED = 8;

/**
 * Reads one stream of raw video from ffmpeg's NUT muxer: the smallest container that keeps the time of every frame, and that all
 * versions of ffmpeg (4.4 to 9) write alike. It reads what stands before the pixels; the pixels are for the caller.
 *
 * Strict and bounded: what is not one stream of rgb24 frames of the size agreed upon is an error. Checksums are not looked at: the
 * bytes come through a pipe of this machine. Nothing is allocated for a frame.
 */
export class NutReader {
  private readonly head = Buffer.alloc(MAX_PACKET_BYTES);
  private readonly cursor = new NutCursor(this.head);
  private filled = 0;
  /** So many bytes must be there before it is worth looking again. */
  private need = FILE_ID.length;
  private begun = false;
  private main: NutMain | null = null;
  private stream: NutStream | null = null;
  private pts = 0;
  private left: Uint8Array | null = null;

  constructor(
    private readonly width: number,
    private readonly height: number,
  ) {}

  /** Bytes of a head that has not come to its end. */
  get pendingBytes(): number {
    return this.filled;
  }

  /** Of the last frame, in its stream. */
  get timeMs(): number {
    return this.pts * (this.stream?.tickMs ?? NaN);
  }

  /** The first bytes of the last frame, where the stream leaves them out. */
  get beginning(): Uint8Array | null {
    return this.left;
  }

  /**
   * Takes bytes up to the first pixel of the next frame.
   * @returns the place of that pixel in the chunk, or -1 where the chunk ends before it
   * @throws UsherError `camera-failed`
   */
  read(chunk: Uint8Array, from: number): number {
    for (let next = from; next < chunk.length;) {
      this.head[this.filled++] = chunk[next++] as number;
      if (this.filled < this.need) continue;
      const kind = this.look();
      if (kind === 'more') {
        if (this.need > MAX_PACKET_BYTES) throw malformed('a packet that is too long');
        continue;
      }
      this.filled = 0;
      this.need = 1;
      if (kind === 'frame') return next;
    }
    return -1;
  }

  private look(): 'more' | 'packet' | 'frame' {
    if (this.begun) return this.head[0] === PACKET ? this.packet() : this.frame();
    if (!FILE_ID.equals(this.head.subarray(0, FILE_ID.length))) throw malformed('it does not begin as it should');
    this.begun = true;
    return 'packet';
  }

  private packet(): 'more' | 'packet' {
    const { head, cursor } = this;
    if (this.filled < 9) return this.wait(9);
    cursor.reset(8, this.filled);
    const bytes = cursor.number();
    if (cursor.short) return this.wait(this.filled + 1);
    if (this.filled < cursor.at + bytes) return this.wait(cursor.at + bytes);
    // The last four bytes are a checksum.
    cursor.reset(cursor.at, this.filled - 4);
    if (isAt(head, PACKETS.main)) this.main = readMain(cursor);
    else if (isAt(head, PACKETS.stream))
      this.stream = readStream(cursor, this.main?.ticksMs ?? [], this.width, this.height);
    else if (isAt(head, PACKETS.syncpoint)) this.pts = Math.floor(cursor.number() / (this.main?.ticksMs.length ?? 1));
    else if (!isAt(head, PACKETS.info)) throw malformed('an unknown packet');
    return 'packet';
  }

  private frame(): 'more' | 'frame' {
    const { cursor, main, stream } = this;
    if (main === null || stream === null) throw malformed('a frame before its headers');
    if (this.filled > MAX_FRAME_HEAD_BYTES) throw malformed('a frame without an end to its head');
    const { codes, beginnings } = main;
    cursor.reset(0, this.filled);
    const code = cursor.byte();
    let flags = codes.flags[code] as number;
    if ((flags & FLAG.coded) !== 0) flags ^= cursor.number();
    if ((flags & (FLAG.invalid | FLAG.sideData)) !== 0) throw malformed('a frame of an unknown kind');
    if ((flags & FLAG.streamId) !== 0 && cursor.number() !== 0) throw malformed('a frame of another stream');
    const codedPts = (flags & FLAG.codedPts) !== 0 ? cursor.number() : null;
    const mul = codes.sizeMul[code] as number;
    const size = (codes.sizeLsb[code] as number) + ((flags & FLAG.sizeMsb) !== 0 ? mul * cursor.number() : 0);
    if ((flags & FLAG.matchTime) !== 0) cursor.number();
    let header = (flags & FLAG.headerIndex) !== 0 ? cursor.number() : (codes.header[code] as number);
    const reserved = (flags & FLAG.reserved) !== 0 ? cursor.number() : (codes.reserved[code] as number);
    if (reserved > MAX_RESERVED) throw malformed('a frame of an unknown kind');
    for (let i = 0; i < reserved; i++) cursor.number();
    if ((flags & FLAG.checksum) !== 0) cursor.skip(4);
    if (cursor.short) return this.wait(this.filled + 1);

    if (size !== this.width * this.height * 3) throw malformed(`a frame of ${size} bytes`);
    if (size > MAX_ELIDED_FRAME_BYTES) header = 0;
    const beginning = beginnings[header];
    if (beginning === undefined || beginning.length > size) throw malformed('a frame with an unknown beginning');
    this.left = beginning.length === 0 ? null : beginning;
    this.pts = this.timeOf(codedPts, codes.ptsDelta[code] as number, stream.ptsRange);
    return 'frame';
  }

  private timeOf(coded: number | null, delta: number, range: number): number {
    if (coded === null) return this.pts + delta;
    if (coded >= range) return coded - range;
    const from = this.pts - Math.floor((range - 1) / 2);
    return from + ((((coded - from) % range) + range) % range);
  }

  private wait(bytes: number): 'more' {
    this.need = bytes;
    return 'more';
  }
}

function isAt(head: Buffer, startcode: Buffer): boolean {
  return head.compare(startcode, 0, startcode.length, 0, startcode.length) === 0;
}
