import { readFileSync } from 'node:fs';

/**
 * CLOCK_MONOTONIC in ms: the same number in every process of the machine, and untouched when the wall clock jumps.
 * What decides (deadlines, votes) reckons with it; what is told to others carries the wall clock.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

export interface ClockWatchOptions {
  /** Epoch ms, and a clock that nobody sets. */
  readonly wall: () => number;
  readonly monotonic: () => number;
  /** Deviation of the two that counts as a jump. */
  readonly jumpMs: number;
  /** After a jump the wall clock is believed again when it has kept pace for so long. */
  readonly steadyMs: number;
  /**
   * … and is worth remembering for the next run when it has kept pace for so long. A machine whose battery clock is ahead (in
   * local time, say) is set back by the time server within a minute of its start; remembering the time before would shut the door
   * until it is caught up.
   */
  readonly sureMs: number;
  /** Latest time that an earlier run saw, epoch ms; 0 for none. */
  readonly floor: number;
}

/** Why the wall clock is not believed just now. */
export interface ClockDoubt {
  readonly kind: 'jumped' | 'behind';
  readonly detail: string;
}

/**
 * A clock that is corrected gently runs up to a tenth fast or slow (chrony slews by at most 1/12). So much deviation is forgiven
 * with time; many small steps in a row are not.
 */
const FORGIVEN_PER_MS = 0.1;

/**
 * Watches the wall clock against the monotonic one. Stops an old message from being young again: whoever can set the clock back
 * (a forged time server, a box that boots without a battery behind its clock) could otherwise replay what was recorded then.
 * A box that slept shows as a jump too, since the monotonic clock sleeps with it.
 */
export class ClockWatch {
  private last: { readonly wall: number; readonly monotonic: number } | null = null;
  /** Deviation that is not yet forgiven. */
  private strayedMs = 0;
  private jump: { readonly byMs: number; readonly at: number } | null = null;
  /** Monotonic time since when the wall clock keeps pace. */
  private steadySince: number | null = null;
  private floor: number;

  constructor(private readonly options: ClockWatchOptions) {
    this.floor = options.floor;
  }

  /** Looks at both clocks. Call often (every second, and before whatever rests on the time). Null: the time is to be believed. */
  check(): ClockDoubt | null {
    const { jumpMs, steadyMs } = this.options;
    const now = { wall: this.options.wall(), monotonic: this.options.monotonic() };
    if (this.last !== null) {
      const elapsed = Math.max(0, now.monotonic - this.last.monotonic);
      const deviation = now.wall - this.last.wall - elapsed;
      this.strayedMs = Math.max(0, this.strayedMs + Math.abs(deviation) - elapsed * FORGIVEN_PER_MS);
      if (this.strayedMs > jumpMs) {
        this.jump = { byMs: deviation, at: now.monotonic };
        this.steadySince = now.monotonic;
        this.strayedMs = 0;
      }
    }
    this.last = now;
    this.steadySince ??= now.monotonic;
    if (now.wall < this.floor - jumpMs)
      return {
        kind: 'behind',
        detail: `it is ${new Date(now.wall).toISOString()} by the clock, but it was ${new Date(this.floor).toISOString()} before`,
      };
    if (this.jump !== null) {
      const steady = now.monotonic - this.jump.at;
      if (steady < steadyMs)
        return {
          kind: 'jumped',
          detail: `the clock jumped by about ${Math.round(this.jump.byMs)} ms, ${Math.round(steady)} ms ago`,
        };
      this.jump = null;
    }
    return null;
  }

  /** Where somebody has taken back the time that was remembered. @returns whether that is a change */
  lowerFloor(floor: number): boolean {
    if (floor >= this.floor) return false;
    this.floor = floor;
    return true;
  }

  /** The time to remember for the next run, or null while there is none worth it. */
  believed(): number | null {
    if (this.check() !== null || this.last === null || this.steadySince === null) return null;
    if (this.last.monotonic - this.steadySince < this.options.sureMs) return null;
    this.floor = Math.max(this.floor, this.last.wall);
    return this.floor;
  }
}

/** Identifies this boot of the machine, within which the monotonic clock runs on; '' where the system does not tell. */
export function machineBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
