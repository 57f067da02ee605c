import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { DeviceKey } from '../../../src/access/keys/device-key';
import { type Protected, swipeMac } from '../../../src/access/swipes/swipe';
import { type CommandKey, signCommand } from '../../../src/access/commands/sign-command';
import { signUnlock, type Unlock } from '../../../src/access/keys/unlock';
import { type Random, seededRandom } from '../../../src/random';

/** A repeatable stream of choices. */
export class Dice {
  private readonly random: Random;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** 0 ≤ result < n. */
  below(n: number): number {
    return this.random.below(n);
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** Mostly one of the last few, which may still be in its time. */
  recent<T>(choices: readonly T[]): T {
    return this.below(2) === 0 ? this.of(choices) : this.of(choices.slice(-3));
  }
}

export interface Message {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain?: boolean;
}

/** What was overheard of one box and its readers. */
export interface Recording {
  /** Unlocks of the door under attack, and of another door of the same box. */
  readonly unlocks: Unlock[];
  readonly otherDoor: Unlock[];
  /** Swipes that were obeyed, by reader. */
  readonly swipes: { readonly reader: string; readonly payload: Record<string, unknown> }[];
  /** Swipes with a good MAC that were held back, and that later ones have overtaken. */
  readonly overtaken: { readonly reader: string; readonly payload: Record<string, unknown> }[];
}

export interface Scene {
  readonly root: string;
  readonly door: string;
  readonly readers: readonly string[];
  readonly cameras: readonly string[];
  readonly recording: Recording;
  /** A key that nobody trusts. */
  readonly stranger: DeviceKey;
  /** For orders; nobody trusts it either. */
  readonly strangersKey: CommandKey;
  readonly dice: Dice;
  readonly now: () => number;
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const reversed = (value: object): object => Object.fromEntries(Object.entries(value).reverse());

function flipped(bytes: Buffer, dice: Dice, bits: number): Buffer {
  const copy = Buffer.from(bytes);
  for (let i = 0; i < bits; i++) copy[dice.below(copy.length)]! ^= 1 << dice.below(8);
  return copy.equals(bytes) ? Buffer.concat([bytes, Buffer.from('x')]) : copy;
}

type Attack = (scene: Scene) => Message;

const onUnlock =
  (make: (scene: Scene) => Buffer, retain = false): Attack =>
  (scene) => ({ topic: `${scene.root}/event/${scene.door}/unlock`, payload: make(scene), retain });

const forged = (scene: Scene): Unlock => {
  const issuedAt = scene.now();
  const { v, door, decision, bootId, seq, durationMs } = scene.dice.recent(scene.recording.unlocks);
  return signUnlock(
    {
      v,
      door,
      durationMs,
      decision: scene.dice.below(2) === 0 ? decision : randomUUID(),
      bootId: scene.dice.below(2) === 0 ? bootId : randomUUID(),
      seq: seq + 1 + scene.dice.below(1000),
      issuedAt,
      notAfter: issuedAt + 2000,
      nonce: randomBytes(16).toString('hex'),
    },
    scene.stranger,
  );
};

/** Each kind of attack on the unlock topic; none may ever open. */
export const UNLOCK_ATTACKS: Readonly<Record<string, Attack>> = {
  'copy of a recent unlock': onUnlock((s) => json(s.dice.recent(s.recording.unlocks))),
  'copy of any unlock, earlier boots included': onUnlock((s) => json(s.dice.of(s.recording.unlocks))),
  'copy in another order': onUnlock((s) => json(reversed(s.dice.recent(s.recording.unlocks)))),
  'retained copy': onUnlock((s) => json(s.dice.recent(s.recording.unlocks)), true),
  'retained message cleared': onUnlock(() => Buffer.alloc(0), true),
  'bit flipped': onUnlock((s) => flipped(json(s.dice.recent(s.recording.unlocks)), s.dice, 1)),
  'bits flipped': onUnlock((s) => flipped(json(s.dice.recent(s.recording.unlocks)), s.dice, 2 + s.dice.below(20))),
  'cut off': onUnlock((s) => {
    const bytes = json(s.dice.recent(s.recording.unlocks));
    return bytes.subarray(0, s.dice.below(bytes.length));
  }),
  'another door’s': onUnlock((s) => json(s.dice.recent(s.recording.otherDoor))),
  'another door’s, renamed': onUnlock((s) => json({ ...s.dice.recent(s.recording.otherDoor), door: s.door })),
  'made young again': onUnlock((s) =>
    json({ ...s.dice.of(s.recording.unlocks), issuedAt: s.now(), notAfter: s.now() + 2000 }),
  ),
  'next number': onUnlock((s) => {
    const last = s.dice.recent(s.recording.unlocks);
    return json({ ...last, seq: last.seq + 1, nonce: randomBytes(16).toString('hex') });
  }),
  'another boot': onUnlock((s) => json({ ...s.dice.recent(s.recording.unlocks), bootId: randomUUID() })),
  'forged, own key': onUnlock((s) => json(forged(s))),
  'forged, the box’s key named': onUnlock((s) => json({ ...forged(s), key: s.dice.recent(s.recording.unlocks).key })),
  'signature of another statement': onUnlock((s) =>
    json({ ...forged(s), key: s.dice.of(s.recording.unlocks).key, sig: s.dice.recent(s.recording.unlocks).sig }),
  ),
  noise: onUnlock((s) => randomBytes(s.dice.below(600))),
};

const onSwipe =
  (make: (scene: Scene, recorded: Recording['swipes'][number]) => object | Buffer, retain = false): Attack =>
  (scene) => {
    const recorded = scene.dice.recent(scene.recording.swipes);
    const payload = make(scene, recorded);
    return {
      topic: `${scene.root}/in/${recorded.reader}/swipe`,
      payload: Buffer.isBuffer(payload) ? payload : json(payload),
      retain,
    };
  };

const onCommand =
  (verb: string, make: (scene: Scene) => object | Buffer, retain = false): Attack =>
  (scene) => {
    const payload = make(scene);
    return {
      topic: `${scene.root}/command/${verb}`,
      payload: Buffer.isBuffer(payload) ? payload : json(payload),
      retain,
    };
  };

const asked = (scene: Scene, args: object = {}): object => ({ v: 1, id: `flood-${scene.dice.below(1e9)}`, ...args });

/** Commands that anybody may send, and orders that nobody may who has no key: none may open a door, shut one or keep one busy. */
export const COMMAND_ATTACKS: Readonly<Record<string, Attack>> = {
  'flood of status': onCommand('status', (s) => asked(s)),
  'flood of reload-members': onCommand('reload-members', (s) => asked(s)),
  'flood of restart-camera': onCommand('restart-camera', (s) => asked(s, { camera: s.dice.of(s.cameras) })),
  'restart-camera, retained': onCommand('restart-camera', (s) => asked(s, { camera: s.dice.of(s.cameras) }), true),
  'lockdown without a signature': onCommand('lockdown', (s) => asked(s, { doors: null })),
  'lockdown signed by a stranger': onCommand('lockdown', (s) =>
    signCommand(
      s.strangersKey,
      { site: 'gym', device: 'box' },
      'lockdown',
      { id: `flood-${s.dice.below(1e9)}`, args: { doors: null } },
      { issuedAt: s.now(), lifeMs: 30_000 },
    ),
  ),
  'hold-open without a signature': onCommand('hold-open', (s) => asked(s, { door: s.door, until: s.now() + 60_000 })),
  'a verb that is none': onCommand('open-the-door', (s) => asked(s)),
  'a command that is noise': onCommand('status', (s) => randomBytes(s.dice.below(2000))),
};

const topCounter = Number.MAX_SAFE_INTEGER - 1;

/** Each kind of attack on the swipe topics; none may ever come to a decision. */
export const SWIPE_ATTACKS: Readonly<Record<string, Attack>> = {
  'copy of a swipe': onSwipe((_, { payload }) => payload),
  'retained copy of a swipe': onSwipe((_, { payload }) => payload, true),
  'swipe with a flipped bit': onSwipe((s, { payload }) => flipped(json(payload), s.dice, 1)),
  'swipe without its MAC': onSwipe((s, { payload }) => ({ v: 1, id: payload['id'], at: s.now(), counter: topCounter })),
  'swipe with a MAC of another key': onSwipe((s, { payload, reader }) => {
    const said: Protected = { v: 1, id: String(payload['id']), at: s.now(), counter: topCounter };
    const key = createHash('sha256').update(reader).digest();
    return { ...said, mac: swipeMac(new Uint8Array(key), { site: 'gym', device: 'box', reader }, said) };
  }),
  'swipe made young again': onSwipe((s, { payload }) => ({ ...payload, at: s.now() })),
  'swipe with the next counter': onSwipe((_, { payload }) => ({ ...payload, counter: Number(payload['counter']) + 1 })),
  'another reader’s swipe': (scene) => {
    const { reader, payload } = scene.dice.recent(scene.recording.swipes);
    const other = scene.readers.find((each) => each !== reader)!;
    return { topic: `${scene.root}/in/${other}/swipe`, payload: json(payload) };
  },
  'swipe held back and overtaken': (scene) => {
    const { reader, payload } = scene.dice.recent(scene.recording.overtaken);
    return { topic: `${scene.root}/in/${reader}/swipe`, payload: json(payload) };
  },
};
