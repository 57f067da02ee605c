import { type Assembler } from '../../sources/source-process';
import { FrameBuffers } from './frame-buffers';
import { type FrameClock } from './frame-clock';
import { type LateWatch } from './late-watch';
import { NutReader } from './nut';
import { type LentFrame } from './source';

export interface FrameFormat {
  readonly width: number;
  readonly height: number;
  /** `raw`: pixels and nothing else. `nut`: each frame with its time in the stream. */
  readonly container: 'raw' | 'nut';
}

/** What a frame is dated by. */
export interface FrameTiming {
  readonly clock: FrameClock;
  readonly late: LateWatch;
  /** Monotonic ms. */
  readonly now: () => number;
}

/** Cuts a byte stream into dated frames, in buffers that are reused once released. Chunks may end anywhere. */
export class FrameAssembler implements Assembler<LentFrame> {
  private readonly buffers = new FrameBuffers();
  private readonly frameBytes: number;
  private readonly nut: NutReader | null;
  private filling: Uint8Array | null = null;
  private filled = 0;
  private seq = 0;

  constructor(
    private readonly format: FrameFormat,
    private readonly timing: FrameTiming,
  ) {
    const { width, height, container } = format;
    this.frameBytes = width * height * 3;
    this.nut = container === 'nut' ? new NutReader(width, height) : null;
  }

  /** Bytes of a frame that has not come to its end. */
  get pendingBytes(): number {
    return this.filled + (this.nut?.pendingBytes ?? 0);
  }

  get frames(): number {
    return this.seq;
  }

  faultAtEnd(command: string): string | null {
    if (this.frames === 0) return `${command} ended without a single frame`;
    if (this.pendingBytes === 0) return null;
    return `the stream ended ${this.pendingBytes} bytes into a frame; frame size or format is not as agreed`;
  }

  /** @throws UsherError `camera-failed` for a stream that cannot be read, or whose frames are late for good */
  push(chunk: Buffer, emit: (frame: LentFrame) => void): void {
    let from = 0;
    while (from < chunk.length) {
      if (this.filling === null) {
        const at = this.nut === null ? from : this.nut.read(chunk, from);
        if (at === -1) return;
        from = at;
        this.filling = this.begin();
      }
      const data = this.filling;
      const count = chunk.copy(data, this.filled, from, from + this.frameBytes - this.filled);
      from += count;
      this.filled += count;
      if (this.filled < this.frameBytes) return;
      this.filling = null;
      this.filled = 0;
      emit(this.lend(data));
    }
  }

  private begin(): Uint8Array {
    const data = this.buffers.take(this.frameBytes);
    const beginning = this.nut?.beginning ?? null;
    if (beginning !== null) data.set(beginning);
    this.filled = beginning?.length ?? 0;
    return data;
  }

  private lend(data: Uint8Array): LentFrame {
    const { width, height } = this.format;
    const { clock, late, now } = this.timing;
    const arrived = now();
    const mono = clock.date(arrived, this.nut?.timeMs ?? null);
    late.note(arrived, mono);
    return this.buffers.lend({ width, height, data, seq: this.seq++, at: Date.now(), mono });
  }
}
