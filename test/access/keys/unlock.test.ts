import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDeviceKey, trustedKey } from '../../../src/access/keys/device-key';
import { isSignedBy, signUnlock, type Unlock } from '../../../src/access/keys/unlock';
import { UnlockPayload } from '../../../src/mqtt/topics/payloads';

const dir = mkdtempSync(path.join(tmpdir(), 'usher-unlock-'));
const key = openDeviceKey(path.join(dir, 'a'));
const other = openDeviceKey(path.join(dir, 'b'));
afterAll(() => rmSync(dir, { recursive: true }));

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const statement = fc.record({
  v: fc.constant(1 as const),
  door: fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,20}$/),
  decision: fc.uuid(),
  issuedAt: fc.integer({ min: 0, max: 8e15 }),
  notAfter: fc.integer({ min: 0, max: 8e15 }),
  bootId: fc.uuid(),
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  nonce: hex(32),
  durationMs: fc.integer({ min: 100, max: 60_000 }),
});

test('an unlock is signed with its key named, and is what travels on the topic', () => {
  fc.assert(
    fc.property(statement, (said) => {
      const unlock = signUnlock(said, key);
      expect(UnlockPayload.parse(JSON.parse(JSON.stringify(unlock)))).toEqual({
        ...said,
        key: key.keyId,
        sig: unlock.sig,
      });
      expect(isSignedBy(trustedKey(key.publicKeyText), unlock)).toBe(true);
      expect(isSignedBy(trustedKey(other.publicKeyText), unlock)).toBe(false);
      expect(isSignedBy(trustedKey(other.publicKeyText), { ...unlock, key: other.keyId })).toBe(false);
    }),
    { numRuns: 50 },
  );
});

test('a key cannot sign in the name of another', () => {
  const [said] = fc.sample(statement, 1);
  const named = { ...said!, key: other.keyId };
  const unlock = { ...named, sig: key.sign('usher-unlock-v1', named) };
  expect(isSignedBy(trustedKey(key.publicKeyText), unlock)).toBe(false);
  expect(isSignedBy(trustedKey(key.publicKeyText), signUnlock(said!, key))).toBe(true);
});

test('no field can be changed, added or taken away', () => {
  fc.assert(
    fc.property(
      statement,
      statement,
      fc.constantFrom(
        ...(['door', 'decision', 'issuedAt', 'notAfter', 'bootId', 'seq', 'nonce', 'durationMs'] as const),
      ),
      (said, another, field) => {
        fc.pre(said[field] !== another[field]);
        const trusted = trustedKey(key.publicKeyText);
        const unlock = signUnlock(said, key);
        expect(isSignedBy(trusted, { ...unlock, [field]: another[field] })).toBe(false);
        expect(isSignedBy(trusted, { ...unlock, extra: 1 } as Unlock)).toBe(false);
        const less = Object.fromEntries(Object.entries(unlock).filter(([name]) => name !== field));
        expect(isSignedBy(trusted, less as unknown as Unlock)).toBe(false);
      },
    ),
    { numRuns: 100 },
  );
});
