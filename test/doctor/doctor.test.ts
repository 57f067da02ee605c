import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { type LoadedConfig, loadConfig } from '../../src/config/load/load';
import { examineCameras } from '../../src/doctor/cameras';
import { examineDoors, examineReaders } from '../../src/doctor/doors';
import { examineFiles } from '../../src/doctor/files';
import { examined, type Examination, type Finding, type Patient } from '../../src/doctor/finding';
import { examineClock, examineDisk, examineNode } from '../../src/doctor/machine';
import { examineModels } from '../../src/doctor/models';
import { examineJournal, examineStore } from '../../src/doctor/store';
import { Journal } from '../../src/store/journal/journal';
import { Database } from '../../src/store/database/database';
import { Store } from '../../src/store/store';
import { packageRoot } from '../../src/system/paths';
import { encodeJpeg } from '../../src/vision/picture/picture';
import { freePort } from '../support/mosquitto';

let dir: string;
const MODELS = path.join(packageRoot(), 'models');

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'usher-doctor-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A configuration in `dir`, its data in `dir/data`. */
async function patient(
  config: object = {},
  options: Partial<Patient> = {},
): Promise<Patient & { loaded: LoadedConfig }> {
  mkdirSync(path.join(dir, 'pictures'), { recursive: true });
  const picture = await encodeJpeg({ width: 64, height: 48, data: new Uint8Array(64 * 48 * 3).fill(90) });
  writeFileSync(path.join(dir, 'pictures', '1.jpg'), picture);
  const file = path.join(dir, 'config.yaml');
  const whole = {
    device: { site: 'gym', id: 'box' },
    dataDir: 'data',
    models: { dir: MODELS },
    cameras: [{ id: 'cam', source: { type: 'folder', path: path.join(dir, 'pictures') } }],
    doors: [{ id: 'front', camera: 'cam', readers: ['r1'] }],
    ...config,
  };
  writeFileSync(file, stringify(whole), { mode: 0o600 });
  return { loaded: await loadConfig(file), daemon: null, probe: false, ...options };
}

const states = (findings: readonly Finding[]): Record<string, string> =>
  Object.fromEntries(findings.map(({ check, state }) => [check, state]));
const one = (findings: readonly Finding[], check: string): Finding => {
  const found = findings.find((finding) => finding.check === check);
  if (found === undefined) throw new Error(`no finding ${check} among ${findings.map((f) => f.check).join(', ')}`);
  return found;
};

it('gives a remedy for everything that is not well, and none for what is', async () => {
  const all: Examination[] = [examineNode, examineClock, examineDisk, examineFiles, examineDoors, examineReaders];
  const whole = await patient();
  for (const examination of all)
    for (const { state, remedy } of await examination(whole)) expect(remedy === null).toBe(state === 'ok');
});

it('makes a finding of an examination that breaks, and goes on', async () => {
  const broken: Examination = () => Promise.reject(new Error('unforeseen'));
  expect(await examined('odd', broken, await patient())).toEqual([
    expect.objectContaining({ check: 'odd', state: 'fail', found: 'unforeseen' }),
  ]);
});

describe('files', () => {
  it('that hold a password or a key must be closed to others; nobody else may change the rest', async () => {
    const keyFile = path.join(dir, 'reader.key');
    const passwordFile = path.join(dir, 'password');
    const caFile = path.join(dir, 'ca.pem');
    for (const file of [keyFile, passwordFile, caFile]) writeFileSync(file, 'x');
    chmodSync(keyFile, 0o640);
    chmodSync(passwordFile, 0o600);
    chmodSync(caFile, 0o666);
    const sick = await patient({
      readers: [{ id: 'r1', keyFile }],
      mqtt: { broker: { type: 'external', url: 'mqtts://broker.example', passwordFile, caFile, keyFile: 'gone.key' } },
    });
    const findings = await examineFiles(sick);
    expect(states(findings)).toMatchObject({
      'file:reader:r1': 'fail',
      'file:passwordFile': 'ok',
      'file:caFile': 'fail',
      'file:keyFile': 'fail',
      'file:config': 'ok',
    });
    expect(one(findings, 'file:reader:r1')).toMatchObject({ remedy: `chmod 600 ${keyFile}` });
    expect(one(findings, 'file:caFile').found).toContain('other accounts may change it');
    expect(one(findings, 'file:keyFile').found).toContain('ENOENT');
  });

  it('of the data folder: each is looked at', async () => {
    const sick = await patient();
    Store.open(sick.loaded.dataDir).close();
    expect(states(await examineFiles(sick))).toMatchObject({ 'file:data': 'ok', 'file:data/usher.db': 'ok' });
    chmodSync(path.join(sick.loaded.dataDir, 'usher.db'), 0o644);
    chmodSync(sick.loaded.dataDir, 0o755);
    expect(states(await examineFiles(sick))).toMatchObject({ 'file:data': 'fail', 'file:data/usher.db': 'fail' });
  });

  it('the configuration, only where an address in it carries a password', async () => {
    const source = (input: string) => ({ cameras: [{ id: 'cam', source: { type: 'ffmpeg', input } }] });
    for (const [input, mode, state] of [
      ['rtsp://admin:sesame@camera/1', 0o644, 'fail'],
      ['rtsp://admin:sesame@camera/1', 0o640, 'ok'],
      ['rtsp://camera/1', 0o644, 'ok'],
      ['rtsp://camera/1', 0o666, 'fail'],
    ] as const) {
      const sick = await patient(source(input));
      chmodSync(sick.loaded.file, mode);
      expect([input, mode, one(await examineFiles(sick), 'file:config').state]).toEqual([input, mode, state]);
    }
  });
});

