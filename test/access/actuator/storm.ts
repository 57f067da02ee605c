import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDeviceKey } from '../../../src/access/device-key';
import { swipeMac } from '../../../src/access/swipe';
import type { Unlock } from '../../../src/access/unlock';
import { TestActuator } from '../../support/actuator';
import { Daemon, Installation, Watcher } from '../../support/daemon';
import { entranceRecording } from '../../support/entrance';
import { Mosquitto } from '../../support/mosquitto';
import { Dice, type Recording, type Scene, SWIPE_ATTACKS, UNLOCK_ATTACKS } from './attacks';

export interface StormOptions {
  /** Attack messages to send. */
  readonly messages: number;
  readonly seed: number;
  /** Messages between two members who come in the middle of it. */
  readonly perWave?: number;
  /** Restarts of each during the storm, evenly spread; kill -9, all of them. */
  readonly restarts?: { readonly broker: number; readonly actuator: number; readonly box: number };
  readonly progress?: (line: string) => void;
}

export interface StormReport {
  readonly sent: Readonly<Record<string, number>>;
  readonly attacks: number;
  readonly members: number;
  /** Unlocks of the door that reached its actuator in time, and those that were held up until they were void. */
  readonly unlocksIssued: number;
  readonly unlocksLate: number;
  readonly opened: number;
  readonly relayOn: number;
  /** As the actuator counted them. */
  readonly refused: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  readonly restarts: { broker: number; actuator: number; box: number };
  readonly seconds: number;
  /** Anything that should not have been: must be empty. */
  readonly violations: readonly string[];
}

const ROOT = 'usher/v1/gym/box';
const READERS = ['front-reader', 'side-reader'] as const;
const MEMBER = '4711';
const UNLOCK_LIFE_MS = 2000;

/**
 * A real daemon, a real actuator and mosquitto, under a flood of recorded, retained, delayed, duplicated, reordered, altered,
 * forged, cross-door and cross-boot unlocks and swipes, while members come in. Each member must get in, once; nothing else may
 * come to a decision or open.
 */
export class Storm {
  private readonly mosquitto = new Mosquitto([
    'allow_anonymous true',
    // The flood must arrive whole: what the broker throws away proves nothing.
    'max_queued_messages 0',
    'max_inflight_messages 0',
  ]);
  private readonly dice: Dice;
  private readonly recording: Recording = { unlocks: [], otherDoor: [], swipes: [], overtaken: [] };
  private readonly keys = new Map<string, Uint8Array>();
  private readonly counters = new Map<string, number>();
  private readonly sent: Record<string, number> = {};
  private readonly refused: Record<string, number> = {};
  private readonly violations: string[] = [];
  /** Decisions that members caused, and what the actuator opened for, over all its runs. */
  private readonly granted = new Map<string, { readonly door: string }>();
  private readonly opened: string[] = [];
  private readonly late = new Set<string>();
  private relayOn = 0;
  private readonly restarts = { broker: 0, actuator: 0, box: 0 };
  private scene!: Scene;
  private installation!: Installation;
  private actuator!: TestActuator;
  private lock!: Daemon;
  private box!: Daemon;
  private watcher!: Watcher;
  private sentToLock = 0;
  private members = 0;
  private slowestMs = 0;

  constructor(private readonly options: StormOptions) {
    this.dice = new Dice(options.seed);
  }

  async run(): Promise<StormReport> {
    const began = performance.now();
    try {
      await this.begin();
      await this.member('front');
      await this.member('side');
      const { messages, perWave = 1000 } = this.options;
      const waves = Math.ceil(messages / perWave);
      for (let wave = 0; wave < waves; wave++) {
        await this.wave(Math.min(perWave, messages - wave * perWave), wave % 5 === 2);
        await this.maybeRestart(wave, waves);
        // Nothing that was heard so far is needed any more; a long storm would fill the memory with it.
        if (wave + 1 < waves) this.watcher.heard.length = 0;
        if (wave % 10 === 9) this.options.progress?.(`${(wave + 1) * perWave} sent, ${this.members} members came in`);
      }
      await this.judged();
      this.collect();
      this.relayOn = this.actuator.openings;
      this.checkOpenings();
    } finally {
      await this.end();
    }
    const forFront = [...this.granted.values()].filter(({ door }) => door === 'front').length;
    return {
      sent: this.sent,
      attacks: Object.values(this.sent).reduce((sum, count) => sum + count, 0),
      members: this.members,
      unlocksIssued: forFront - this.late.size,
      unlocksLate: this.late.size,
      opened: this.opened.length,
      relayOn: this.relayOn,
      refused: this.refused,
      slowestMs: Math.round(this.slowestMs),
      restarts: this.restarts,
      seconds: Math.round((performance.now() - began) / 1000),
      violations: this.violations,
    };
  }

