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
  /** Chance of an outage at each word of a box: of its line, or of its power. */
  readonly outages: number;
  readonly outageMs: number;
}

export interface BoxParts {
  readonly index: number;
  /** Its disk. */
  readonly dir: string;
  readonly root: Uint8Array;
  readonly line: Line;
  readonly plan: BoxPlan;
  readonly counted: { outages: number; powerCuts: number; reports: number };
}

const silent = { info: () => undefined, warn: () => undefined };

/**
 * A box without camera and door: the updater, verification, transfer, slots and step function of the daemon, on a disk and a data folder
 * of its own. Its power may be cut: what was in memory is gone, and it goes on from its disk.
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
  /** What it last said of its channel, and when it last said anything or came or went. */
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

  /** By its disk, not by what it says. */
  get active(): string | null {
    return this.slots.pointer(CHANNEL).active?.release ?? null;
  }

  private readonly heard = (payload: Buffer): void => {
    if (this.online) void this.updater?.hear(payload, { kind: 'group', group: WHOLE_FLEET });
  };

  /** As `RetainedReader` on a connection of its own: what an outage swallows is asked for again when the line is back. */
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
      // No machine starts while it still runs: two would write to one disk.
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
    // A box says where it stands on every new connection.
    if (this.last !== null) this.parts.line.retain(this.topic('updateReported'), this.last);
    this.parts.line.hear(this.heard);
  }

  private goOnline(): void {
    this.online = true;
    this.birth = Math.max(this.birth + 1, Date.now());
    this.status('online');
  }

  /** The broker says `offline` for a box in its last will; on a shared connection the simulation does. */
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

/** Slots are named by serial and version. */
function versionIn(dir: string): string {
  return dir.slice(dir.lastIndexOf('-') + 1);
}
