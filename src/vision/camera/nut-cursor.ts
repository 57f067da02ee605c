import { UsherError } from '../../errors';
import { MAX_NUMBER } from './nut-codes';

export function malformed(what: string): UsherError {
  return new UsherError('camera-failed', `what ffmpeg sends is no video stream that usher can read: ${what}`, {
    remedy: 'Use the ffmpeg of the system, 4.4 or newer (ffmpeg -version).',
  });
}

/** Reads numbers from the first `end` bytes of a buffer. Past the end it returns zeros and sets `short`. */
export class NutCursor {
  at = 0;
  end = 0;
  short = false;

  constructor(private readonly buffer: Uint8Array) {}

  reset(at: number, end: number): void {
    this.at = at;
    this.end = end;
    this.short = false;
  }

  byte(): number {
    if (this.at >= this.end) {
      this.short = true;
      return 0;
    }
    return this.buffer[this.at++] as number;
  }

  /** Seven bits a byte, the highest first. */
  number(): number {
    let value = 0;
    for (;;) {
      const byte = this.byte();
      value = value * 128 + (byte & 127);
      if (value > MAX_NUMBER) throw malformed('a number out of range');
      if (byte < 128) return value;
    }
  }

  signed(): number {
    const value = this.number() + 1;
    return value % 2 === 1 ? -(value - 1) / 2 : value / 2;
  }

  skip(bytes: number): void {
    if (bytes > this.end - this.at) {
      this.short = true;
      this.at = this.end;
    } else this.at += bytes;
  }

  /** A copy. */
  bytes(count: number): Uint8Array {
    const from = this.at;
    this.skip(count);
    return this.buffer.slice(from, this.at);
  }
}
