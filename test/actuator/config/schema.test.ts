import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDeviceKey, trustedKey } from '../../../src/access/keys/device-key';
import { UnlockMemory } from '../../../src/actuator/verifier/memory';
import { verifyUnlock } from '../../../src/actuator/verifier/verifier';
import { signUnlock } from '../../../src/access/keys/unlock';
import { actuatorJsonSchema, ActuatorSchema } from '../../../src/actuator/config/schema';
import { loadConfig } from '../../../src/config/load/load';
import { loadActuatorConfig, parseActuatorConfig, trustedKeysOf } from '../../../src/actuator/config/load';
import { decode } from '../../../src/mqtt/topics/decode';
import { UnlockPayload } from '../../../src/mqtt/topics/payloads';
import { topicOf } from '../../../src/mqtt/topics/topic-names';
import { packageRoot } from '../../../src/system/paths';

const folder = join(packageRoot(), 'device-config');
const example = join(folder, 'actuator.yaml');
const text = readFileSync(example, 'utf8');

test('the commented example is a good configuration, with the defaults that it says', async () => {
  const { config, stateDir } = await loadActuatorConfig(example);
  expect(stateDir).toBe(join(folder, '.usher-actuator'));
  const { device, door, broker } = config;
  const least = { device, door, broker: { url: broker.url }, relay: { type: 'gpio', line: 17 } };
  expect(ActuatorSchema.parse(least)).toEqual(config);
});

test('the schema for editors is this one', () => {
  expect(JSON.parse(readFileSync(join(folder, 'actuator.schema.json'), 'utf8'))).toEqual(actuatorJsonSchema());
});

test('every bad key is named at once', () => {
  const bad = text
    .replace('door: front', 'door: Front Door')
    .replace('line: 17', 'line: many')
    .replace('maxOpenMs: 10000', 'maxOpenMs: 1000000');
  let message = '';
  try {
    parseActuatorConfig(bad, 'actuator.yaml');
  } catch (error) {
    message = (error as Error).message;
  }
  for (const key of ['door', 'relay.line', 'limits.maxOpenMs']) expect(message).toContain(`  ${key} (line `);
  expect(message).toContain('3 bad keys');
});

const PLACEHOLDER = `ed25519:${Buffer.alloc(32).toString('base64')}`;

test.each([
  ['none', 'trustedKeys: []', 'trustedKeys: no key is trusted, so the actuator can obey no box'],
  ['the placeholder of earlier samples', `trustedKeys: ["${PLACEHOLDER}"]`, 'trustedKeys[0]: this is not a box’s key'],
  [
    'a private key that was pasted',
    'trustedKeys: ["-----BEGIN PRIVATE KEY----- hunter2"]',
    'trustedKeys[0]: not an Ed25519',
  ],
])('an actuator that trusts %s does not start', (_, keys, why) => {
  const config = parseActuatorConfig(text.replace(/^trustedKeys: .*$/m, keys), 'a.yaml');
  const act = (): unknown => trustedKeysOf(config, 'a.yaml', trustedKey);
  expect(act).toThrow(why);
  expect(act).not.toThrow('hunter2');
});

describe('the two sample files fit each other', () => {
  const dir = mkdtempSync(join(tmpdir(), 'usher-samples-'));
  const key = openDeviceKey(dir);
  const trusting = join(dir, 'actuator.yaml');
  writeFileSync(trusting, text.replace(/^trustedKeys: .*$/m, `trustedKeys: ["${key.publicKeyText}"]`));

  test('the actuator listens where the box speaks, at a door of the box, on its broker', async () => {
    const { config: box } = await loadConfig(join(folder, 'gym-entrance.yaml'));
    const { config: actuator } = await loadActuatorConfig(trusting);
    expect(actuator.device).toEqual(box.device);
    const said = { site: box.device.site, device: box.device.id, discoveryPrefix: 'x' };
    const heard = { site: actuator.device.site, device: actuator.device.id, discoveryPrefix: 'x' };
    const topics = box.doors.map(({ id }) => topicOf('unlock', { door: id }, said));
    expect(topics).toContain(topicOf('unlock', { door: actuator.door }, heard));
    const { broker } = box.mqtt;
    expect(broker.type === 'embedded' && actuator.broker.url).toBe('mqtt://127.0.0.1:1883');
    expect(box.mqtt.unlockLifeMs).toBeLessThanOrEqual(actuator.limits.maxLifeMs);
    expect(box.doors[0]?.unlockMs).toBeLessThanOrEqual(actuator.limits.maxOpenMs);
  });

  test('an unlock that the box signs opens the lock', async () => {
    const { config: box } = await loadConfig(join(folder, 'gym-entrance.yaml'));
    const { config, file } = await loadActuatorConfig(trusting);
    const now = 1_800_000_000_000;
    const unlock = signUnlock(
      {
        v: 1,
        door: box.doors[0]?.id ?? '',
        decision: '6a1d8cb0-6c0c-4b0e-9a3e-0f6d5b1c2d3e',
        issuedAt: now,
        notAfter: now + box.mqtt.unlockLifeMs,
        bootId: '0b3f0f0e-5a57-4a83-9d5e-2f3c8f1e6a77',
        seq: 1,
        nonce: 'ab'.repeat(16),
        durationMs: box.doors[0]?.unlockMs ?? 0,
      },
      key,
    );
    const memory = UnlockMemory.open(join(dir, 'state'), 60_000);
    try {
      const packet = { topic: '', payload: Buffer.from(JSON.stringify(unlock)), retain: false, dup: false };
      const order = verifyUnlock(packet, memory, {
        door: config.door,
        keys: trustedKeysOf(config, file, trustedKey),
        limits: config.limits,
        wall: () => now,
        clockDoubt: () => null,
        read: (bytes) => decode(UnlockPayload, bytes, 2048),
      });
      expect(order.openMs).toBe(3000);
    } finally {
      memory.close();
    }
  });
});
