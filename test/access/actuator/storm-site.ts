import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { swipeMac } from '../../../src/access/swipe';
import { TestActuator } from '../../support/actuator';
import { Daemon, Installation, Watcher } from '../../support/daemon';
import { entranceRecording } from '../../support/entrance';
import { Mosquitto } from '../../support/mosquitto';
import { PATIENCE_MS, until } from '../../support/until';

export const ROOT = 'usher/v1/gym/box';
export const READERS = ['front-reader', 'side-reader'] as const;
export type Door = 'front' | 'side';
export const UNLOCK_LIFE_MS = 2000;
const MEMBER = '4711';

/** What the storm rages on: a box with two doors and readers with keys, an actuator at one of the doors, a broker; all of them real. */
export class StormSite {
  readonly mosquitto = new Mosquitto([
    'allow_anonymous true',
    // The flood must arrive whole: what the broker throws away proves nothing.
    'max_queued_messages 0',
    'max_inflight_messages 0',
  ]);
  readonly restarts = { broker: 0, actuator: 0, box: 0 };
  private readonly keys = new Map(READERS.map((reader) => [reader as string, new Uint8Array(randomBytes(32))]));
  private readonly counters = new Map<string, number>();
  private installation!: Installation;
  actuator!: TestActuator;
  lock!: Daemon;
  box!: Daemon;
  watcher!: Watcher;

  async begin(): Promise<void> {
    const entrance = await entranceRecording();
    await this.mosquitto.start();
    this.installation = await Installation.make({
      mqtt: { broker: { type: 'external', url: this.mosquitto.url }, unlockLifeMs: UNLOCK_LIFE_MS },
      cameras: [{ id: 'cam', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps: 8 }],
      doors: (['front', 'side'] as const).map((id) => ({
        id,
        camera: 'cam',
        readers: [`${id}-reader`],
        cooldownMs: 0,
        unlockMs: 200,
      })),
      readers: READERS.map((id) => ({ id, keyFile: `reader-keys/${id}` })),
    });
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
  swipe(reader: string): Record<string, unknown> {
    const counter = (this.counters.get(reader) ?? 0) + 1;
    this.counters.set(reader, counter);
    const said = { v: 1 as const, id: MEMBER, at: Date.now(), counter };
    return { ...said, mac: swipeMac(this.keys.get(reader)!, { site: 'gym', device: 'box', reader }, said) };
  }

  async restartActuator(): Promise<void> {
    await this.lock.stop('SIGKILL');
    this.lock = await this.actuator.start();
    this.restarts.actuator++;
  }

  async restartBox(): Promise<void> {
    await this.box.stop('SIGKILL');
    await this.startBox();
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
    ]);
    await this.mosquitto.dispose();
    for (const pid of installation?.processes() ?? []) kill(pid);
    await installation?.remove();
  }

  private async startBox(): Promise<void> {
    this.box = Daemon.start(this.installation);
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
