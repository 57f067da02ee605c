import type { Observable } from 'rxjs';
import { UsherError } from '../errors';

/** A card was presented at a reader that is attached to this box. */
export interface LocalSwipe {
  readonly identifier: string;
  /** What a reader with a key adds. */
  readonly counter?: number;
  readonly mac?: string;
}

/** Something that arrived and is not a swipe. */
export interface LineFault {
  readonly fault: string;
}

/** The door behind a contact: open or closed. */
export interface ContactLevel {
  readonly open: boolean;
}

/**
 * A device attached to this box. `open` is cold and for one subscriber at a time: subscribing opens the device, unsubscribing lets
 * it go. Errors with a `UsherError`, or completes, when the device is gone; whoever opened it opens it again.
 */
export interface AttachedSource<T> {
  readonly name: string;
  /** Emits the moment the device is open and listening, then what it says. */
  open(): Observable<T | typeof LISTENING>;
}

export const LISTENING = Symbol('listening');

export type SwipeSource = AttachedSource<LocalSwipe | LineFault>;
export type ContactSource = AttachedSource<ContactLevel>;

export function readerFailed(message: string, remedy: string, cause?: unknown): UsherError {
  return new UsherError('reader-failed', message, { remedy, ...(cause === undefined ? {} : { cause }) });
}
