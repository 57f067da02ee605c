import type { Observable } from 'rxjs';
import { UsherError } from '../errors';

/** A card was presented at a reader that is attached to this box. */
export interface LocalSwipe {
  readonly identifier: string;
  /** Only from a reader with a key. */
  readonly counter?: number;
  readonly mac?: string;
}

/** Input that is not a swipe. */
export interface LineFault {
  readonly fault: string;
}

/** The door behind a contact: open or closed. */
export interface ContactLevel {
  readonly open: boolean;
}

/**
 * A device that is attached to this box. `open` is cold and for one subscriber at a time: subscribing opens the device,
 * unsubscribing closes it. Errors with a `UsherError`, or completes, when the device is gone; the subscriber opens it
 * again.
 */
export interface AttachedSource<T> {
  readonly name: string;
  /** Emits `LISTENING` when the device is open, then the device's data. */
  open(): Observable<T | typeof LISTENING>;
}

export const LISTENING = Symbol('listening');

export type SwipeSource = AttachedSource<LocalSwipe | LineFault>;
export type ContactSource = AttachedSource<ContactLevel>;

/** A `reader-failed` error. */
export function readerFailed(message: string, remedy: string, cause?: unknown): UsherError {
  return new UsherError('reader-failed', message, { remedy, ...(cause === undefined ? {} : { cause }) });
}
