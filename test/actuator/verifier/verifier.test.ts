import { randomBytes } from 'node:crypto';
import { REFUSALS, type RefusalReason } from '../../../src/actuator/verifier/refusals';
import { verifyUnlock } from '../../../src/actuator/verifier/verifier';
import type { Unlock } from '../../../src/access/keys/unlock';
import { Rig } from '../../proofs/storm/rig';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

const bytesOf = (unlock: Unlock): Buffer => Buffer.from(JSON.stringify(unlock));

/** Every attack, what it meets. Each begins with a box that was obeyed once, a second ago. */
const ATTACKS: [
  string,
  RefusalReason,
  (rig: Rig, obeyed: Unlock, box: ReturnType<Rig['box']>) => RefusalReason | 'opens',
][] = [
  ['a retained unlock', 'retained', (r, _, box) => r.hear(box.unlock(), true)],
  ['nothing', 'malformed', (r) => r.hear('')],
  ['bytes that are not UTF-8', 'malformed', (r) => r.hear(new Uint8Array([0xff, 0xfe]))],
  ['a payload of 1 MB', 'malformed', (r) => r.hear('x'.repeat(1e6))],
  ['brackets without end', 'malformed', (r) => r.hear('['.repeat(2000))],
  ['an unlock with a field more', 'malformed', (r, _, box) => r.hear(JSON.stringify({ ...box.unlock(), admin: true }))],
  ['an unlock of another version', 'malformed', (r, _, box) => r.hear(JSON.stringify({ ...box.unlock(), v: 2 }))],
  [
    'an unlock without a signature',
    'malformed',
    (r, _, box) => r.hear(JSON.stringify({ ...box.unlock(), sig: undefined })),
  ],
  [
    'an unlock with a long tail of spaces',
    'malformed',
    (r, _, box) => r.hear(JSON.stringify(box.unlock()) + ' '.repeat(3000)),
  ],
  ['another door’s unlock', 'wrong-door', (r, _, box) => r.hear(box.unlock({ door: 'side' }))],
  [
    'another door’s unlock, renamed',
    'bad-signature',
    (r, _, box) => r.hear({ ...box.unlock({ door: 'side' }), door: 'main' }),
  ],
  ['a forger with a key of his own', 'unknown-key', (r) => r.hear(r.forger().unlock())],
  [
    'a forger who names the box’s key',
    'bad-signature',
    (r) => r.hear({ ...r.forger().unlock(), key: r.keys[0].keyId }),
  ],
  [
    'one trusted box in the name of another',
    'bad-signature',
    (r) => r.hear({ ...r.box(1).unlock(), key: r.keys[0].keyId }),
  ],
  [
    'a signature of noise',
    'bad-signature',
    (r, _, box) => r.hear({ ...box.unlock(), sig: randomBytes(64).toString('hex') }),
  ],
  ['a longer opening', 'bad-signature', (r, _, box) => r.hear({ ...box.unlock(), durationMs: 60_000 })],
  ['a later end', 'bad-signature', (r, obeyed) => r.hear({ ...obeyed, notAfter: obeyed.notAfter + 60_000 })],
  ['a new nonce on an old unlock', 'bad-signature', (r, obeyed) => r.hear({ ...obeyed, nonce: '0'.repeat(32) })],
  ['a copy at once', 'seen-nonce', (r, obeyed) => r.hear(obeyed)],
  [
    'a copy written in another order',
    'seen-nonce',
    (r, obeyed) => r.hear(JSON.stringify(Object.fromEntries(Object.entries(obeyed).reverse()))),
  ],
  ['a copy after a restart of the actuator', 'seen-nonce', (r, obeyed) => (r.restart(), r.hear(obeyed))],
  ['a copy when it is void', 'expired', (r, obeyed) => ((r.now += 2001), r.hear(obeyed))],
  [
    'one held back beyond its life',
    'expired',
    (r, _, box) => {
      const held = box.unlock();
      r.now += 2001;
      return r.hear(held);
    },
  ],
  [
    'one held back, shown after a later one',
    'sequence',
    (r, _, box) => {
      const held = box.unlock();
      expect(r.hear(box.unlock())).toBe('opens');
      return r.hear(held);
    },
  ],
  ['a number used twice', 'sequence', (r, obeyed, box) => r.hear(box.unlock({ seq: obeyed.seq }))],
  [
    'one held back over a restart of the box',
    'older-boot',
    (r, _, box) => {
      const held = box.unlock();
      box.restart();
      expect(r.hear(box.unlock())).toBe('opens');
      return r.hear(held);
    },
  ],
  [
    'one of a run that was never obeyed, issued before what was',
    'older-boot',
    (r, obeyed, box) => {
      box.restart();
      return r.hear(box.unlock({ issuedAt: obeyed.issuedAt - 1500, notAfter: r.now + 100 }));
    },
  ],
  [
    'one for later',
    'from-future',
    (r, _, box) => r.hear(box.unlock({ issuedAt: r.now + 501, notAfter: r.now + 2501 })),
  ],
  ['one for a year', 'long-lived', (r, _, box) => r.hear(box.unlock({ notAfter: r.now + 3.15e10 }))],
  [
    'one that ends before it begins',
    'long-lived',
    (r, _, box) => r.hear(box.unlock({ issuedAt: r.now + 400, notAfter: r.now + 100 })),
  ],
  ['one while the clock is in doubt', 'clock-doubtful', (r, _, box) => ((r.doubt = 'it jumped'), r.hear(box.unlock()))],
  [
    'one too many within a minute',
    'rate',
    (r, _, box) => {
      for (let i = 1; i < 60; i++) expect(r.hear(box.unlock())).toBe('opens');
      r.restart();
      return r.hear(box.unlock());
    },
  ],
  [
    'one when nothing can be written',
    'not-recorded',
    (r, _, box) => {
      const { memory } = r;
      jest.spyOn(memory, 'record').mockImplementationOnce(() => {
        throw new Error('the disk is full');
      });
      return r.hear(box.unlock());
    },
  ],
];

