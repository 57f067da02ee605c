import { type Observable } from 'rxjs';
import { type CapturedFrame } from '../frame';

/**
 * A captured frame whose buffer belongs to the source. A consumer that calls `release()` when it is done with `data` gives
 * the buffer back for a later frame; one that does not is still correct, its frames are then garbage-collected (2.8 MB each
 * at 1280×720). With latest-wins processing and release, three buffers circulate: one in work, one waiting, one being filled.
 * A ring that is overwritten in turn would not do: work that outlasts two frame intervals would see its picture change.
 */
export interface LentFrame extends CapturedFrame {
  /** May be called twice; `data` must not be read afterwards. */
  release(): void;
}

export interface CameraSource {
  /** What messages call it: a device, an address without its password, a file. */
  readonly name: string;
  /** True for a camera or stream, whose end is a fault; false for a file or folder that is meant to end. */
  readonly live: boolean;
  /**
   * Cold: subscribing opens the camera or starts the process, unsubscribing closes it. One subscriber at a time; a
   * subscription that follows another waits until the process before it is gone (a V4L2 device opens once).
   * Completes at the end of the stream. Fails with UsherError `camera-failed` or `dependency-missing`.
   */
  open(): Observable<LentFrame>;
}

export interface CameraLog {
  warn(message: string): void;
}

/** Blots out user and password of addresses, which ffmpeg repeats in its complaints. */
export function withoutCredentials(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*(?:@[^\s/@]*)*@/gi, '$1***@');
}
