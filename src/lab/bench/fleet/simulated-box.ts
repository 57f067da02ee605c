import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Exclusive } from '../../../fleet/update/exclusive';
import { openReceiving } from '../../../fleet/update/receive';
import { WHOLE_FLEET } from '../../../fleet/release';
import { Slots } from '../../../fleet/update/slots';
import { Updater } from '../../../fleet/update/updater';
import { topicOf } from '../../../mqtt/topics/topic-names';
import type { UpdateReportedPayload } from '../../../mqtt/topics/update-payloads';
import { monotonicMs } from '../../../system/clock';
import { type Random, seededRandom, streamSeed } from '../../../random';
import type { Line } from './line';
import { SimulatedTarget, type TrialPlan } from './simulated-ground';

export const SITE = 'simulated';
export const CHANNEL = 'wake/simulated';
export const FACTORY = '1.0.0';

export interface BoxPlan extends TrialPlan {
  /** Probability of a failure of connection or power at each message of a box. */
  readonly outages: number;
  readonly outageMs: number;
}

export interface BoxParts {
  readonly index: number;
  /** The folder that is its disk. */
  readonly dir: string;
  readonly root: Uint8Array;
  readonly line: Line;
  readonly plan: BoxPlan;
  readonly counted: { outages: number; powerCuts: number; reports: number };
}

const silent = { info: () => undefined, warn: () => undefined };

/**
 * A box without camera and door. It runs the daemon's updater, verification, transfer, slots and step function on its
 * own disk and data folder. Its power may fail: memory is lost, and it continues from its disk.
 */
export class SimulatedBox {
  readonly device: string;
  private readonly random: Random;
  private readonly slots: Slots;
  private updater: Updater | null = null;
  online = false;
  private birth = 0;
  private back: { readonly promise: Promise<void>; readonly done: () => void } | null = null;
  private stopped = false;
  /** What it last reported about its channel, and when it last published, connected or disconnected. */
  said: UpdateReportedPayload['channels'][number] | null = null;
  movedAt = 0;

  constructor(private readonly parts: BoxParts) {
    this.device = `box-${parts.index}`;
    this.random = seededRandom(streamSeed(parts.plan.seed, parts.index));
    this.slots = new Slots(parts.dir);
  }

  start(): void {
    const { dir, root, line, plan, index } = this.parts;
    mkdirSync(dir, { recursive: true });
    const box = { site: SITE, device: this.device, groups: [], usher: '0.1.0', arch: 'x64' };
    const { verifier, transfer } = openReceiving({
      config: { source: { type: 'mqtt' }, maxKbitPerSecond: 4000 },
      root,
      dir: join(dir, 'fleet'),
      box: { ...box, memoryMiB: 2048 },
      reader: { take: (topic, timeoutMs, signal) => this.take(topic, timeoutMs, signal) },
      isBusy: () => false,
      wall: () => Date.now(),
    });
    const { active } = this.slots.pointer(CHANNEL);
    this.updater = new Updater({
      verifier,
      transfer,
      box,
      slots: this.slots,
      log: silent,
      channels: [CHANNEL],
      orderMs: null,
      target: new SimulatedTarget(index, plan, active?.version ?? FACTORY, FACTORY, versionIn),
      trials: new Exclusive(),
      now: () => Math.round(START + monotonicMs()),
      random: () => this.random.next(),
      probationMs: 0,
      publish: (reported) => this.report(reported),
    });
    this.goOnline();
    this.updater.start();
    line.hear(this.heard);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.parts.line.leave(this.heard);
    this.back?.done();
    await this.updater?.stop();
  }

  /** From its disk, not from its report. */
  get active(): string | null {
    return this.slots.pointer(CHANNEL).active?.release ?? null;
  }

  private readonly heard = (payload: Buffer): void => {
    if (this.online) void this.updater?.hear(payload, { kind: 'group', group: WHOLE_FLEET });
  };

  /**
   * Like `RetainedReader` on its own connection: what an outage lost is requested again when the connection is back.
   */
  private async take(topic: string, timeoutMs: number, signal?: AbortSignal): Promise<Buffer> {
    for (;;) {
      await this.back?.promise;
      const { birth } = this;
      const payload = await this.parts.line.take(topic, timeoutMs, signal);
      if (birth === this.birth && this.online) return payload;
    }
  }

  private report(reported: UpdateReportedPayload): void {
    this.said = reported.channels[0] ?? null;
    this.movedAt = performance.now();
    this.last = reported;
    if (!this.online) return;
    this.parts.counted.reports++;
    this.parts.line.retain(this.topic('updateReported'), reported);
    if (this.random.next() < this.parts.plan.outages) setImmediate(() => void this.outage());
  }
  private last: UpdateReportedPayload | null = null;

  private async outage(): Promise<void> {
    const { counted, plan, line } = this.parts;
    if (!this.online || this.stopped) return;
    this.status('offline');
    this.online = false;
    line.leave(this.heard);
    let done: () => void = () => undefined;
    const promise = new Promise<void>((resolve) => (done = resolve));
    this.back = { promise, done };
    counted.outages++;
    const powerCut = this.random.next() < 0.5;
    const awayMs = plan.outageMs * this.random.between(0.2, 1.8);
    if (powerCut) {
      counted.powerCuts++;
      const { updater } = this;
      this.updater = null;
      const ended = updater?.stop();
      done();
      // A box starts only after its last run ended: two would write to one disk.
      await ended;
    }
    setTimeout(() => this.recover(powerCut, done), awayMs);
  }

  private recover(powerCut: boolean, done: () => void): void {
    if (this.stopped) return done();
    this.back = null;
    if (powerCut) return this.start();
    this.goOnline();
    done();
    // A box publishes its state on every new connection.
    if (this.last !== null) this.parts.line.retain(this.topic('updateReported'), this.last);
    this.parts.line.hear(this.heard);
  }

  private goOnline(): void {
    this.online = true;
    this.birth = Math.max(this.birth + 1, Date.now());
    this.status('online');
  }

  /**
   * On a real box the broker publishes `offline` as its last will. Here the connection is shared, so the simulation
   * does.
   */
  private status(state: 'online' | 'offline'): void {
    this.movedAt = performance.now();
    this.parts.line.retain(this.topic('status'), { v: 1, state, bootId: BOOT_ID, birth: this.birth, at: Date.now() });
  }

  private topic(key: 'status' | 'updateReported'): string {
    return topicOf(key, {}, { site: SITE, device: this.device, discoveryPrefix: 'homeassistant' });
  }
}

const START = Date.now() - monotonicMs();
const BOOT_ID = randomUUID();

/** Slots are named by serial number and version. */
function versionIn(dir: string): string {
  return dir.slice(dir.lastIndexOf('-') + 1);
}
