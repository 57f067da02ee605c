import { type Assembler } from '../../system/source-process';
import { type LentFrame } from './source';

/** Buffers kept for reuse: one in work, one waiting, one being filled. */
const KEPT = 3;

/** Cuts a byte stream into frames of one size, in buffers that are reused once released. Chunks may end anywhere. */
export class FrameAssembler implements Assembler<LentFrame> {
  private readonly free: Uint8Array[] = [];
  private readonly frameBytes: number;
  private filling: Uint8Array | null = null;
  private filled = 0;
  private seq = 0;

  constructor(
    private readonly width: number,
    private readonly height: number,
    private readonly now: () => number,
  ) {
    this.frameBytes = width * height * 3;
  }

  /** Bytes of a frame that has not come to its end. */
  get pendingBytes(): number {
    return this.filled;
  }

  get frames(): number {
    return this.seq;
  }

  faultAtEnd(command: string): string | null {
    if (this.frames === 0) return `${command} ended without a single frame`;
    if (this.pendingBytes === 0) return null;
    return `the stream ended ${this.pendingBytes} bytes into a frame; frame size or format is not as agreed`;
  }

  push(chunk: Buffer, emit: (frame: LentFrame) => void): void {
    let from = 0;
    while (from < chunk.length) {
      this.filling ??= this.free.pop() ?? new Uint8Array(this.frameBytes);
      const count = chunk.copy(this.filling, this.filled, from, from + this.frameBytes - this.filled);
      from += count;
      this.filled += count;
      if (this.filled < this.frameBytes) return;
      const frame = this.lend(this.filling);
      this.filling = null;
      this.filled = 0;
      emit(frame);
    }
  }

  private lend(data: Uint8Array): LentFrame {
    let lent = true;
    return {
      width: this.width,
      height: this.height,
      data,
      seq: this.seq++,
      at: this.now(),
      release: () => {
        if (lent && this.free.length < KEPT) this.free.push(data);
        lent = false;
      },
    };
  }
}
