import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { swipeMac } from '../../../src/access/swipes/swipe';
import { TestActuator } from '../../support/actuator';
import { Daemon, Installation, usher, Watcher } from '../../support/daemon';
import { type Entrance, entranceRecording } from '../../support/entrance';
import { Mosquitto } from '../../support/mosquitto';
import { PATIENCE_MS, until } from '../../support/until';
import { SceneCamera } from './scene-camera';

export const ROOT = 'usher/v1/gym/box';
export const READERS = ['front-reader', 'side-reader'] as const;
export type Door = 'front' | 'side';
export const UNLOCK_LIFE_MS = 2000;
/** Readers of the doors of the lane, which the flood does not know. */
const LANE_READERS = ['lane-reader', 'card-reader'] as const;
export const MEMBER = '4711';

/** What the storm rages on: a box with two doors and readers with keys, an actuator at one of the doors, a broker; all of them real. */
export class StormSite {
  readonly mosquitto = new Mosquitto([
    'allow_anonymous true',
    // The flood must arrive whole: what the broker throws away proves nothing.
    'max_queued_messages 0',
    'max_inflight_messages 0',
  ]);
  readonly restarts = { broker: 0, actuator: 0, box: 0 };
  private readonly keys = new Map(
    [...READERS, ...LANE_READERS].map((reader) => [reader as string, new Uint8Array(randomBytes(32))]),
  );
  private readonly counters = new Map<string, number>();
  readonly camera = new SceneCamera();
  entrance!: Entrance;
  installation!: Installation;
  actuator!: TestActuator;
  lock!: Daemon;
  box!: Daemon;
  watcher!: Watcher;

  async begin(): Promise<void> {
    const entrance = await entranceRecording();
    this.entrance = entrance;
    await this.camera.start(entrance);
    await this.mosquitto.start();
    this.installation = await Installation.make({
      mqtt: { broker: { type: 'external', url: this.mosquitto.url }, unlockLifeMs: UNLOCK_LIFE_MS },
      cameras: [
        { id: 'cam', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps: 8 },
        { id: 'lane', ...this.camera.settings },
      ],
      doors: [
        ...(['front', 'side'] as const).map((id) => ({
          id,
          camera: 'cam',
          readers: [`${id}-reader`],
          deadlineMs: 15_000,
        })),
        { id: 'lane-face', camera: 'lane', mode: 'identify', adaptTemplates: true },
        { id: 'lane-verify', camera: 'lane', readers: ['lane-reader'], deadlineMs: 20_000 },
        { id: 'lane-card', camera: 'lane', readers: ['card-reader'], adaptTemplates: true },
      ].map((door) => ({ cooldownMs: 0, unlockMs: 200, ...door })),
      policy: {
        schedules: {
          always: { weekly: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '24:00' }] },
        },
        doors: { 'lane-card': { modes: [{ schedule: 'always', mode: 'card-only' }] } },
      },
      security: { commandKeys: ['site.pem.pub'], retention: { inactiveDays: 30, expiredDays: 30 } },
      audit: { keepDays: 30 },
      readers: [...READERS, ...LANE_READERS].map((id) => ({ id, keyFile: `reader-keys/${id}` })),
    });
    for (const name of ['site', 'stranger']) {
      const made = await usher('command-key', 'new', this.pathOf(`${name}.pem`));
      if (made.code !== 0) throw new Error(made.stderr);
    }
    mkdirSync(this.pathOf('reader-keys'));
    for (const [reader, key] of this.keys)
      writeFileSync(this.pathOf(`reader-keys/${reader}`), `${Buffer.from(key).toString('hex')}\n`, { mode: 0o600 });
    const enrolled = await this.installation.enroll(MEMBER, '--force', entrance.still);
    if (enrolled.code !== 0) throw new Error(enrolled.stderr);
    this.watcher = await Watcher.connect(this.mosquitto.url, `${ROOT}/#`);
    await this.startBox();
    this.actuator = await TestActuator.make(this.installation, this.mosquitto.url, {
      door: 'front',
      limits: { maxPerMinute: 6000 },
    });
    this.lock = await this.actuator.start();
  }

  pathOf(name: string): string {
    return join(this.installation.dir, name);
  }

  /** A swipe that the reader signs; its counter is spent whether it is sent or held back. */
  swipe(reader: string, id = MEMBER, at = Date.now()): Record<string, unknown> {
    const counter = (this.counters.get(reader) ?? 0) + 1;
    this.counters.set(reader, counter);
    const said = { v: 1 as const, id, at, counter };
    return { ...said, mac: swipeMac(this.keys.get(reader)!, { site: 'gym', device: 'box', reader }, said) };
  }

  async restartActuator(): Promise<void> {
    await this.lock.stop('SIGKILL');
    this.lock = await this.actuator.start();
    this.restarts.actuator++;
  }

  /** @param between what happens to the box while it is down */
  async restartBox(
    between: () => Promise<void> | void = () => undefined,
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await this.box.stop('SIGKILL');
    await between();
    await this.startBox(env);
    this.restarts.box++;
  }

  async restartBroker(): Promise<void> {
    const [lockSaid, boxSaid] = [this.lock.log.length, this.box.log.length];
    await this.mosquitto.stop('SIGKILL');
    await this.mosquitto.start();
    const back = (): boolean =>
      this.lock.log.slice(lockSaid).includes('listening') && /mqtt: connected/.test(this.box.log.slice(boxSaid));
    await until('the way back to the broker', back, { detail: () => this.box.log.slice(-2000) });
    // Until the watcher hears again, it would miss the next member.
    await this.watcher.say(`${ROOT}/in/nobody/swipe`, 'back');
    await new Promise((resolve) => setTimeout(resolve, 500));
    this.restarts.broker++;
  }

  async end(): Promise<void> {
    // What is running: a failure half-way leaves some of it unmade. One that does not stop must not keep the others.
    const installation = this.installation as Installation | undefined;
    await Promise.allSettled([
      (this.lock as Daemon | undefined)?.stop('SIGKILL'),
      (this.box as Daemon | undefined)?.stop('SIGKILL'),
      (this.watcher as Watcher | undefined)?.close(),
      this.camera.stop(),
    ]);
    await this.mosquitto.dispose();
    for (const pid of installation?.processes() ?? []) kill(pid);
    await installation?.remove();
  }

  private async startBox(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.box = Daemon.start(this.installation, env);
    await this.box.says('usher: ready', PATIENCE_MS);
  }
}

/** A child of a box that was killed may have ended by itself meanwhile. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
