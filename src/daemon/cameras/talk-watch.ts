/**
 * A process that reports every second counts as hanging after this silence; its camera is then considered unwatched.
 */
const QUIET_MS = 2500;
/** It counts as alive again after reporting for this long: its first messages may be old. */
const TALKS_MS = 500;
/** If the observer itself was blocked for this long, messages may be waiting unread. */
const OWN_STANDSTILL_MS = 1000;

export const WATCH_EVERY_MS = 250;

/**
 * Detects that a child process has stopped reporting, long before the supervisor ends it: the process was stopped, or
 * hangs in a native call. Times are monotonic ms.
 */
export class TalkWatch {
  private heardAt: number | null = null;
  private talksSince = -Infinity;
  private lookedAt: number | null = null;
  private quiet = false;

  /** A new process has no duty to report before its first message. */
  begin(): void {
    this.heardAt = null;
    this.talksSince = -Infinity;
    this.quiet = false;
  }

  heard(now: number): void {
    this.heardAt = now;
    if (!this.quiet) return;
    this.quiet = false;
    this.talksSince = now;
  }

  /** True once when the process has fallen silent. Call it every `WATCH_EVERY_MS`. */
  fellQuiet(now: number): boolean {
    const stoodStill = this.lookedAt !== null && now - this.lookedAt > OWN_STANDSTILL_MS;
    this.lookedAt = now;
    if (stoodStill || this.quiet || this.heardAt === null || now - this.heardAt <= QUIET_MS) return false;
    this.quiet = true;
    return true;
  }

  /** Whether it reports, and has for long enough since it was silent. */
  talks(now: number): boolean {
    return !this.quiet && now - this.talksSince >= TALKS_MS;
  }
}
