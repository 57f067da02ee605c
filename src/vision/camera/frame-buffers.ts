import { type LentFrame } from './source';

/** Buffers kept for reuse: one in work, one waiting, one being filled. */
const KEPT = 3;

/** Buffers of one kind of frame: lent with a frame, and used again once that is released. */
export class FrameBuffers {
  private readonly free: Uint8Array[] = [];

  take(bytes: number): Uint8Array {
    const reused = this.free.pop();
    return reused?.length === bytes ? reused : new Uint8Array(bytes);
  }

  lend(frame: Omit<LentFrame, 'release'>): LentFrame {
    let lent = true;
    const { width, height, data, seq, at, mono } = frame;
    return {
      width,
      height,
      data,
      seq,
      at,
      mono,
      release: () => {
        if (lent && this.free.length < KEPT) this.free.push(data);
        lent = false;
      },
    };
  }
}
