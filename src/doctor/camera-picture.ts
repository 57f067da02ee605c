import { concat, lastValueFrom, of, scan, takeUntil, takeWhile, timer, timeout, defaultIfEmpty } from 'rxjs';
import type { CameraConfig } from '../config/schema/cameras';
import type { DoorConfig } from '../config/schema/doors';
import { createCameraSource } from '../vision/camera/create';
import { suspect } from '../vision/watch/judge';
import { type PictureMeasure, PictureMeter } from '../vision/watch/measure';
import { PictureWatch } from '../vision/watch/picture-watch';
import type { PictureReference } from '../vision/watch/reference';
import { tooSlow } from '../vision/watch/too-slow';
import { describeTrouble } from '../vision/watch/trouble-text';
import { type Finding, ok, warn } from './finding';

/** How long to look at a camera after its first frame, and how many frames are enough. */
const LOOK_MS = 3000;
const ENOUGH_FRAMES = 60;
/** So many identical frames are reported. Fewer may come from a source that starts. */
const SUSPICIOUS_REPEATS = 5;

export interface CameraLook {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Number of frames that were identical to the one before. */
  readonly repeated: number;
  /** Mean time between different pictures, ms. Null if there was only one. */
  readonly intervalMs: number | null;
  readonly measures: readonly PictureMeasure[];
}

/**
 * Opens a camera exactly as the daemon does and collects frames for some seconds.
 * @throws UsherError as the source does; TimeoutError of rxjs if no frame comes within `startMs`
 */
export async function lookAtCamera(camera: CameraConfig): Promise<CameraLook> {
  const monotonicMs = (): number => performance.now();
  const watch = new PictureWatch({ stuckMs: null, reference: null, monotonicMs });
  const source = watch.watch(createCameraSource(camera, { warn: () => undefined }));
  const meter = new PictureMeter();
  let first: number | null = null;
  const measures: PictureMeasure[] = [];
  const look = source.open().pipe(
    timeout({ first: camera.startMs }),
    scan(
      (seen, frame) => {
        first ??= monotonicMs();
        const { width, height } = frame;
        const measure = meter.measure(frame);
        measures.push({ ...measure, edges: measure.edges.slice() });
        frame.release();
        return { width, height, frames: seen.frames + 1 };
      },
      { width: 0, height: 0, frames: 0 },
    ),
    takeWhile(({ frames }) => frames < ENOUGH_FRAMES && monotonicMs() - (first ?? Infinity) < LOOK_MS, true),
    // Does not wait for a camera of one frame a minute.
    takeUntil(concat(timer(camera.startMs + LOOK_MS), of(null))),
    defaultIfEmpty({ width: 0, height: 0, frames: 0 }),
  );
  const seen = await lastValueFrom(look);
  return { ...seen, repeated: watch.framesRepeated, intervalMs: watch.rate.intervalMs(monotonicMs()), measures };
}

/** Judges the pictures: whether they change, show detail, and show the same view as at set-up. */
export function pictureFindings(
  check: string,
  camera: CameraConfig,
  look: CameraLook,
  reference: PictureReference | null,
  doors: readonly DoorConfig[],
): Finding[] {
  const { frames, repeated, measures } = look;
  const since = Date.now();
  const last = measures.at(-1);
  const suspicion = last === undefined ? null : suspect(last, reference);
  if (suspicion !== null) {
    const { found, remedy } = describeTrouble({ ...suspicion, since });
    return [warn(`${check}:picture`, found.replace(/,? since .*$/, ''), remedy)];
  }
  if (frames > SUSPICIOUS_REPEATS && repeated === frames - 1 && camera.stuckMs !== null)
    return [
      warn(
        `${check}:picture`,
        `all of ${frames} frames are identical in every pixel; the door admits no face from such a stream`,
        'Restart the camera or the recorder. A live sensor always has noise, so the stream is frozen.',
      ),
    ];
  const slow = tooSlow(look.intervalMs, doors);
  if (slow !== null) return [warn(`${check}:rate`, slow.found, slow.remedy)];
  const rate = look.intervalMs === null ? '' : `, ${(1000 / look.intervalMs).toFixed(1)} pictures a second`;
  const against = reference === null ? 'no reference to compare it with' : 'the view is the same as at set-up';
  return [ok(`${check}:picture`, `the picture is live and shows detail${rate}; ${against}`)];
}