describe('cameras', () => {
  it('give a real frame where nobody else has them', async () => {
    const findings = await examineCameras(await patient());
    expect(findings[0]).toEqual({ check: 'camera:cam', state: 'ok', found: 'gives frames of 64×48', remedy: null });
    // Its pictures are of one colour.
    expect(findings[1]).toMatchObject({ check: 'camera:cam:picture', state: 'warn' });
    expect(findings[1]?.found).toContain('only one tone');
    const taken = await examineCameras(await patient({}, { daemon: 42 }));
    expect(one(taken, 'camera:cam').found).toContain('running daemon');
  });

  it.each([
    ['/dev/video99', /does not exist/],
    ['/dev/../etc/passwd', /is not a device/],
  ])('%s', async (input, why) => {
    const sick = await patient({ cameras: [{ id: 'cam', source: { type: 'ffmpeg', input } }] });
    const finding = one(await examineCameras(sick), 'camera:cam');
    expect(finding.state).toBe('fail');
    expect(finding.found).toMatch(why);
  });

  it('on the network: unreachable, and reachable but mute, within their time and without the password', async () => {
    const port = await freePort();
    const input = `rtsp://admin:sesame@127.0.0.1:${port}/stream`;
    const sick = await patient({ cameras: [{ id: 'cam', startMs: 1500, source: { type: 'ffmpeg', input } }] });
    const refused = await examineCameras(sick);
    expect(one(refused, 'camera:cam')).toMatchObject({ state: 'fail', found: `127.0.0.1:${port}: ECONNREFUSED` });
    const mute: Server = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(port, '127.0.0.1', resolve));
    try {
      const silent = await examineCameras(sick);
      expect(one(silent, 'camera:cam:address').state).toBe('ok');
      expect(one(silent, 'camera:cam').state).toBe('fail');
      expect(JSON.stringify([refused, silent])).not.toContain('sesame');
    } finally {
      mute.close();
    }
  });
});

describe('models', () => {
  it('that are there load in a process of their own, and say what they run on', async () => {
    const findings = await examineModels(
      await patient({ models: { dir: MODELS, set: 'fallback' }, inference: { providers: ['cuda', 'cpu'] } }),
    );
    expect(states(findings)).toMatchObject({
      'bundle:face-api-resnet': 'ok',
      'models:set': 'warn',
      'models:load': 'ok',
      'provider:face-api-resnet': 'warn',
    });
    expect(one(findings, 'models:set').found).toMatch(/38 % at 1e-4/);
    expect(one(findings, 'provider:face-api-resnet').found).toBe('cuda, cpu configured, but it runs on cpu');
  });

  it('with a byte that is not their card’s are named', async () => {
    const models = path.join(dir, 'models');
    for (const name of ['tiny-yolo-face', 'landmarks-68', 'face-api-resnet'])
      cpSync(path.join(MODELS, name), path.join(models, name), { recursive: true, dereference: true });
    const spoilt = path.join(models, 'landmarks-68', 'model.onnx');
    const bytes = readFileSync(spoilt);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(spoilt, bytes);
    const findings = await examineModels(await patient({ models: { dir: models } }));
    expect(states(findings)).toMatchObject({
      'bundle:tiny-yolo-face': 'ok',
      'bundle:landmarks-68': 'fail',
      'models:load': 'fail',
    });
    expect(one(findings, 'models:load').remedy).toContain('usher models ensure');
  });

  it('that are missing altogether', async () => {
    const findings = await examineModels(await patient({ models: { dir } }));
    expect(states(findings)).toEqual({ 'models:set': 'fail' });
  });
});