  private async begin(): Promise<void> {
    const entrance = await entranceRecording();
    await this.mosquitto.start();
    this.installation = await Installation.make({
      mqtt: { broker: { type: 'external', url: this.mosquitto.url }, unlockLifeMs: UNLOCK_LIFE_MS },
      cameras: [{ id: 'cam', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps: 8 }],
      doors: ['front', 'side'].map((id) => ({
        id,
        camera: 'cam',
        readers: [`${id}-reader`],
        cooldownMs: 0,
        unlockMs: 200,
      })),
      readers: READERS.map((id) => ({ id, keyFile: this.keyFile(id) })),
    });
    for (const reader of READERS) {
      mkdirSync(join(this.installation.dir, 'reader-keys'), { recursive: true });
      const key = this.keys.get(reader)!;
      writeFileSync(join(this.installation.dir, this.keyFile(reader)), `${Buffer.from(key).toString('hex')}\n`, {
        mode: 0o600,
      });
    }
    const enrolled = await this.installation.enroll(MEMBER, '--force', entrance.still);
    if (enrolled.code !== 0) throw new Error(enrolled.stderr);
    this.actuator = await TestActuator.make(this.installation, this.mosquitto.url, {
      door: 'front',
      limits: { maxPerMinute: 6000 },
    });
    this.scene = {
      root: ROOT,
      door: 'front',
      readers: READERS,
      recording: this.recording,
      stranger: openDeviceKey(join(this.installation.dir, 'stranger')),
      dice: this.dice,
      now: Date.now,
    };
    this.watcher = await Watcher.connect(this.mosquitto.url, `${ROOT}/#`);
    await this.startBox();
    this.lock = await this.actuator.start();
  }

  private keyFile(reader: string): string {
    if (!this.keys.has(reader)) this.keys.set(reader, new Uint8Array(randomBytes(32)));
    return `reader-keys/${reader}`;
  }

  private async startBox(): Promise<void> {
    this.box = Daemon.start(this.installation);
    await this.box.says('usher: ready', 60_000);
  }

  /** A swipe that the reader signs. */
  private swipe(reader: string): Record<string, unknown> {
    const counter = (this.counters.get(reader) ?? 0) + 1;
    this.counters.set(reader, counter);
    const said = { v: 1 as const, id: MEMBER, at: Date.now(), counter };
    return { ...said, mac: swipeMac(this.keys.get(reader)!, { site: 'gym', device: 'box', reader }, said) };
  }

