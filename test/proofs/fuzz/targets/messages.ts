import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UnlockMemory } from '../../../../src/actuator/verifier/memory';
import { Refusal } from '../../../../src/actuator/verifier/refusals';
import { verifyUnlock } from '../../../../src/actuator/verifier/verifier';
import { canonicalJson } from '../../../../src/canonical';
import { CommandAuthority } from '../../../../src/access/commands/command-authority';
import { CommandLedger } from '../../../../src/access/commands/command-ledger';
import { openDeviceKey, trustedKey } from '../../../../src/access/keys/device-key';
import { signUnlock } from '../../../../src/access/keys/unlock';
import { decode } from '../../../../src/mqtt/topics/decode';
import { InboundRouter } from '../../../../src/mqtt/inbound/inbound';
import { PacketSizeGuard } from '../../../../src/mqtt/topics/packet-size';
import { CommandPayload, StatusPayload, UnlockPayload } from '../../../../src/mqtt/topics/payloads';
import { type InKey, type TopicKey, TOPICS } from '../../../../src/mqtt/topics/topics';
import { filterOf } from '../../../../src/mqtt/topics/topic-names';
import * as samples from '../../../mqtt/samples';
import { json, type Target } from '../target';

const base = { site: 'gym', device: 'box', discoveryPrefix: 'homeassistant' };
const NOW = 1_800_000_000_000;
const never = (): never => {
  throw new Error('a message that nobody sent was taken');
};

const inKeys = (Object.keys(TOPICS) as TopicKey[]).filter((key): key is InKey => TOPICS[key].direction === 'in');
const SWIPE = { ...samples.swipe('4711', NOW), counter: 17, mac: 'ab'.repeat(32) };
const COMMAND = { v: 1, id: 'a-1', camera: 'front', issuedAt: NOW, notAfter: NOW + 1, nonce: 'a'.repeat(32) };
const SEEDS = [
  json(SWIPE),
  json(samples.swipe('4711', NOW)),
  json({ v: 1, open: true, at: NOW }),
  json({ ...COMMAND, key: '00112233aabbccdd', sig: '5a'.repeat(64) }),
  json({ v: 1, state: 'online', bootId: '6c1f8f6e-2f4b-4f5f-9a53-0d4f2b6f9c11', birth: 3, at: NOW }),
  json(samples.unlock(1, NOW)),
  json(samples.desired(1, NOW)),
];

/** What the daemon does with a packet from the broker, from topic and bytes to the handler. */
function router(): Target {
  const inbound = new InboundRouter(base, () => undefined);
  for (const key of inKeys)
    inbound.on(key, ({ payload }) => {
      // Taken: then it must be what its schema says, and small.
      if (!TOPICS[key].payload.safeParse(payload).success) never();
    });
  const topics = inKeys.map((key) => filterOf(key, base).replaceAll('+', 'x1'));
  return {
    name: 'mqtt-router',
    form: 'json',
    seeds: () => SEEDS,
    feed: (input) => {
      for (const topic of [...topics, input.subarray(0, 80).toString('latin1')])
        inbound.dispatch({ topic, payload: input, retain: false, dup: false });
      decode(StatusPayload, input);
    },
  };
}

/** The actuator's door: nothing that is not signed by the trusted key may pass, and the signed seed may not pass twice. */
function unlock(): Target {
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-fuzz-'));
  const key = openDeviceKey(dir);
  const stranger = trustedKey(
    generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  );
  const memory = UnlockMemory.open(dir, 60_000);
  const { v, door, decision, issuedAt, notAfter, bootId, seq, nonce, durationMs } = samples.unlock(1, NOW);
  const signed = signUnlock({ v, door, decision, issuedAt, notAfter, bootId, seq, nonce, durationMs }, key);
  let passed = 0;
  return {
    name: 'unlock',
    form: 'json',
    seeds: () => [json(signed), json(samples.unlock(2, NOW))],
    documented: (error) => error instanceof Refusal,
    feed: (input) => {
      verifyUnlock({ payload: input, retain: false }, memory, {
        door: 'main',
        keys: [trustedKey(key.publicKeyText), stranger],
        limits: { maxLifeMs: 10_000, skewMs: 1000, maxPerMinute: 10, maxOpenMs: 10_000 },
        wall: () => NOW,
        clockDoubt: () => null,
        read: (bytes) => decode(UnlockPayload, bytes),
      });
      if (++passed > 1) throw new Error('an unlock was obeyed a second time, or a forged one was');
    },
  };
}

function command(): Target {
  let saved: string | null = null;
  const ledger = new CommandLedger({ load: () => saved, save: (text) => void (saved = text) });
  const { publicKey } = generateKeyPairSync('ed25519');
  const key = trustedKey(publicKey.export({ format: 'pem', type: 'spki' }).toString());
  const authority = new CommandAuthority({ site: 'gym', device: 'box' }, [key], ledger, {
    now: () => NOW,
    doubt: () => null,
  });
  const signed = { ...COMMAND, key: key.keyId, sig: '5a'.repeat(64) };
  return {
    name: 'command',
    form: 'json',
    seeds: () => [json(signed), json(COMMAND)],
    feed: (input) => {
      const decoded = decode(CommandPayload, input);
      if (decoded.ok && authority.admit('ping', decoded.value) === null) never();
    },
  };
}

/** The first line of defence on the socket: must agree with itself however the bytes are cut. */
function packets(): Target {
  return {
    name: 'mqtt-packets',
    form: 'bytes',
    seeds: () => [
      Buffer.from('101000044d5154540402003c00046162636400', 'hex'),
      Buffer.concat([Buffer.from([0x30, 0x80, 0x01]), Buffer.alloc(128)]),
      Buffer.from('d000d000c000', 'hex'),
    ],
    feed: (input) => {
      const whole = new PacketSizeGuard(4096).push(input);
      const pieces = new PacketSizeGuard(4096);
      let found: number | null = null;
      for (let at = 0; at < input.length && found === null; at += 7) found = pieces.push(input.subarray(at, at + 7));
      if (whole !== found) throw new Error(`${String(whole)} in one piece, ${String(found)} in seven-byte pieces`);
    },
  };
}

function canonical(): Target {
  return {
    name: 'canonical-json',
    form: 'json',
    seeds: () => [...SEEDS, json({ b: [1, 1e21, -0, 'é'], a: { '\u20ac': null, '\r': true } })],
    documented: (error) => error instanceof TypeError,
    feed: (input) => {
      let value: unknown;
      try {
        value = JSON.parse(input.toString('utf8'));
      } catch {
        return;
      }
      const text = canonicalJson(value);
      if (canonicalJson(JSON.parse(text)) !== text) throw new Error('the canonical text of a canonical text differs');
    },
  };
}

export const MESSAGES = [router, unlock, command, packets, canonical];
