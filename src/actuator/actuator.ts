import { existsSync } from 'node:fs';
import { createSwitch } from './switch/create';
import { UnlockMemory } from './verifier/memory';
import { Refusal } from './verifier/refusals';
import { PulsedRelay } from './switch/relay';
import { type VerifierSettings, verifyUnlock } from './verifier/verifier';
import { trustedKey } from '../access/keys/device-key';
import { type LoadedActuatorConfig, trustedKeysOf } from './config/load';
import { messageOf } from '../errors';
import { withDeadline } from '../mqtt/link/deadline';
import { decode } from '../mqtt/topics/decode';
import { UnlockPayload } from '../mqtt/topics/payloads';
import type { InboundPacket } from '../mqtt/topics/wire';
import { holdDaemonLock } from '../store/daemon-lock';
import { ClockWatch, monotonicMs } from '../system/clock';
import type { Log } from '../system/log';
import { TakeDown } from '../system/take-down';
import { ActuatorLink } from './link';
import { HealthLog } from '../daemon/health/health-log';
import { brokerHealth } from '../daemon/health/publishing';
import { ActuatorReport, type ActuatorStats } from './report';

/** An unlock has about 560 bytes. */
const MAX_UNLOCK_BYTES = 2048;
const CLOCK_EVERY_MS = 500;
const FLOOR_EVERY_MS = 30_000;
const SURE_MS = 600_000;
/** Limit for securing the relay at the end. */
const SECURE_MS = 5000;
const STOP_LIMITS = { totalMs: 10_000, partMs: 6000 };

/**
 * `usher actuator`: obeys the unlocks of one door. It receives them, has each one verified, and opens the relay for a
 * bounded time. Every failure leaves the door secured: only an order from `verifyUnlock` opens it.
 */
export class Actuator {
  private readonly undo: TakeDown;
  private readonly report: ActuatorReport;
  private settings: VerifierSettings | null = null;
  private memory: UnlockMemory | null = null;
  private relay: PulsedRelay | null = null;
  private link: ActuatorLink | null = null;
  private stopping = false;
  private starting: Promise<void> | null = null;
  private lastPublished = '';

  constructor(
    private readonly loaded: LoadedActuatorConfig,
    private readonly log: Log,
  ) {
    const { site, id } = loaded.config.device;
    this.report = new ActuatorReport(log, monotonicMs, `${site}/${id}`);
    this.undo = new TakeDown(log, STOP_LIMITS);
  }

  get stats(): ActuatorStats {
    return this.report.stats;
  }

  /** @throws UsherError `data-invalid` (a key), `store-locked`, `store-unavailable` */
  async start(): Promise<void> {
    this.starting ??= this.bringUp();
    try {
      await this.starting;
    } catch (error) {
      await this.undo.run();
      throw error;
    }
  }

  /**
   * Secures the door, then reports that it stops. Safe to call at any moment and more than once. @returns the parts
   * that did not stop in time
   */
  stop(hurry: AbortSignal | null = null): Promise<readonly string[]> {
    this.stopping = true;
    return this.undo.run(hurry, this.starting?.catch(() => undefined) ?? null);
  }

  /** Parts that a stop has not finished yet. */
  get unfinished(): readonly string[] {
    return this.undo.unfinished;
  }

  private async bringUp(): Promise<void> {
    const { config, stateDir } = this.loaded;
    const { limits, clock } = config;
    const keys = trustedKeysOf(config, this.loaded.file, trustedKey);
    const lock = holdDaemonLock(stateDir);
    this.undo.push('state folder lock', () => lock.release());
    const memory = this.openMemory();
    const watch = new ClockWatch({
      wall: Date.now,
      monotonic: monotonicMs,
      jumpMs: clock.jumpMs,
      steadyMs: clock.steadySeconds * 1000,
      sureMs: SURE_MS,
      floor: memory.floor,
    });
    this.settings = {
      door: config.door,
      keys,
      limits,
      wall: Date.now,
      clockDoubt: () => this.clockDoubt(watch),
      read: (bytes) => decode(UnlockPayload, bytes, MAX_UNLOCK_BYTES),
    };

    const healthLog = new HealthLog(this.log, (component) => component, monotonicMs());
    const link = this.makeLink(healthLog);
    this.link = link;
    const relay = new PulsedRelay(createSwitch(config.relay, link.publish), {
      maxOpenMs: limits.maxOpenMs,
      monotonic: monotonicMs,
      trouble: (message) => this.report.relay(message),
    });
    this.relay = relay;
    // A relay on MQTT can be secured only while connected; see onUp.
    if (!this.relayIsOnMqtt) await this.secure();
    this.undo.push('mqtt', () => link.stop());
    this.undo.push('relay', () =>
      withDeadline(SECURE_MS, relay.stop(), () => this.log.error('the relay could not be secured in time')),
    );
    link.start();

    this.every(CLOCK_EVERY_MS, () => {
      this.tellChanges(this.clockDoubt(watch));
      healthLog.tick(monotonicMs());
    });
    this.every(FLOOR_EVERY_MS, () => this.rememberTime(watch, memory));
    this.every(config.health.everySeconds * 1000, () => {
      // Tries again what could not be secured at the start or at the last attempt.
      if (this.report.relayTrouble !== null && !relay.open) void this.secure();
      link.sayHealth(this.report.health(this.clockDoubt(watch)));
    });
    link.sayHealth(this.report.health(this.clockDoubt(watch)));
  }

