import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { loadConfig } from '../../src/config/load/load';
import { examineBroker } from '../../src/doctor/broker';
import type { Finding, Patient } from '../../src/doctor/finding';
import { packageRoot } from '../../src/system/paths';
import { Watcher } from '../support/daemon';
import { Authority } from '../support/certificates';
import { describeWithMosquitto, freePort, Mosquitto } from '../support/mosquitto';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'usher-doctor-broker-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function patient(broker: object, options: Partial<Patient> = {}): Promise<Patient> {
  const file = path.join(dir, 'config.yaml');
  writeFileSync(
    file,
    stringify({
      device: { site: 'gym', id: 'entrance-1' },
      mqtt: { broker },
      cameras: [{ id: 'cam', source: { type: 'folder', path: dir } }],
      doors: [{ id: 'front', camera: 'cam', readers: ['r1'] }],
    }),
  );
  return { loaded: await loadConfig(file), daemon: null, probe: false, ...options };
}

const states = (findings: readonly Finding[]): Record<string, string> =>
  Object.fromEntries(findings.map(({ check, state }) => [check, state]));

describeWithMosquitto('the broker', () => {
  it('without any rules: strangers hear unlocks and present cards', async () => {
    const broker = new Mosquitto();
    await broker.start();
    const watcher = await Watcher.connect(broker.url, '#');
    try {
      const external = { type: 'external', url: broker.url };
      const findings = await examineBroker(await patient(external));
      expect(states(findings)).toEqual({
        broker: 'ok',
        'broker:hears-swipes': 'ok',
        'broker:presents-cards': 'warn',
        'broker:says-unlocks': 'ok',
        'broker:hears-unlocks': 'ok',
        'broker:speaks-for-others': 'warn',
        'broker:anonymous-unlocks': 'fail',
        'broker:anonymous-swipes': 'fail',
      });
      for (const { state, remedy } of findings) expect(remedy === null).toBe(state === 'ok');
      // The daemon is there: nothing is said in its name, and strangers are still tried.
      expect(states(await examineBroker(await patient(external, { daemon: 42 })))).toEqual({
        broker: 'ok',
        'broker:anonymous-unlocks': 'fail',
        'broker:anonymous-swipes': 'fail',
      });
      // Whatever was said in trying, no door, reader or box could take it for its own.
      expect(watcher.heard.length).toBeGreaterThan(3);
      for (const { topic, payload, retain } of watcher.heard) {
        expect(topic).toContain('usher-doctor');
        expect(retain).toBe(false);
        expect(Object.keys(payload)).toEqual(['usherDoctor']);
      }
    } finally {
      await watcher.close();
      await broker.dispose();
    }
  });

  it('that asks for a password but has no rules: strangers are out, this box may too much', async () => {
    const passwords = path.join(dir, 'passwords');
    // mosquitto_passwd -b … box sesame
    writeFileSync(passwords, 'box:sesame\n', { mode: 0o600 });
    execFileSync('mosquitto_passwd', ['-U', passwords]);
    const passwordFile = path.join(dir, 'password');
    writeFileSync(passwordFile, 'sesame\n', { mode: 0o600 });
    const broker = new Mosquitto(['allow_anonymous false', `password_file ${passwords}`]);
    await broker.start();
    try {
      const external = { type: 'external', url: broker.url, username: 'box', passwordFile };
      expect(states(await examineBroker(await patient(external)))).toMatchObject({
        'broker:presents-cards': 'warn',
        'broker:anonymous': 'ok',
      });
      writeFileSync(passwordFile, 'wrong\n');
      const refused = await examineBroker(await patient(external));
      expect(refused).toEqual([
        expect.objectContaining({
          check: 'broker',
          state: 'fail',
          found: expect.stringMatching(/refuses user name or password|does not authorise/) as unknown,
        }),
      ]);
      expect(JSON.stringify(refused)).not.toContain('wrong');
    } finally {
      await broker.dispose();
    }
  });

  it('with the rules of device-config/mosquitto: nothing to complain of', async () => {
    const authority = new Authority();
    authority.issue('broker', 'subjectAltName=IP:127.0.0.1', 90);
    authority.issue('entrance-1', undefined, 10);
    const port = await freePort();
    const folder = path.join(packageRoot(), 'device-config', 'mosquitto');
    const lines = readFileSync(path.join(folder, 'mosquitto.conf'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('persistence'))
      .map((line) => line.replace('/etc/mosquitto/usher/acl', path.join(folder, 'acl')))
      .map((line) => line.replace('/etc/mosquitto/usher/', `${authority.folder}/`))
      .map((line) => (line === 'listener 8883' ? `listener ${port} 127.0.0.1` : line));
    const broker = new Mosquitto(lines);
    await broker.start();
    try {
      const external = {
        type: 'external',
        url: `mqtts://127.0.0.1:${port}`,
        caFile: authority.file('ca.pem'),
        certFile: authority.file('entrance-1.pem'),
        keyFile: authority.file('entrance-1.key'),
      };
      const findings = await examineBroker(await patient(external));
      expect(states(findings)).toEqual({
        'certificate:own': 'warn',
        'certificate:broker': 'ok',
        broker: 'ok',
        'broker:hears-swipes': 'ok',
        'broker:presents-cards': 'ok',
        'broker:says-unlocks': 'ok',
        'broker:hears-unlocks': 'ok',
        'broker:speaks-for-others': 'ok',
        'broker:anonymous': 'ok',
      });
      expect(findings.find(({ check }) => check === 'certificate:own')?.found).toMatch(/is valid for 9 more days/);
    } finally {
      await broker.dispose();
      authority.remove();
    }
  });

  it('that is not there', async () => {
    const url = `mqtt://127.0.0.1:${await freePort()}`;
    const findings = await examineBroker(await patient({ type: 'external', url }));
    expect(findings).toEqual([
      expect.objectContaining({
        check: 'broker',
        state: 'fail',
        found: expect.stringMatching(/nothing listens/) as unknown,
      }),
    ]);
  });

  it('inside usher: a port that somebody else has', async () => {
    const broker = new Mosquitto();
    await broker.start();
    try {
      const port = { type: 'embedded', port: broker.port };
      expect(states(await examineBroker(await patient(port)))).toEqual({ broker: 'fail' });
      expect(states(await examineBroker(await patient(port, { daemon: 42 })))).toEqual({ broker: 'ok' });
    } finally {
      await broker.dispose();
    }
    expect(states(await examineBroker(await patient({ type: 'embedded', port: await freePort() })))).toEqual({
      broker: 'ok',
    });
  });
});
