import { type Observable } from 'rxjs';
import { secrets } from '../secrets';

/** An item whose buffer belongs to the source: made at `at` (epoch ms), returned with `release()`. */
export interface Lent {
  readonly at: number;
  /** May be called twice. Do not read the data afterwards. */
  release(): void;
}

/** A camera or a microphone, a stream or a file: it emits items until it ends or fails. */
export interface Source<T extends Lent> {
  /** Its name in messages: a device, an address without its password, a file. */
  readonly name: string;
  /** True for a device or stream, whose end is a fault. False for a file or folder, which is expected to end. */
  readonly live: boolean;
  /**
   * Cold: subscribing opens the device or starts the process, unsubscribing closes it. One subscriber at a time; the
   * next subscription waits until the previous process is gone (a device opens once). Completes at the end. Errors with
   * a UsherError of the source's own code, or `dependency-missing`.
   */
  open(): Observable<T>;
}

export interface SourceLog {
  warn(message: string): void;
}

/** Removes credentials from a program's messages: ffmpeg repeats addresses in its errors. */
export function withoutCredentials(text: string): string {
  return secrets.hide(text);
}
