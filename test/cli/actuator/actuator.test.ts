import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDeviceKey } from '../../../src/access/keys/device-key';
import { Guest } from '../../../src/mqtt/link/guest';
import { packageRoot } from '../../../src/system/paths';
import { usher } from '../../support/daemon';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';

const PLACEHOLDER = `ed25519:${Buffer.alloc(32).toString('base64')}`;
const sample = readFileSync(join(packageRoot(), 'device-config', 'actuator.yaml'), 'utf8');
const BOX = `
device: { site: pool, id: side-door }
dataDir: data
cameras: [{ id: cam, source: { type: folder, path: /nowhere } }]
doors: [{ id: side, camera: cam, readers: [r1] }]
`;

let dir: string;
let box: string;
let actuator: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'usher-actuator-'));
  box = join(dir, 'box.yaml');
  actuator = join(dir, 'actuator.yaml');
  writeFileSync(box, BOX);
});
afterEach(() => rmSync(dir, { recursive: true }));

const withKeys = (keys: string): void => writeFileSync(actuator, sample.replace(/^trustedKeys: .*$/m, keys));

describe('usher actuator', () => {
  test('the sample and the placeholder key are refused by --check and by run, with the command that helps', async () => {
    for (const keys of ['trustedKeys: []', `trustedKeys: ["${PLACEHOLDER}"]`]) {
      withKeys(keys);
      for (const check of [['--check'], []]) {
        const { code, stderr } = await usher('actuator', 'run', '--config', actuator, ...check);
        expect(code).toBe(2);
        expect(stderr).toContain('trustedKeys');
        expect(stderr).toContain('usher actuator key --box');
      }
    }
  });

  test('trust sets key, site, device and door, and takes the placeholder out', async () => {
    withKeys(`trustedKeys: ["${PLACEHOLDER}"]`);
    const wrong = await usher('actuator', 'trust', '--config', actuator, '--box', box);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('no such door; there is: side');
    const done = await usher('actuator', 'trust', '--config', actuator, '--box', box, '--door', 'side');
    expect(done).toMatchObject({ code: 0 });
    expect(done.stdout).toContain('it now obeys pool/side-door at door side');
    const text = readFileSync(actuator, 'utf8');
    expect(text).toContain(openDeviceKey(join(dir, 'data')).publicKeyText);
    expect(text).not.toContain(PLACEHOLDER);
    expect(text).toContain('# People must be able to leave by hand');
    const check = await usher('actuator', 'run', '--config', actuator, '--check');
    expect(check).toMatchObject({ code: 0 });
    expect(check.stdout).toContain('it obeys pool/side-door at door side');
  });

  test('what key --box prints does the same on another machine', async () => {
    withKeys('trustedKeys: []');
    const { stdout } = await usher('actuator', 'key', '--box', box);
    const [program, ...argv] = stdout.trim().replace('ACTUATOR.yaml', actuator).split(' ');
    expect(program).toBe('usher');
    expect(await usher(...argv, '--door', 'side')).toMatchObject({ code: 0 });
    expect(readFileSync(actuator, 'utf8')).toMatch(/site: pool\n\s+id: side-door/);
  });
});

describeWithMosquitto('usher actuator doctor', () => {
  const mosquitto = new Mosquitto();
  beforeAll(() => mosquitto.start());
  afterAll(() => mosquitto.dispose());

  test('names the box that is not there, and the one that was probably meant', async () => {
    const key = openDeviceKey(join(dir, 'data')).publicKeyText;
    writeFileSync(
      actuator,
      sample.replace(/^trustedKeys: .*$/m, `trustedKeys: ["${key}"]`).replace('mqtt://127.0.0.1:1883', mosquitto.url),
    );
    const broker = await Guest.connect({ url: mosquitto.url });
    const status = { v: 1, state: 'online', bootId: '0b3f0f0e-5a57-4a83-9d5e-2f3c8f1e6a77', birth: 1, at: Date.now() };
    const doctor = async (): Promise<{ code: number; found: string }> => {
      const { code, stdout } = await usher('actuator', 'doctor', '--config', actuator, '--json');
      const { findings } = JSON.parse(stdout) as { findings: { check: string; found: string }[] };
      return { code, found: findings.find(({ check }) => check === 'box')?.found ?? '' };
    };
    await broker.retain('usher/v1/gym/entrance-2/status', JSON.stringify(status));
    expect(await doctor()).toEqual({
      code: 1,
      found:
        'no box gym/entrance-1 has published on this broker; did you mean "gym/entrance-2"? boxes on this broker: gym/entrance-2',
    });
    await broker.retain('usher/v1/gym/entrance-1/status', JSON.stringify(status));
    expect(await doctor()).toEqual({ code: 0, found: 'gym/entrance-1 is online' });
    await broker.close();
  });
});
