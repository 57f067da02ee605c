import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import fs, {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { signedBytes } from '../../../src/canonical';
import { deviceKeyFile, openDeviceKey, trustedKey } from '../../../src/access/keys/device-key';
import { sha256Hex } from '../../../src/digest';

/** An error with these fields. */
const failure = (fields: object): Error => expect.objectContaining(fields) as Error;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'usher-key-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('made at the first start, whole and private; the same ever after', () => {
  const key = openDeviceKey(dir);
  const file = deviceKeyFile(dir);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
  expect(readdirSync(path.dirname(file))).toEqual(['device.pem']);
  expect(openDeviceKey(dir).publicKeyText).toBe(key.publicKeyText);
  const raw = Buffer.from(key.publicKeyText.slice('ed25519:'.length), 'base64');
  expect(raw).toHaveLength(32);
  expect(key.keyId).toBe(sha256Hex(raw).slice(0, 16));
});

test('what it signs, plain Ed25519 verifies, and so does who trusts its key in either form', () => {
  const key = openDeviceKey(dir);
  const statement = { door: 'main', seq: 1 };
  const signature = key.sign('usher-test-v1', statement);
  expect(
    verify(
      null,
      signedBytes('usher-test-v1', statement),
      createPublicKey(key.publicKeyPem),
      Buffer.from(signature, 'hex'),
    ),
  ).toBe(true);
  for (const form of [key.publicKeyText, key.publicKeyPem, ` ${key.publicKeyText}\n`]) {
    const trusted = trustedKey(form);
    expect(trusted.keyId).toBe(key.keyId);
    expect(trusted.verify('usher-test-v1', { seq: 1, door: 'main' }, signature)).toBe(true);
    expect(trusted.verify('usher-other-v1', statement, signature)).toBe(false);
    expect(trusted.verify('usher-test-v1', { ...statement, seq: 2 }, signature)).toBe(false);
    expect(trusted.verify('usher-test-v1', statement, signature.toUpperCase())).toBe(false);
    expect(trusted.verify('usher-test-v1', statement, `${signature}00`)).toBe(false);
    expect(trusted.verify('usher-test-v1', statement, '')).toBe(false);
  }
});

test.each([0o640, 0o604, 0o620, 0o666])(
  'a key file that others may read or write (%o) is refused, with what to do',
  (mode) => {
    openDeviceKey(dir);
    chmodSync(deviceKeyFile(dir), mode);
    expect(() => openDeviceKey(dir)).toThrow(
      failure({ code: 'data-invalid', remedy: expect.stringContaining('chmod 600') as string }),
    );
  },
);

test('a link in its place is not followed', () => {
  const elsewhere = mkdtempSync(path.join(tmpdir(), 'usher-key-'));
  openDeviceKey(elsewhere);
  mkdirSync(path.join(dir, 'keys'), { mode: 0o700 });
  symlinkSync(deviceKeyFile(elsewhere), deviceKeyFile(dir));
  expect(() => openDeviceKey(dir)).toThrow(failure({ code: 'store-unavailable' }));
  rmSync(elsewhere, { recursive: true });
});

test('a file that holds no Ed25519 key is refused and left as it is', () => {
  mkdirSync(path.join(dir, 'keys'));
  const rsa = String(
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' }),
  );
  for (const content of ['', 'nonsense', rsa]) {
    writeFileSync(deviceKeyFile(dir), content, { mode: 0o600 });
    expect(() => openDeviceKey(dir)).toThrow(failure({ code: 'data-invalid' }));
    expect(readFileSync(deviceKeyFile(dir), 'utf8')).toBe(content);
  }
});

test('where no folder can be made, the path is named', () => {
  writeFileSync(path.join(dir, 'keys'), 'a file');
  expect(() => openDeviceKey(dir)).toThrow(
    failure({ code: 'store-unavailable', message: expect.stringContaining(dir) as string }),
  );
});

test('only an Ed25519 public key can be trusted; what was given instead is not repeated', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const secret = String(privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const rsa = String(
    generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'pem', type: 'spki' }),
  );
  for (const text of ['', 'ed25519:', `ed25519:${'A'.repeat(44)}`, 'ed25519:short=', rsa, secret]) {
    let thrown: unknown;
    try {
      trustedKey(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'data-invalid', message: 'not an Ed25519 public key' });
  }
});

describe('while the key is made', () => {
  afterEach(() => jest.restoreAllMocks());
  const onLink = (code: string, before: () => void = () => undefined): void =>
    void jest.spyOn(fs, 'linkSync').mockImplementation(() => {
      before();
      throw Object.assign(new Error(code), { code });
    });

  test('another process makes one: that is the key', () => {
    const other = mkdtempSync(path.join(tmpdir(), 'usher-key-'));
    const { publicKeyText } = openDeviceKey(other);
    const pem = readFileSync(deviceKeyFile(other));
    rmSync(other, { recursive: true });
    onLink('EEXIST', () => writeFileSync(deviceKeyFile(dir), pem, { mode: 0o600 }));
    expect(openDeviceKey(dir).publicKeyText).toBe(publicKeyText);
    expect(readdirSync(path.dirname(deviceKeyFile(dir)))).toEqual(['device.pem']);
  });

  test('the disk refuses: it is said with what, and no half of a key is left', () => {
    onLink('EPERM');
    const file = deviceKeyFile(dir);
    expect(() => openDeviceKey(dir)).toThrow(
      failure({ code: 'store-unavailable', message: `device key ${file}: EPERM` }),
    );
    expect(readdirSync(path.dirname(file))).toEqual([]);
  });
});
