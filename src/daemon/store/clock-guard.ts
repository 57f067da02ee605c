import { messageOf } from '../../errors';
import { clockFloorFile, readClockFloor, writeClockFloor } from '../../store/clock/clock-floor';
import { ClockWatch, monotonicMs } from '../../system/clock';
import type { Log } from '../../system/log';
import type { HealthBoard } from '../health/health';

const JUMP_MS = 2000;
/** The time a time server needs to be sure of itself, and a forged one must keep up its story. */
const STEADY_MS = 15_000;
const SURE_MS = 600_000;
const FLOOR_EVERY_MS = 60_000;

export interface ClockGuardOptions {
  readonly dataDir: string;
  readonly health: Pick<HealthBoard, 'set'>;
  readonly log: Log;
  readonly wall?: () => number;
  readonly monotonic?: () => number;
}

/**
 * Whether this box believes its clock. While it does not, it grants nothing: an unlock says when it was issued and until when it
 * is good, and with a wrong clock it would be either void at every actuator or good for somebody at another time. The latest time
 * that was believed outlives the process (`clock-floor` in the data folder), so that a box that wakes up in the past knows it.
 */
export class ClockGuard {
  private readonly watch: ClockWatch;
  private readonly monotonic: () => number;
  private savedAt = -Infinity;
  private lastWarning: string | null = null;

  /** Epoch ms, believed or not. */
  readonly now: () => number;

  constructor(private readonly options: ClockGuardOptions) {
    this.now = options.wall ?? Date.now;
    this.monotonic = options.monotonic ?? monotonicMs;
    this.watch = new ClockWatch({
      wall: this.now,
      monotonic: this.monotonic,
      jumpMs: JUMP_MS,
      steadyMs: STEADY_MS,
      sureMs: SURE_MS,
      floor: readClockFloor(options.dataDir),
    });
  }

  /** Null, or why the clock is not believed just now. */
  readonly doubt = (): string | null => this.watch.check()?.detail ?? null;

  /** Epoch ms, or null while it is not believed. */
  readonly wall = (): number | null => (this.watch.check() === null ? this.now() : null);

  /** Every second: notices, tells, remembers. @returns whether the clock is believed */
  tick(): boolean {
    this.heedOperator();
    const doubt = this.watch.check();
    if ((doubt?.kind ?? null) !== this.lastWarning) {
      this.lastWarning = doubt?.kind ?? null;
      if (doubt === null) this.options.log.info('the clock is steady again');
      else this.options.log.warn('nothing is granted while the clock is in doubt', { why: doubt.detail });
    }
    this.options.health.set('clock', {
      state: doubt === null ? 'ok' : 'degraded',
      lastProgressAt: doubt === null ? this.now() : null,
      // By kind, so that health is told when it changes and not with every second.
      detail: doubt === null ? null : `nothing is granted: ${DETAILS[doubt.kind]}`,
      remedy: doubt === null ? null : this.remedyFor(doubt.kind),
    });
    if (doubt === null) this.remember();
    return doubt === null;
  }

  private remedyFor(kind: keyof typeof DETAILS): string {
    if (kind === 'jumped')
      return 'It ends by itself when the clock keeps pace; if it repeats, look at the time service.';
    return 'Set the clock right (timedatectl). If it is right now, and was ahead before, run `usher clock accept` with the date of today.';
  }

  /** `usher clock accept` takes the remembered time away: the clock of now is right, and was ahead before. */
  private heedOperator(): void {
    if (this.watch.check()?.kind !== 'behind') return;
    try {
      const floor = readClockFloor(this.options.dataDir);
      if (!this.watch.lowerFloor(floor)) return;
      this.savedAt = -Infinity;
      this.options.log.warn('an operator has accepted the clock', { remembered: new Date(floor).toISOString() });
    } catch (error) {
      this.options.log.warn(`${clockFloorFile(this.options.dataDir)} cannot be read`, { why: messageOf(error) });
    }
  }

  private remember(): void {
    if (this.monotonic() - this.savedAt < FLOOR_EVERY_MS) return;
    const floor = this.watch.believed();
    if (floor === null) return;
    this.savedAt = this.monotonic();
    try {
      writeClockFloor(this.options.dataDir, floor);
    } catch (error) {
      // The floor of a minute ago serves nearly as well.
      this.options.log.warn('the time could not be remembered', { why: messageOf(error) });
    }
  }
}

const DETAILS = {
  jumped: 'the clock jumped, and has not been steady for long enough since',
  behind: 'the clock is behind a time that was seen before',
};
