import { type Observable } from 'rxjs';
import { secrets } from '../secrets';

/** What a source lends: made at `at` (epoch ms), its buffer goes back with `release()`. */
export interface Lent {
  readonly at: number;
  /** May be called twice; the data must not be read afterwards. */
  release(): void;
}

/** A camera or a microphone, a stream or a file: something that gives items until it ends or fails. */
export interface Source<T extends Lent> {
  /** What messages call it: a device, an address without its password, a file. */
  readonly name: string;
  /** True for a device or stream, whose end is a fault; false for a file or folder that is meant to end. */
  readonly live: boolean;
  /**
   * Cold: subscribing opens the device or starts the process, unsubscribing closes it. One subscriber at a time; a subscription that
   * follows another waits until the process before it is gone (a device opens once).
   * Completes at the end. Fails with a UsherError of the source's own code, or `dependency-missing`.
   */
  open(): Observable<T>;
}

export interface SourceLog {
  warn(message: string): void;
}

/** What a program says, without what it was given: ffmpeg repeats addresses in its complaints. */
export function withoutCredentials(text: string): string {
  return secrets.hide(text);
}
