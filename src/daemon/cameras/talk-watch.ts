/** A process that reports every second counts as hanging after this silence; its camera is then not watched. */
const QUIET_MS = 2500;
/** It counts again once it has been talking for so long: what it had still to say is of the past. */
const TALKS_MS = 500;
/** The one who watches stood still itself: what was said meanwhile is not read yet. */
const OWN_STANDSTILL_MS = 1000;

export const WATCH_EVERY_MS = 250;

/**
 * Notices that a child process says nothing any more, long before it is ended for it: one that was stopped, or that hangs
 * in a native call. Times are monotonic ms.
 */
export class TalkWatch {
  private heardAt: number | null = null;
  private talksSince = -Infinity;
  private lookedAt: number | null = null;
  private quiet = false;

  /** A new process, which owes nothing before its first word. */
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

  /** True once when it has fallen quiet. To be called every `WATCH_EVERY_MS`. */
  fellQuiet(now: number): boolean {
    const stoodStill = this.lookedAt !== null && now - this.lookedAt > OWN_STANDSTILL_MS;
    this.lookedAt = now;
    if (stoodStill || this.quiet || this.heardAt === null || now - this.heardAt <= QUIET_MS) return false;
    this.quiet = true;
    return true;
  }

  /** Whether it talks, and has for long enough since it was quiet. */
  talks(now: number): boolean {
    return !this.quiet && now - this.talksSince >= TALKS_MS;
  }
}
