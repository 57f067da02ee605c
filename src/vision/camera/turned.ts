import { map, type Observable } from 'rxjs';
import { type Turn, turnFrame } from '../picture/turn';
import { FrameBuffers } from './frame-buffers';
import { type CameraSource, type LentFrame } from './source';

/** A camera whose pictures are turned upright here: for sources whose own program does not do it. */
export class TurnedSource implements CameraSource {
  private readonly buffers = new FrameBuffers();

  constructor(
    private readonly source: CameraSource,
    private readonly turn: Turn,
  ) {}

  get name(): string {
    return this.source.name;
  }

  get live(): boolean {
    return this.source.live;
  }

  open(): Observable<LentFrame> {
    return this.source.open().pipe(map((frame) => this.turned(frame)));
  }

  private turned(frame: LentFrame): LentFrame {
    const upright = turnFrame(frame, this.turn, this.buffers.take(frame.data.length));
    frame.release();
    return this.buffers.lend({ ...frame, ...upright });
  }
}
