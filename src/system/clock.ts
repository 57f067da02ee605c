import { readFileSync } from 'node:fs';

/**
 * CLOCK_MONOTONIC in ms. It is the same in every process of the machine and unaffected by jumps of the wall clock.
 * Decisions (deadlines, votes) use it; messages to other machines carry the wall clock.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

export interface ClockWatchOptions {
  /** Wall clock (epoch ms) and monotonic clock. */
  readonly wall: () => number;
  readonly monotonic: () => number;
  /** A larger difference between the two clocks counts as a jump. */
  readonly jumpMs: number;
  /** After a jump the wall clock is trusted again when the two clocks agreed this long. */
  readonly steadyMs: number;
  /**
   * The wall clock is remembered for the next run when the two clocks agreed this long. A machine whose battery clock
   * is ahead (in local time, for example) is corrected by the time server within a minute of its start. If the time
   * before that were remembered, the door would stay shut until the clock passes it again.
   */
  readonly sureMs: number;
  /** Latest time that an earlier run trusted, epoch ms; 0 if none. */
  readonly floor: number;
}

/** Why the wall clock is not trusted at present. */
export interface ClockDoubt {
  readonly kind: 'jumped' | 'behind';
  readonly detail: string;
}

/**
 * A clock that is corrected gently runs up to a tenth fast or slow (chrony slews by at most 1/12). So much difference
 * is forgiven over time; many small steps in a row are not.
 */
const FORGIVEN_PER_MS = 0.1;

/**
 * Compares the wall clock with the monotonic one, so that an old message cannot become valid again. Otherwise an
 * attacker who can set the clock back (a forged time server, a box that boots without a clock battery) could replay
 * recorded messages. A box that slept shows as a jump too, since the monotonic clock does not count sleep.
 */
export class ClockWatch {
  private last: { readonly wall: number; readonly monotonic: number } | null = null;
  /** Difference that is not forgiven yet. */
  private strayedMs = 0;
  private jump: { readonly byMs: number; readonly at: number } | null = null;
  /** Monotonic time since when the clocks agree. */
  private steadySince: number | null = null;
  private floor: number;

  constructor(private readonly options: ClockWatchOptions) {
    this.floor = options.floor;
  }

  /**
   * Compares the clocks. Call it often (every second, and before each use of the time). Null: the time can be trusted.
   */
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
        detail: `the clock shows ${new Date(now.wall).toISOString()}, but an earlier time was ${new Date(this.floor).toISOString()}`,
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

  /** For an operator who lowered the remembered time. @returns whether that is a change */
  lowerFloor(floor: number): boolean {
    if (floor >= this.floor) return false;
    this.floor = floor;
    return true;
  }

  /** The time to remember for the next run; null while there is none that can be trusted. */
  believed(): number | null {
    if (this.check() !== null || this.last === null || this.steadySince === null) return null;
    if (this.last.monotonic - this.steadySince < this.options.sureMs) return null;
    this.floor = Math.max(this.floor, this.last.wall);
    return this.floor;
  }
}

/**
 * Identifies this boot of the machine, during which the monotonic clock is continuous; '' if the system does not report
 * it.
 */
export function machineBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