describe('the store', () => {
  it('counts members without a picture for the encoder that runs', async () => {
    const sick = await patient();
    expect(one(await examineStore(sick), 'store')).toMatchObject({ state: 'warn' });
    const store = Store.open(sick.loaded.dataDir);
    store.close();
    expect(states(await examineStore(sick))).toEqual({ store: 'ok', 'store:templates': 'ok' });
  });

  it('that is damaged, or of a newer usher, fails with its remedy', async () => {
    const sick = await patient();
    const { dataDir } = sick.loaded;
    Store.open(dataDir).close();
    const file = path.join(dataDir, 'usher.db');
    const database = Database.open(file, { readonly: false, busyTimeoutMs: 100, journal: 'wal' });
    database.exec('PRAGMA user_version = 900');
    database.close();
    expect(one(await examineStore(sick), 'store').found).toContain('schema version 900');
    writeFileSync(file, 'nothing of the kind');
    expect(one(await examineStore(sick), 'store')).toMatchObject({
      state: 'fail',
      remedy: expect.stringMatching(/backup/) as unknown,
    });
  });

  it('whose key is a credential of the service is left shut, and that is said', async () => {
    const sick = await patient({ security: { boxKey: { source: 'credential' } } });
    Store.open(sick.loaded.dataDir).close();
    const finding = one(await examineStore(sick), 'store');
    expect(finding.state).toBe('warn');
    expect(finding.remedy).toContain('LoadCredential=usher-box-key:');
  });

  it('and the journal, link by link', async () => {
    const sick = await patient();
    const { dataDir } = sick.loaded;
    expect(one(await examineJournal(sick), 'journal').state).toBe('ok');
    const journal = Journal.open(dataDir);
    for (let i = 0; i < 5; i++) journal.append('start', { version: `0.${i}` });
    journal.close();
    expect(one(await examineJournal(sick), 'journal')).toMatchObject({
      state: 'ok',
      found: expect.stringMatching(/^6 /) as unknown,
    });
    copyFileSync(path.join(dataDir, 'journal.db'), path.join(dir, 'kept.db'));
    const database = Database.open(path.join(dataDir, 'journal.db'), {
      readonly: false,
      busyTimeoutMs: 100,
      journal: 'wal',
    });
    database.exec('DROP TRIGGER IF EXISTS records_no_update');
    for (const { name } of database.all("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
      database.exec(`DROP TRIGGER "${String(name)}"`);
    database.run(`UPDATE records SET body = '{"version":"9"}' WHERE seq = 3`);
    database.close();
    const found = one(await examineJournal(sick), 'journal');
    expect(found.state).toBe('fail');
    expect(found.found).toMatch(/record 3 \(changed\)/);
  });
});

describe('the clock', () => {
  it('that is before what the journal has seen is told', async () => {
    const sick = await patient();
    const journal = Journal.open(sick.loaded.dataDir, { now: () => Date.now() + 86_400_000 });
    journal.append('start', { version: '1' });
    journal.close();
    expect(one(await examineClock(sick), 'clock:date').state).toBe('fail');
    expect(one(await examineClock(await patient({ dataDir: 'other' })), 'clock:date').state).toBe('ok');
  });
});

describe('doors and readers', () => {
  it('warn of a rate that was never measured', async () => {
    const doors = (targetFmr: number) => ({ doors: [{ id: 'front', camera: 'cam', readers: ['r1'], targetFmr }] });
    const fallback = { models: { dir: MODELS, set: 'fallback' } };
    const [measured] = await examineDoors(await patient({ ...fallback, ...doors(1e-3) }));
    const [extended] = await examineDoors(await patient({ ...fallback, ...doors(1e-9) }));
    expect(measured?.state).toBe('ok');
    expect(extended).toMatchObject({
      check: 'door:front',
      state: 'warn',
      found: expect.stringMatching(/was measured down to/) as unknown,
    });
  });

  it('warn of cards that anyone on the broker may present', async () => {
    const keyFile = path.join(dir, 'r.key');
    writeFileSync(keyFile, 'ab'.repeat(32), { mode: 0o600 });
    expect(states(await examineReaders(await patient()))).toEqual({ 'reader:r1': 'warn' });
    expect(states(await examineReaders(await patient({ readers: [{ id: 'r1', keyFile }] })))).toEqual({
      'reader:r1': 'ok',
    });
    const attached = await examineReaders(
      await patient({ readers: [{ id: 'r1', source: { type: 'serial', device: '/dev/ttyUSB0' } }] }),
    );
    expect(states(attached)).toEqual({ 'reader:r1': 'ok', 'program:stty': 'ok' });
  });
});
