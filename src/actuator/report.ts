import { type Refusal, type RefusalReason, REFUSALS } from './verifier/refusals';
import type { Log } from '../system/log';
import type { ComponentHealth } from '../daemon/health/health';

const LOG_EVERY_MS = 1000;
/** The broker sends a retained status at once. A box that starts together with the actuator needs longer. */
const BOX_MS = 30_000;

export interface ActuatorStats {
  readonly obeyed: number;
  readonly refused: Readonly<Partial<Record<RefusalReason, number>>>;
}

/** Counts what an actuator did and what is wrong with it, writes log lines, and derives its health. */
export class ActuatorReport {
  private readonly refused = new Map<RefusalReason, number>();
  private readonly logged = new Map<RefusalReason, number>();
  private obeyed = 0;
  private lastObeyedAt: number | null = null;
  private trouble: string | null = null;
  /** Null: it has never published. */
  private boxOnline: boolean | null = null;
  /** Since when there is a connection without any message of the box. */
  private listeningSince: number | null = null;

  constructor(
    private readonly log: Log,
    private readonly monotonicMs: () => number,
    /** SITE/DEVICE of the box. */
    private readonly boxName: string,
  ) {}

  get stats(): ActuatorStats {
    return { obeyed: this.obeyed, refused: Object.fromEntries(this.refused) };
  }

  get relayTrouble(): string | null {
    return this.trouble;
  }

  box(online: boolean): void {
    if (online !== this.boxOnline) this.log.info(`the box ${this.boxName} is ${online ? 'online' : 'offline'}`);
    this.boxOnline = online;
  }

  connection(connected: boolean): void {
    this.listeningSince = connected ? (this.listeningSince ?? this.monotonicMs()) : null;
  }

  opened(order: { readonly decision: string; readonly seq: number; readonly forMs: number }): void {
    this.obeyed++;
    this.lastObeyedAt = Date.now();
    this.log.info('opened', order);
  }

  refusal({ reason, detail }: Refusal): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    // One line a second and reason: a flood on the topic must not fill the disk through the log.
    const now = this.monotonicMs();
    if (now - (this.logged.get(reason) ?? -Infinity) < LOG_EVERY_MS) return;
    this.logged.set(reason, now);
    this.log.warn(`refused: ${REFUSALS[reason]}`, { reason, detail });
  }

  /** @param trouble null if the relay works */
  relay(trouble: string | null): void {
    if (trouble === this.trouble) return;
    this.trouble = trouble;
    if (trouble === null) this.log.info('the relay works again');
    else this.log.error('the relay', { why: trouble });
  }

  /** @param doubt why the clock is not trusted, or null */
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
        detail: `no unlock is obeyed: ${doubt}`,
        remedy:
          'Correct the clock (timedatectl). If it is correct now and was ahead before, run usher actuator reset --config FILE',
      };
    const stranger = this.strangerHealth();
    if (stranger !== null) return { state: 'degraded', lastProgressAt, ...stranger };
    const refused = [...this.refused].map(([reason, count]) => `${reason} ${count}`).join(', ');
    return {
      state: 'ok',
      lastProgressAt,
      detail: `obeyed ${this.obeyed}; refused ${refused === '' ? '0' : refused}${this.boxOnline === false ? `; the box ${this.boxName} is offline` : ''}`,
      remedy: null,
    };
  }

  /** Everything works here, but no unlock of the right box can arrive, since the two configurations do not match. */
  private strangerHealth(): { readonly detail: string; readonly remedy: string } | null {
    const untrusted = this.refused.get('unknown-key') ?? 0;
    if (untrusted > 0 && this.obeyed === 0)
      return {
        detail: `${untrusted} unlocks of ${this.boxName} were refused: signed by a key that is not trusted here`,
        remedy:
          'If the box has a new key, run usher actuator key --box FILE there, then run here the usher actuator trust command that it prints.',
      };
    const since = this.listeningSince;
    if (this.boxOnline !== null || since === null || this.monotonicMs() - since < BOX_MS) return null;
    return {
      detail: `no box ${this.boxName} has published on this broker`,
      remedy:
        'Compare device.site and device.id with those of the box, and broker.url with its mqtt.broker.url (usher actuator doctor). ' +
        'A broker with access rules must let the actuator read the box’s status topic.',
    };
  }
}
