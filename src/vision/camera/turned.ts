import { map, type Observable } from 'rxjs';
import { type Turn, turnFrame } from '../turn';
import { type CameraSource, type LentFrame } from './source';

/** Buffers kept for reuse: one in work, one waiting, one being filled. */
const KEPT = 3;

/** A camera whose pictures are turned upright here: for sources whose own program does not do it. */
export class TurnedSource implements CameraSource {
  private readonly free: Uint8Array[] = [];

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
    const bytes = frame.data.length;
    const reused = this.free.pop();
    const upright = turnFrame(frame, this.turn, reused?.length === bytes ? reused : new Uint8Array(bytes));
    frame.release();
    let lent = true;
    return {
      ...frame,
      ...upright,
      release: () => {
        if (lent && this.free.length < KEPT) this.free.push(upright.data);
        lent = false;
      },
    };
  }
}
