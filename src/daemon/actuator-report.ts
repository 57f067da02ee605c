import { type Refusal, type RefusalReason, REFUSALS } from '../access/actuator/refusals';
import type { Log } from '../system/log';
import type { ComponentHealth } from './health';

const LOG_EVERY_MS = 1000;

export interface ActuatorStats {
  readonly obeyed: number;
  readonly refused: Readonly<Partial<Record<RefusalReason, number>>>;
}

/** What an actuator did and what is wrong with it: counts, log lines, and the health that follows from them. */
export class ActuatorReport {
  private readonly refused = new Map<RefusalReason, number>();
  private readonly logged = new Map<RefusalReason, number>();
  private obeyed = 0;
  private lastObeyedAt: number | null = null;
  private trouble: string | null = null;

  constructor(
    private readonly log: Log,
    private readonly monotonicMs: () => number,
  ) {}

  get stats(): ActuatorStats {
    return { obeyed: this.obeyed, refused: Object.fromEntries(this.refused) };
  }

  get relayTrouble(): string | null {
    return this.trouble;
  }

  opened(order: { readonly decision: string; readonly seq: number; readonly forMs: number }): void {
    this.obeyed++;
    this.lastObeyedAt = Date.now();
    this.log.info('opened', order);
  }

  refusal({ reason, detail }: Refusal): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    // One line a second and reason: whoever floods the topic must not fill the disk through our log.
    const now = this.monotonicMs();
    if (now - (this.logged.get(reason) ?? -Infinity) < LOG_EVERY_MS) return;
    this.logged.set(reason, now);
    this.log.warn(`refused: ${REFUSALS[reason]}`, { reason, detail });
  }

  /** Null: it works. */
  relay(trouble: string | null): void {
    if (trouble === this.trouble) return;
    this.trouble = trouble;
    if (trouble === null) this.log.info('the relay works again');
    else this.log.error('the relay', { why: trouble });
  }

  /** @param doubt why the clock is not believed, or null */
  health(doubt: string | null): ComponentHealth {
    const lastProgressAt = this.lastObeyedAt;
    if (this.trouble !== null)
      return {
        state: 'failed',
        lastProgressAt,
        detail: `the relay: ${this.trouble}`,
        remedy: 'Check the wiring, the device’s power and the `relay` part of the actuator’s configuration.',
      };
    if (doubt !== null)
      return {
        state: 'degraded',
        lastProgressAt,
        detail: `nothing is obeyed: ${doubt}`,
        remedy:
          'Set the clock right (timedatectl). If it is right now and was ahead before: usher actuator reset --config FILE',
      };
    const refused = [...this.refused].map(([reason, count]) => `${reason} ${count}`).join(', ');
    return {
      state: 'ok',
      lastProgressAt,
      detail: `obeyed ${this.obeyed}; refused ${refused === '' ? '0' : refused}`,
      remedy: null,
    };
  }
}
