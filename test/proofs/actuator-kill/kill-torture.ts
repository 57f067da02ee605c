import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { openDeviceKey } from '../../../src/access/keys/device-key';
import { signUnlock, type Unlock } from '../../../src/access/keys/unlock';
import { TestActuator } from '../../support/actuator';
import { type Daemon, Installation, Watcher } from '../../support/daemon';
import { Mosquitto } from '../../support/mosquitto';
import { Dice } from '../storm/attacks';

export interface KillReport {
  readonly kills: number;
  /** Rounds in which the relay was told before the kill, and in which it was not told at all. */
  readonly opened: number;
  readonly lost: number;
  /** Copies that the next run refused as obeyed already. */
  readonly refusedCopies: number;
  readonly violations: readonly string[];
}

const ROOT = 'usher/v1/gym/box';
const UNLOCK = `${ROOT}/event/front/unlock`;

/**
 * Kills an actuator with SIGKILL at a random moment around the arrival of an unlock, starts it again, and shows it the same unlock
 * while it is still good. It may have been lost (recorded, not opened); it must never open twice. An unlock that is valid for 10 s
 * stands for a box whose unlocks outlive the restart.
 */
export async function killTorture(kills: number, seed: number, progress?: (line: string) => void): Promise<KillReport> {
  const dice = new Dice(seed);
  const mosquitto = new Mosquitto();
  await mosquitto.start();
  const installation = await Installation.make({ cameras: [], doors: [] });
  const watcher = await Watcher.connect(mosquitto.url, `${ROOT}/health/#`);
  const actuator = await TestActuator.make(installation, mosquitto.url, {
    door: 'front',
    limits: { maxLifeMs: 10_000, maxPerMinute: 6000 },
  });
  const key = openDeviceKey(join(installation.dir, 'data'));
  const bootId = randomUUID();
  const violations: string[] = [];
  let [opened, lost, refusedCopies] = [0, 0, 0];
  let lock: Daemon | null = null;
  try {
    for (let round = 1; round <= kills; round++) {
      lock ??= await actuator.start();
      const before = actuator.openings;
      const unlock = freshUnlock(key, bootId, round);
      void watcher.say(UNLOCK, unlock, { qos: 0 });
      // Arrival, check, commit and the start of the relay's program take some 2 to 15 ms here.
      await spin(dice.below(20_000) / 1000);
      await lock.stop('SIGKILL');
      lock = await actuator.start();
      await watcher.say(UNLOCK, unlock);
      const verdict = await verdictOf(lock, unlock);
      const told = actuator.openings - before;
      if (told > 1) violations.push(`round ${round}: the relay was told on ${told} times`);
      if (verdict === 'opened' && told !== 1) violations.push(`round ${round}: opened, relay told ${told} times`);
      if (verdict === 'silent') violations.push(`round ${round}: the copy was not judged:\n${lock.log}`);
      if (told === 1) opened++;
      else lost++;
      if (verdict === 'refused') refusedCopies++;
      if (round % 50 === 0)
        progress?.(`${round} kills: ${opened} opened, ${lost} lost, ${refusedCopies} copies refused`);
    }
  } finally {
    await lock?.stop('SIGKILL');
    await watcher.close();
    await mosquitto.dispose();
    await installation.remove();
  }
  return { kills, opened, lost, refusedCopies, violations };
}

function freshUnlock(key: ReturnType<typeof openDeviceKey>, bootId: string, seq: number): Unlock {
  const issuedAt = Date.now();
  return signUnlock(
    {
      v: 1,
      door: 'front',
      decision: randomUUID(),
      issuedAt,
      notAfter: issuedAt + 10_000,
      bootId,
      seq,
      nonce: randomBytes(16).toString('hex'),
      durationMs: 100,
    },
    key,
  );
}

/** What the new run made of the copy; waits until the relay's program has written. */
async function verdictOf(lock: Daemon, unlock: Unlock): Promise<'opened' | 'refused' | 'late' | 'silent'> {
  const deadline = performance.now() + 5000;
  while (performance.now() < deadline) {
    if (lock.log.includes('reason=seen-nonce')) return 'refused';
    // A machine that was busy elsewhere for seconds: refused it is, if not as a copy.
    if (lock.log.includes('reason=expired')) return 'late';
    if (lock.log.includes(`decision=${unlock.decision}`)) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return 'opened';
    }
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  return 'silent';
}

/** Timers are too coarse for a moment within a commit. */
async function spin(ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
}
