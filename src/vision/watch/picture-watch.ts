import { filter, map, type Observable, Subject } from 'rxjs';
import { UsherError } from '../../errors';
import type { PictureTrouble } from '../../events';
import type { CameraSource, LentFrame } from '../camera/source';
import { FrameRate } from './frame-rate';
import { type FaultState, isBlind, NO_FAULT, stepFault, suspect } from './judge';
import { PICTURE_LIMITS } from './limits';
import { PictureMeter } from './measure';
import type { PictureReference } from './reference';

export interface PictureWatchOptions {
  /** The same picture for so long is a fault of a live source; null: never. */
  readonly stuckMs: number | null;
  readonly reference: PictureReference | null;
  readonly monotonicMs: () => number;
}

/** A frame whose pixels are those of the one before shows nothing new: no observation, no vote, no progress. */
interface WatchedFrame extends LentFrame {
  readonly repeated: boolean;
}

/**
 * Looks at what a camera delivers as a person before a monitor would: does the picture move, does it show anything, is it sharp,
 * does it show what it showed when it was set up? A sensor has noise, so two frames with the very same pixels are one frame.
 *
 * The frame before is not copied but kept until the next has come. Comparing ends at the first pixel that differs.
 */
export class PictureWatch {
  /** Emits when a trouble begins or ends, before the frame in which it does is handed on. */
  readonly changes = new Subject<void>();
  readonly rate = new FrameRate();
  private readonly meter = new PictureMeter();
  private fault: FaultState = NO_FAULT;
  private frozen: PictureTrouble | null = null;
  private lying: PictureTrouble | null = null;
  private before: { readonly frame: LentFrame; readonly letGo: () => void } | null = null;
  private changedMono = -Infinity;
  private changedAt = 0;
  private measuredMono = -Infinity;
  private repeats = 0;
  private aliveFrames = 0;
  private restartsInARow = 0;
  private repeated = 0;

  constructor(private readonly options: PictureWatchOptions) {}

  get trouble(): PictureTrouble | null {
    return this.frozen ?? this.fault.trouble ?? this.lying;
  }

  /** Frames so far that showed nothing new. */
  get framesRepeated(): number {
    return this.repeated;
  }

  /** Epoch ms of the last frame that differed from the one before; null before the first. */
  get lastChangeAt(): number | null {
    return this.before === null ? null : this.changedAt;
  }

  /** Faces were found to stand upright only once the picture is turned by so many degrees; null: they do as it is. */
  turned(degrees: number | null, at: number): void {
    if ((this.lying?.measure ?? null) === degrees) return;
    this.lying = degrees === null ? null : { kind: 'turned', since: at, measure: degrees, limit: 0 };
    this.changes.next();
  }

  /** The same source, which now fails when its picture is frozen. */
  watch(source: CameraSource): CameraSource {
    return {
      name: source.name,
      live: source.live,
      open: () => source.open().pipe(map((frame): WatchedFrame => this.look(frame, source))),
    };
  }

  /** What may be analysed of the frames of a watched source. */
  fresh(frames: Observable<LentFrame>): Observable<LentFrame> {
    return frames.pipe(
      filter((frame) => {
        if (!(frame as WatchedFrame).repeated) return true;
        frame.release();
        return false;
      }),
    );
  }

  private look(frame: LentFrame, source: CameraSource): WatchedFrame {
    // While a stream settles, the age of its frames is unknown.
    const mono = Number.isFinite(frame.mono) ? frame.mono : this.options.monotonicMs();
    if (this.before !== null && samePixels(this.before.frame, frame)) {
      this.repeats++;
      this.repeated++;
      this.rate.repeat(mono);
      this.stand(mono, frame, source);
      return { ...frame, repeated: true };
    }
    this.repeats = 0;
    this.changedMono = mono;
    this.changedAt = frame.at;
    this.rate.add(mono);
    this.comeAlive();
    this.measure(frame, mono);
    return { ...this.keep(frame), repeated: this.frozen !== null };
  }

  private stand(mono: number, frame: LentFrame, { name, live }: CameraSource): void {
    this.aliveFrames = 0;
    const { stuckMs } = this.options;
    const stillMs = mono - this.changedMono;
    if (stuckMs === null || this.repeats < PICTURE_LIMITS.aliveFrames || stillMs < stuckMs) return;
    if (this.frozen === null) {
      const { changedAt } = this;
      this.frozen = { kind: 'frozen', since: changedAt, measure: (frame.at - changedAt) / 1000, limit: stuckMs / 1000 };
      this.changes.next();
    }
    const patience = Math.min(PICTURE_LIMITS.longestPatienceMs, stuckMs * 2 ** this.restartsInARow);
    // Time runs on from the last change, over restarts: each restart that did not help makes the next one wait longer.
    if (!live || stillMs < patience) return;
    this.restartsInARow++;
    frame.release();
    throw new UsherError('camera-failed', `${name}: frozen, the same picture for ${Math.round(stillMs / 1000)} s`, {
      remedy: 'It is reopened. If that does not help, restart the camera or the recorder.',
    });
  }

  private comeAlive(): void {
    this.aliveFrames++;
    if (this.aliveFrames < PICTURE_LIMITS.aliveFrames) return;
    this.restartsInARow = 0;
    if (this.frozen === null) return;
    this.frozen = null;
    this.changes.next();
  }

  private measure(frame: LentFrame, mono: number): void {
    const blind = this.fault.suspected !== null && isBlind(this.fault.suspected);
    const { measureEveryMs, measureBlindEveryMs } = PICTURE_LIMITS;
    if (mono - this.measuredMono < (blind ? measureBlindEveryMs : measureEveryMs)) return;
    this.measuredMono = mono;
    const before = this.fault.trouble?.kind;
    this.fault = stepFault(this.fault, suspect(this.meter.measure(frame), this.options.reference), mono, frame.at);
    if (this.fault.trouble?.kind !== before) this.changes.next();
  }

  /** The buffer goes back when the analysis and the comparison with the next frame are both done with it. */
  private keep(frame: LentFrame): LentFrame {
    this.before?.letGo();
    let users = 2;
    const once = (): (() => void) => {
      let done = false;
      return () => {
        if (done) return;
        done = true;
        if (--users === 0) frame.release();
      };
    };
    this.before = { frame, letGo: once() };
    return { ...frame, release: once() };
  }
}

function samePixels(a: LentFrame, b: LentFrame): boolean {
  return a.width === b.width && a.height === b.height && Buffer.compare(a.data, b.data) === 0;
}
