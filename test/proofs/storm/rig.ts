import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UnlockMemory } from '../../../src/actuator/verifier/memory';
import { Refusal, type RefusalReason } from '../../../src/actuator/verifier/refusals';
import { type VerifierSettings, verifyUnlock } from '../../../src/actuator/verifier/verifier';
import { type DeviceKey, openDeviceKey, trustedKey } from '../../../src/access/keys/device-key';
import { signUnlock, type Unlock, type UnlockStatement } from '../../../src/access/keys/unlock';
import { decode } from '../../../src/mqtt/topics/decode';
import { UnlockPayload } from '../../../src/mqtt/topics/payloads';

export const NOON = Date.UTC(2026, 5, 1, 12);

/** A box as the actuator hears it: signs unlocks of one run, numbered. */
export class Box {
  private seq = 0;
  bootId = randomUUID();

  constructor(
    readonly key: DeviceKey,
    private readonly now: () => number,
  ) {}

  restart(): void {
    this.bootId = randomUUID();
    this.seq = 0;
  }

  unlock(change: Partial<UnlockStatement> = {}): Unlock {
    const issuedAt = this.now();
    const statement: UnlockStatement = {
      v: 1,
      door: 'main',
      decision: randomUUID(),
      issuedAt,
      notAfter: issuedAt + 2000,
      bootId: this.bootId,
      seq: ++this.seq,
      nonce: randomBytes(16).toString('hex'),
      durationMs: 3000,
    };
    return signUnlock({ ...statement, ...change }, this.key);
  }
}

/** A verifier with its memory on disk and a clock that the test sets. */
export class Rig {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'usher-verifier-'));
  readonly keys = [openDeviceKey(path.join(this.dir, 'box')), openDeviceKey(path.join(this.dir, 'second'))] as const;
  readonly stranger = openDeviceKey(path.join(this.dir, 'stranger'));
  now = NOON;
  doubt: string | null = null;
  memory: UnlockMemory;
  settings: VerifierSettings = {
    door: 'main',
    keys: this.keys.map((key) => trustedKey(key.publicKeyText)),
    limits: { maxLifeMs: 5000, skewMs: 500, maxPerMinute: 60, maxOpenMs: 10_000 },
    wall: () => this.now,
    clockDoubt: () => this.doubt,
    read: (bytes) => decode(UnlockPayload, bytes, 2048),
  };

  constructor() {
    this.memory = this.open();
  }

  box(which: 0 | 1 = 0): Box {
    return new Box(this.keys[which], () => this.now);
  }

  forger(): Box {
    return new Box(this.stranger, () => this.now);
  }

  /** `opens`, or the reason why not. */
  hear(message: Unlock | Uint8Array | string, retain = false): RefusalReason | 'opens' {
    const payload = Buffer.from(
      typeof message === 'string' || message instanceof Uint8Array ? message : JSON.stringify(message),
    );
    try {
      verifyUnlock({ payload, retain }, this.memory, this.settings);
      return 'opens';
    } catch (error) {
      if (error instanceof Refusal) return error.reason;
      throw error;
    }
  }

  /** As after a restart of the actuator: what is in memory is gone, what is on disk is not. */
  restart(): void {
    this.memory.close();
    this.memory = this.open();
  }

  dispose(): void {
    this.memory.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private open(): UnlockMemory {
    return UnlockMemory.open(path.join(this.dir, 'state'), 60_000);
  }
}
