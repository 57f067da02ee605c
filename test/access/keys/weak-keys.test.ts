import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDeviceKey, trustedKey } from '../../../src/access/keys/device-key';

const PREFIX = '302a300506032b6570032100';
/** A point of order 4, in the sample configuration of earlier versions. */
const PLACEHOLDER = '00'.repeat(32);
const text = (hex: string): string => `ed25519:${Buffer.from(hex, 'hex').toString('base64')}`;

test('under a key of small order anybody can sign: OpenSSL takes a forged signature', () => {
  const key = createPublicKey({ key: Buffer.from(PREFIX + PLACEHOLDER, 'hex'), format: 'der', type: 'spki' });
  // R is the neutral element and s is 0: it holds wherever the hash is a multiple of 4.
  const forged = Buffer.from(`01${'00'.repeat(63)}`, 'hex');
  const messages = Array.from({ length: 200 }, (_, at) => Buffer.from(`open the door ${at}`));
  expect(messages.some((message) => verify(null, message, key, forged))).toBe(true);
});

test.each([
  PLACEHOLDER,
  `${'00'.repeat(31)}80`,
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}ff`,
])('a key under which anybody can sign is refused: %s', (hex) => {
  expect(() => trustedKey(text(hex))).toThrow('anyone can make signatures under it');
});

test('a key of a box is taken', () => {
  const key = openDeviceKey(mkdtempSync(join(tmpdir(), 'usher-key-')));
  expect(trustedKey(key.publicKeyText).keyId).toBe(key.keyId);
});