  private openMemory(): UnlockMemory {
    const { config, stateDir } = this.loaded;
    const { limits, clock } = config;
    // Kept for a minute at least: the count of openings a minute is taken from it, and survives a restart with it.
    const memory = UnlockMemory.open(stateDir, Math.max(60_000, 2 * (limits.maxLifeMs + limits.skewMs + clock.jumpMs)));
    this.memory = memory;
    this.undo.push('memory', () => memory.close());
    return memory;
  }

  private makeLink(healthLog: HealthLog): ActuatorLink {
    const { config } = this.loaded;
    return new ActuatorLink(config, `actuator-${config.name ?? config.door}`, {
      unlock: (packet) => this.hear(packet),
      box: (online) => this.report.box(online),
      up: () => void this.onUp(),
      changed: (health) => {
        this.report.connection(health.state === 'connected');
        healthLog.changed('broker', brokerHealth(health), monotonicMs());
        if (health.problem === null) this.log.info(health.state);
      },
    });
  }

  private get relayIsOnMqtt(): boolean {
    const { type } = this.loaded.config.relay;
    return type !== 'gpio' && type !== 'command';
  }

  private async onUp(): Promise<void> {
    if (this.relayIsOnMqtt) await this.secure();
    this.log.info('listening', { door: this.loaded.config.door });
  }

  private hear(packet: InboundPacket): void {
    const { settings, memory, relay } = this;
    if (settings === null || memory === null || relay === null || this.stopping) return;
    try {
      const { unlock, openMs } = verifyUnlock(packet, memory, settings);
      // Before the log line and everything else, because a person waits at the door.
      const pulse = relay.pulse(openMs);
      this.report.opened({ decision: unlock.decision, seq: unlock.seq, forMs: openMs });
      pulse.then(
        () => this.report.relay(null),
        (error: unknown) => this.report.relay(`the relay could not be opened: ${messageOf(error)}`),
      );
    } catch (error) {
      if (error instanceof Refusal) this.report.refusal(error);
      else this.log.error('an unlock could not be judged', { why: messageOf(error) });
    }
  }

  private async secure(): Promise<void> {
    try {
      await this.relay?.secure();
      this.report.relay(null);
    } catch (error) {
      this.report.relay(`the relay could not be secured: ${messageOf(error)}`);
    }
  }

  private rememberTime(watch: ClockWatch, memory: UnlockMemory): void {
    const believed = watch.believed();
    if (believed === null) return;
    try {
      memory.raiseFloor(believed);
    } catch (error) {
      // The time of half a minute ago is nearly as good. A disk that stays full is reported at the next unlock.
      this.log.warn('the time could not be stored', { why: messageOf(error) });
    }
  }

  private clockDoubt(watch: ClockWatch): string | null {
    const { syncedFile } = this.loaded.config.clock;
    if (syncedFile !== undefined && !existsSync(syncedFile))
      return `${syncedFile} does not exist: the time is not known yet`;
    return watch.check()?.detail ?? null;
  }

  /** Publishes a change of condition at once, but not mere counts. */
  private tellChanges(doubt: string | null): void {
    const sign = `${doubt === null} ${this.report.relayTrouble ?? ''}`;
    if (sign === this.lastPublished) return;
    if (doubt !== null) this.log.warn('no unlock is obeyed while the clock cannot be trusted', { why: doubt });
    this.lastPublished = sign;
    this.link?.sayHealth(this.report.health(doubt));
  }

  private every(ms: number, work: () => void): void {
    const timer = setInterval(work, ms);
    this.undo.push('timers', () => clearInterval(timer));
  }
}