  /** A member comes to the door: swipes, is seen, must get in. */
  private async member(door: 'front' | 'side'): Promise<void> {
    const began = performance.now();
    const id = await this.grantFor(door);
    if (id === null || door !== 'front') return;
    for (const deadline = performance.now() + 5000; !this.lock.log.includes(`decision=${id}`);) {
      if (performance.now() > deadline) {
        this.violations.push(`the door did not open for ${id}:\n${this.lock.log.slice(-2000)}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    this.slowestMs = Math.max(this.slowestMs, performance.now() - began);
  }

  /** The way to the lock is held up until the member's unlock is void: whoever stands there now must not get in by it. */
  private async lateMember(): Promise<void> {
    this.lock.process.kill('SIGSTOP');
    try {
      const id = await this.grantFor('front');
      if (id !== null) {
        this.late.add(id);
        this.sentToLock++;
      }
      await new Promise((resolve) => setTimeout(resolve, UNLOCK_LIFE_MS + 300));
    } finally {
      this.lock.process.kill('SIGCONT');
    }
  }

  /** Swipe, decision, unlock. @returns the decision's id, or null when it was no grant, which is a violation */
  private async grantFor(door: 'front' | 'side'): Promise<string | null> {
    const reader = `${door}-reader`;
    if (this.dice.below(3) === 0) this.recording.overtaken.push({ reader, payload: this.swipe(reader) });
    const payload = this.swipe(reader);
    const from = this.watcher.heard.length;
    await this.watcher.say(`${ROOT}/in/${reader}/swipe`, payload);
    const decision = await this.watcher.hears(
      `a decision at ${door}`,
      (heard) => heard.topic === `${ROOT}/event/${door}/decision`,
      20_000,
      from,
    );
    const id = String(decision.payload['decision']);
    this.members++;
    this.recording.swipes.push({ reader, payload });
    if (this.recording.overtaken.length === 0) this.recording.overtaken.push({ reader, payload });
    if (decision.payload['outcome'] !== 'granted') {
      this.violations.push(`a member was not let in: ${JSON.stringify(decision.payload)}`);
      return null;
    }
    this.granted.set(id, { door });
    const unlock = await this.watcher.hears(
      'its unlock',
      (heard) => heard.topic === `${ROOT}/event/${door}/unlock` && heard.payload['decision'] === id,
      5000,
      from,
    );
    (door === 'front' ? this.recording.unlocks : this.recording.otherDoor).push(unlock.payload as unknown as Unlock);
    return id;
  }

  /** So many attacks, and in the midst of them members. */
  private async wave(messages: number, late: boolean): Promise<void> {
    const flood = this.flood(messages);
    await this.member('front');
    if (this.dice.below(4) === 0) await this.member('side');
    await this.member('front');
    await flood;
    if (late) await this.lateMember();
    await this.judged();
    this.checkDecisions();
  }

  private async flood(messages: number): Promise<void> {
    const kinds = [
      ...Object.entries(UNLOCK_ATTACKS).map(([name, make]) => ({ name, make, unlock: true })),
      ...Object.entries(SWIPE_ATTACKS).map(([name, make]) => ({ name, make, unlock: false })),
    ];
    for (let left = messages; left > 0; left -= 50) {
      await Promise.all(
        Array.from({ length: Math.min(50, left) }, () => {
          const { name, make, unlock } = this.dice.of(kinds);
          const { topic, payload, retain } = make(this.scene);
          this.sent[name] = (this.sent[name] ?? 0) + 1;
          if (unlock) this.sentToLock++;
          return this.watcher.say(topic, payload, { retain: retain ?? false });
        }),
      );
    }
  }

  /** Waits until the actuator has judged all that was sent: its health counts it. */
  private async judged(): Promise<void> {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const health = this.watcher.heard.findLast(({ topic }) => topic.endsWith('/health/actuator-front'));
      const counted = refusalsIn(String(health?.payload['detail']));
      if (Object.values(counted).reduce((sum, count) => sum + count, 0) >= this.sentToLock) return;
      if (performance.now() > deadline) {
        this.violations.push(`of ${this.sentToLock} messages the actuator judged only ${JSON.stringify(counted)}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Every decision of the box must be a member's: no attack on the swipe topics may have come to one. */
  private checkDecisions(): void {
    for (const { topic, payload } of this.watcher.heard)
      if (topic.endsWith('/decision') && !this.granted.has(String(payload['decision'])))
        this.violations.push(`a decision that no member asked for: ${JSON.stringify(payload)}`);
  }

  /** What the actuator said it opened for, before its process ends. */
  private collect(): void {
    // Its count of refusals is in the health that `judged` waited for.
    for (const [, decision] of this.lock.log.matchAll(/opened decision=(\S+)/g)) this.opened.push(decision!);
    const health = this.watcher.heard.findLast(({ topic }) => topic.endsWith('/health/actuator-front'));
    for (const [reason, count] of Object.entries(refusalsIn(String(health?.payload['detail']))))
      this.refused[reason] = (this.refused[reason] ?? 0) + count;
    this.sentToLock = 0;
  }

  private checkOpenings(): void {
    const seen = new Set<string>();
    for (const decision of this.opened) {
      if (seen.has(decision)) this.violations.push(`opened twice for ${decision}`);
      if (this.granted.get(decision)?.door !== 'front')
        this.violations.push(`opened for ${decision}, which is nobody's`);
      seen.add(decision);
    }
    for (const [decision, { door }] of this.granted)
      if (door === 'front' && seen.has(decision) === this.late.has(decision))
        this.violations.push(
          seen.has(decision) ? `opened for what was late: ${decision}` : `granted, but not opened: ${decision}`,
        );
    if (this.actuator.openings > this.opened.length)
      this.violations.push(`the relay was told on ${this.actuator.openings} times for ${this.opened.length} unlocks`);
  }

  private async maybeRestart(wave: number, waves: number): Promise<void> {
    const { broker, actuator, box } = this.options.restarts ?? { broker: 1, actuator: 1, box: 1 };
    const due = (times: number): boolean =>
      Math.floor(((wave + 1) * times) / waves) > Math.floor((wave * times) / waves);
    if (due(actuator)) {
      this.collect();
      await this.lock.stop('SIGKILL');
      this.lock = await this.actuator.start();
      this.restarts.actuator++;
    }
    if (due(box)) {
      await this.box.stop('SIGKILL');
      await this.startBox();
      this.restarts.box++;
    }
    if (due(broker)) {
      const [lockSaid, boxSaid] = [this.lock.log.length, this.box.log.length];
      await this.mosquitto.stop('SIGKILL');
      await this.mosquitto.start();
      const back = (): boolean =>
        this.lock.log.slice(lockSaid).includes('listening') && /mqtt: connected/.test(this.box.log.slice(boxSaid));
      for (const deadline = performance.now() + 60_000; !back();) {
        if (performance.now() > deadline) throw new Error(`no way back to the broker:\n${this.box.log.slice(-2000)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      // Until the watcher hears again, it would miss the next member.
      await this.watcher.say(`${ROOT}/in/nobody/swipe`, 'back');
      await new Promise((resolve) => setTimeout(resolve, 500));
      this.restarts.broker++;
    }
  }

  private async end(): Promise<void> {
    // What is running: a failure half-way leaves some of it unmade.
    await (this.lock as Daemon | undefined)?.stop('SIGKILL');
    await (this.box as Daemon | undefined)?.stop('SIGKILL');
    await (this.watcher as Watcher | undefined)?.close();
    await this.mosquitto.dispose();
    await (this.installation as Installation | undefined)?.remove();
  }
}

/** `obeyed 3; refused expired 4, rate 1` */
function refusalsIn(detail: string): Record<string, number> {
  const [, list = ''] = /refused (.+)$/.exec(detail) ?? [];
  return Object.fromEntries(
    [...list.matchAll(/([a-z-]+) (\d+)/g)].map(([, reason, count]) => [String(reason), Number(count)]),
  );
}
