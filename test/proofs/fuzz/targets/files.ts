import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { trustedKey } from '../../../../src/access/keys/device-key';
import { parseActuatorConfig } from '../../../../src/actuator/config/load';
import { parseConfig } from '../../../../src/config/load/load';
import { parsePairs } from '../../../../src/lab/faces/data/pairs-file';
import { parseBoxKey } from '../../../../src/store/keys/box-key';
import { openContainer } from '../../../../src/store/transfer/container';
import { parseTransfer, templatesOf } from '../../../../src/store/transfer/document';
import { packageRoot } from '../../../../src/system/paths';
import { json, type Target } from '../target';

const deviceConfig = (name: string): Buffer => readFileSync(path.join(packageRoot(), 'device-config', name));

const config = (): Target => ({
  name: 'config',
  form: 'text',
  // The largest file that is read, each character of it a fault of its own: linear, and about four seconds.
  cpuMs: 8000,
  seeds: () => [
    deviceConfig('gym-entrance.yaml'),
    deviceConfig('demo.yaml'),
    // Without comments, so that most changes hit a key.
    Buffer.from(
      deviceConfig('gym-entrance.yaml')
        .toString()
        .replace(/ *#.*$/gm, '')
        .replace(/\n+/g, '\n'),
    ),
  ],
  feed: (input) => parseConfig(input.toString('utf8'), 'fuzz.yaml'),
});

const actuatorConfig = (): Target => ({
  name: 'actuator-config',
  form: 'text',
  cpuMs: 8000,
  seeds: () => [deviceConfig('actuator.yaml')],
  feed: (input) => parseActuatorConfig(input.toString('utf8'), 'fuzz.yaml'),
});

const pairs = (): Target => ({
  name: 'pairs',
  form: 'text',
  seeds: () => [
    Buffer.from('2\t2\nA_B 1 2\nC 3 4\nA_B 1 C 3\nC 4 D 1\nE 1 2\nF 1 2\nE 1 F 2\nF 1 G 1\n'),
    Buffer.from('1\nA 1 2\nA 1 B 1\n'),
  ],
  feed: (input) => parsePairs(input.toString('utf8'), 'pairs.txt'),
});

const keys = (): Target => ({
  name: 'keys',
  form: 'text',
  seeds: () => [Buffer.from(`ed25519:${'A'.repeat(43)}=`), Buffer.from(`${'0a'.repeat(32)}\n`), Buffer.alloc(32, 7)],
  feed: (input) => {
    for (const parse of [() => parseBoxKey(input, 'the key'), () => trustedKey(input.toString('latin1'))]) {
      try {
        parse();
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'UsherError') throw error;
        if (input.length > 24 && error.message.includes(input.toString('latin1')))
          throw new Error('the message repeats the key');
      }
    }
  },
});

/** What is inside of an export once it is opened: its author knew the passphrase, and is still not to be believed. */
const members = (): Target => ({
  name: 'members-document',
  form: 'json',
  seeds: () => [
    json({
      v: 1,
      at: 1_800_000_000_000,
      members: [
        {
          id: '4711',
          name: 'A Name',
          status: 'active',
          groups: ['staff'],
          validFrom: null,
          validUntil: 1_900_000_000_000,
          duressIds: ['4712'],
          consent: { textVersion: '2026-01', by: 'desk', at: 1_800_000_000_000 },
          enrolledAt: 1_800_000_000_000,
          templates: [
            {
              space: 'mbf-v1',
              vector: Buffer.from(new Float32Array(8).fill(0.35).buffer).toString('base64'),
              quality: 0.9,
              source: 'camera',
            },
          ],
        },
      ],
    }),
  ],
  feed: (input) => parseTransfer(input).members.map(templatesOf),
});

/** The sealed file. The seed's header asks for the least work that is taken: the time goes into the parser, not into scrypt. */
const container = (): Target => ({
  name: 'members-file',
  form: 'bytes',
  cpuMs: 10_000,
  seeds: () => [Buffer.concat([Buffer.from('USHERMEM'), Buffer.from([1, 15]), Buffer.alloc(28 + 64, 3)])],
  feed: (input) => openContainer(input, 'a long enough passphrase'),
});

export const scratch = (): string => {
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-fuzz-'));
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(path.join(dir, 'bundle'));
  return path.join(dir, 'bundle');
};
export const place = (dir: string, name: string, bytes: Buffer): void => writeFileSync(path.join(dir, name), bytes);

export const FILES = [config, actuatorConfig, pairs, keys, members, container];
