import { connect } from 'node:net';
import { Observable } from 'rxjs';
import { UsherError } from '../../errors';
import { TAP_HEADER_BYTES, TAP_MAGIC, TAP_MAX_PIXELS } from './tap';
import { FrameBuffers } from './frame-buffers';
import type { CameraSource, LentFrame } from './source';

/** The frames of a camera that another child has open, as its tap gives them. */
export class TappedSource implements CameraSource {
  readonly live = true;

  constructor(
    readonly name: string,
    private readonly path: string,
  ) {}

  open(): Observable<LentFrame> {
    return new Observable((subscriber) => {
      const reader = new TapReader();
      const socket = connect(this.path);
      const failed = (why: string): UsherError =>
        new UsherError('camera-failed', `${this.name}: the process that has the camera sends no frames: ${why}`);
      socket.on('data', (chunk) => {
        try {
          reader.push(chunk, (frame) => subscriber.next(frame));
        } catch (error) {
          subscriber.error(error);
        }
      });
      socket.on('error', (error) => subscriber.error(failed(error.message)));
      socket.on('close', () => subscriber.error(failed('it closed the tap')));
      return () => socket.destroy();
    });
  }
}

/** Cuts the stream of a tap into frames, in buffers that are reused once released. Chunks may end anywhere. */
export class TapReader {
  private readonly header = Buffer.alloc(TAP_HEADER_BYTES);
  private readonly buffers = new FrameBuffers();
  private filledHeader = 0;
  private filling: Uint8Array | null = null;
  private filled = 0;

  /** @throws UsherError `camera-failed` if the data is not a tap's stream */
  push(chunk: Buffer, emit: (frame: LentFrame) => void): void {
    let from = 0;
    while (from < chunk.length) {
      if (this.filling === null) {
        const taken = chunk.copy(this.header, this.filledHeader, from);
        from += taken;
        this.filledHeader += taken;
        if (this.filledHeader < TAP_HEADER_BYTES) return;
        this.filling = this.begin();
        this.filled = 0;
        continue;
      }
      const taken = chunk.copy(this.filling, this.filled, from);
      from += taken;
      this.filled += taken;
      if (this.filled < this.filling.length) return;
      const frame = this.lend(this.filling);
      this.filling = null;
      this.filledHeader = 0;
      emit(frame);
    }
  }

  private begin(): Uint8Array {
    const width = this.header.readUInt32BE(4);
    const height = this.header.readUInt32BE(8);
    if (this.header.readUInt32BE(0) !== TAP_MAGIC || width * height === 0 || width * height > TAP_MAX_PIXELS)
      throw new UsherError('camera-failed', 'the data from the tap is not a frame');
    return this.buffers.take(width * height * 3);
  }

  private lend(data: Uint8Array): LentFrame {
    const { header } = this;
    return this.buffers.lend({
      width: header.readUInt32BE(4),
      height: header.readUInt32BE(8),
      data,
      seq: header.readDoubleBE(12),
      at: header.readDoubleBE(20),
      mono: header.readDoubleBE(28),
    });
  }
}
