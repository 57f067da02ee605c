import { messageOf } from '../../errors';
import { clockFloorFile, readClockFloor, writeClockFloor } from '../../store/clock/clock-floor';
import { ClockWatch, monotonicMs } from '../../system/clock';
import type { Log } from '../../system/log';
import type { HealthBoard } from '../health/health';

const JUMP_MS = 2000;
/** Time that a time server needs to settle, and that a forged one would have to keep up. */
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
 * Whether this box trusts its clock. While it does not, it admits no one: an unlock carries its time of issue and
 * expiry, and with a wrong clock it would be either expired at every actuator or valid for another person at another
 * time. The latest trusted time is kept over restarts (`clock-floor` in the data folder), so that a box that starts
 * with a clock in the past detects it.
 */
export class ClockGuard {
  private readonly watch: ClockWatch;
  private readonly monotonic: () => number;
  private savedAt = -Infinity;
  private lastWarning: string | null = null;

  /** Epoch ms, trusted or not. */
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

  /** Null, or why the clock is not trusted at present. */
  readonly doubt = (): string | null => this.watch.check()?.detail ?? null;

  /** Epoch ms, or null while it is not trusted. */
  readonly wall = (): number | null => (this.watch.check() === null ? this.now() : null);

  /** Every second: checks, reports and remembers. @returns whether the clock is trusted */
  tick(): boolean {
    this.heedOperator();
    const doubt = this.watch.check();
    if ((doubt?.kind ?? null) !== this.lastWarning) {
      this.lastWarning = doubt?.kind ?? null;
      if (doubt === null) this.options.log.info('the clock is steady again');
      else this.options.log.warn('no entry is granted while the clock cannot be trusted', { why: doubt.detail });
    }
    this.options.health.set('clock', {
      state: doubt === null ? 'ok' : 'degraded',
      lastProgressAt: doubt === null ? this.now() : null,
      // By kind, so that health changes with the kind and not every second.
      detail: doubt === null ? null : `no entry is granted: ${DETAILS[doubt.kind]}`,
      remedy: doubt === null ? null : this.remedyFor(doubt.kind),
    });
    if (doubt === null) this.remember();
    return doubt === null;
  }

  private remedyFor(kind: keyof typeof DETAILS): string {
    if (kind === 'jumped')
      return 'This ends by itself when the clock is steady. If it repeats, check the time service.';
    return 'Correct the clock (timedatectl). If it is correct now and was ahead before, run `usher clock accept` with today’s date.';
  }

  /** After `usher clock accept` the remembered time is deleted: the present clock is correct and was ahead before. */
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
      // The time of a minute ago is nearly as good.
      this.options.log.warn('the time could not be stored', { why: messageOf(error) });
    }
  }
}

const DETAILS = {
  jumped: 'the clock jumped, and has not been steady for long enough since',
  behind: 'the clock is behind an earlier time',
};