describe('each attack is refused for its own reason, and does not keep the next person out', () => {
  test.each(ATTACKS)('%s: %s', (_, reason, attack) => {
    const box = rig.box();
    const obeyed = box.unlock();
    expect(rig.hear(obeyed)).toBe('opens');
    rig.now += 1000;
    expect(attack(rig, obeyed, box)).toBe(reason);
    rig.doubt = null;
    rig.now += reason === 'rate' ? 61_000 : 3000;
    expect(rig.hear(box.unlock())).toBe('opens');
  });

  test('there is an attack for every reason', () => {
    expect(new Set(ATTACKS.map(([, reason]) => reason))).toEqual(new Set(Object.keys(REFUSALS)));
  });
});

test('any single bit changed anywhere in the bytes', () => {
  const box = rig.box();
  const bytes = bytesOf(box.unlock());
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(rig.hear(flipped)).not.toBe('opens');
  }
  expect(rig.hear(bytes)).toBe('opens');
});

test('a longer opening than allowed is cut', () => {
  const { openMs } = verifyUnlock(
    { payload: bytesOf(rig.box().unlock({ durationMs: 60_000 })), retain: false },
    rig.memory,
    rig.settings,
  );
  expect(openMs).toBe(10_000);
});

test('what was refused is not remembered: a bad copy that comes first does not spend the good one', () => {
  const good = rig.box().unlock();
  expect(rig.hear({ ...good, durationMs: 100 })).toBe('bad-signature');
  expect(rig.hear(good, true)).toBe('retained');
  rig.doubt = 'it jumped';
  expect(rig.hear(good)).toBe('clock-doubtful');
  rig.doubt = null;
  expect(rig.hear(good)).toBe('opens');
});

test('two boxes that are trusted do not stand in each other’s way', () => {
  const [first, second] = [rig.box(0), rig.box(1)];
  for (let i = 0; i < 5; i++) {
    expect(rig.hear(first.unlock())).toBe('opens');
    expect(rig.hear(second.unlock())).toBe('opens');
  }
});

test('a box whose clock is a little ahead or behind is obeyed', () => {
  const box = rig.box();
  expect(rig.hear(box.unlock({ issuedAt: rig.now + 500, notAfter: rig.now + 2500 }))).toBe('opens');
  expect(rig.hear(box.unlock({ issuedAt: rig.now - 1999, notAfter: rig.now + 1 }))).toBe('opens');
  box.restart();
  expect(rig.hear(box.unlock({ issuedAt: rig.now, notAfter: rig.now + 2000 }))).toBe('opens');
});

test.each([
  ['at the last millisecond', 0, 'opens'],
  ['one millisecond later', -1, 'expired'],
] as const)('an unlock is good up to its end, %s', (_, left, result) => {
  const box = rig.box();
  expect(rig.hear(box.unlock({ issuedAt: rig.now - 1000, notAfter: rig.now + left }))).toBe(result);
});

test('its memory stays small, and every copy that it forgot is refused by its age', () => {
  rig.settings = { ...rig.settings, limits: { ...rig.settings.limits, maxPerMinute: 6000 } };
  const box = rig.box();
  const old: Unlock[] = [];
  for (let i = 0; i < 300; i++) {
    const unlock = box.unlock();
    old.push(unlock);
    expect(rig.hear(unlock)).toBe('opens');
    rig.now += 1000;
    if (i % 5 === 0) box.restart();
  }
  expect(rig.memory.obeyedBetween(0, Infinity)).toBeLessThan(65);
  for (const unlock of old) expect(rig.hear(unlock)).not.toBe('opens');
});

test('an actuator that is told to forget the time still obeys no copy', () => {
  const box = rig.box();
  rig.now += 1e10;
  const obeyed = box.unlock();
  expect(rig.hear(obeyed)).toBe('opens');
  rig.now -= 1e10;
  box.restart();
  expect(rig.hear(box.unlock())).toBe('older-boot');
  rig.memory.raiseFloor(rig.now + 1e10);
  rig.memory.resetTime();
  expect(rig.memory.floor).toBe(0);
  expect(rig.hear(box.unlock())).toBe('opens');
  rig.now += 1e10;
  expect(rig.hear(obeyed)).toBe('seen-nonce');
});
