import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/load/load';
import { loadActuatorConfig } from '../../../src/actuator/config/load';
import { newActuatorText, newConfigText, type Places } from '../../../src/config/load/new-config';
import { parseConfig } from '../../../src/config/load/load';
import { packageRoot } from '../../../src/system/paths';
import { usher } from '../../support/daemon';

const MODELS = join(packageRoot(), 'models');
let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'usher-config-'))));
afterEach(() => rmSync(dir, { recursive: true }));

describe('usher config new', () => {
  test('outside of the checkout: models of the program, data beside the file, and no folder is made yet', async () => {
    const file = join(dir, 'my-door.yaml');
    const made = await usher('config', 'new', file);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const loaded = await loadConfig(file);
    expect(loaded.modelsDir).toBe(MODELS);
    expect(loaded.dataDir).toBe(join(dir, 'usher-data'));
    expect(made.stdout).toContain(`members and state: ${loaded.dataDir}`);
    expect(existsSync(loaded.dataDir)).toBe(false);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    const check = await usher('config', 'check', file);
    expect(check).toMatchObject({ code: 0, stderr: '' });
    expect(check.stdout).toContain(`${loaded.dataDir}, which the first enroll or run creates`);
    expect(existsSync(loaded.dataDir)).toBe(false);
  });

  test('a file that is there stays', async () => {
    const file = join(dir, 'mine.yaml');
    writeFileSync(file, 'mine');
    const { code, stderr } = await usher('config', 'new', file);
    expect([code, readFileSync(file, 'utf8')]).toEqual([2, 'mine']);
    expect(stderr).toContain('already exists');
  });

  test('the configuration of an actuator', async () => {
    const file = join(dir, 'actuator.yaml');
    expect(await usher('config', 'new', '--actuator', file)).toMatchObject({ code: 0 });
    expect((await loadActuatorConfig(file)).stateDir).toBe(join(dir, 'usher-actuator-data'));
  });

  const sample = readFileSync(join(packageRoot(), 'device-config', 'gym-entrance.yaml'), 'utf8');
  const places = (file: string, installedData: string | null = null): Places => ({
    ...{ file, installedData, program: '/opt/usher', models: '/opt/usher/models' },
  });

  test.each([
    ['in the checkout', places('/opt/usher/my-door.yaml'), '.usher', './models'],
    ['in a folder of the checkout', places('/opt/usher/a/b/my-door.yaml'), '../../.usher', '../../models'],
    ['in a home', places('/home/ann/doors/x.yaml'), './usher-data', '/opt/usher/models'],
    [
      'of an installed usher',
      places('/etc/usher/config.yaml', '/var/lib/usher'),
      '/var/lib/usher',
      '/opt/usher/models',
    ],
  ])('%s', (_, where, dataDir, models) => {
    const text = newConfigText(sample, where);
    const config = parseConfig(text, where.file);
    expect([config.dataDir, config.models.dir]).toEqual([dataDir, models]);
    // Nothing else is changed, and the editor finds its schema.
    const lines = text.split('\n');
    const changed = sample.split('\n').filter((line, at) => lines[at] !== line);
    expect(changed.length).toBeLessThanOrEqual(3);
    expect(text).toMatch(/^# yaml-language-server: \$schema=\S*device-config\/schema\.json\n/);
  });

  test('the state of an installed actuator is with the service’s', () => {
    const actuator = readFileSync(join(packageRoot(), 'device-config', 'actuator.yaml'), 'utf8');
    expect(newActuatorText(actuator, places('/etc/usher/actuator.yaml', '/var/lib/usher'))).toContain(
      'stateDir: /var/lib/usher-actuator',
    );
  });
});

describe('usher config check looks at what the file names', () => {
  const config = (more: string): string => {
    const file = join(dir, 'box.yaml');
    writeFileSync(file, `device: { site: gym, id: box }\n${more}`);
    return file;
  };
  const camera =
    'cameras: [{ id: cam, source: { type: folder, path: /x } }]\ndoors: [{ id: front, camera: cam, readers: [r1] }]\n';

  test('the sample that was copied away: the key that is wrong, and what to set it to', async () => {
    const file = join(dir, 'my-door.yaml');
    writeFileSync(file, readFileSync(join(packageRoot(), 'device-config', 'gym-entrance.yaml')));
    for (const command of [
      ['config', 'check', file],
      ['run', '--config', file, '--check'],
    ]) {
      const { code, stderr } = await usher(...command);
      expect(code).toBe(2);
      expect(stderr).toContain('models.dir: ../models means');
      expect(stderr).toContain(`set models.dir to it`);
      expect(stderr).toContain(MODELS);
      expect(stderr).not.toContain('models ensure');
    }
    expect(await usher('config', 'check', '--elsewhere', file)).toMatchObject({ code: 0 });
  });

  test('a folder without bundles, and bundles that are not there', async () => {
    mkdirSync(join(dir, 'empty'));
    const empty = await usher('config', 'check', config(`models: { dir: empty }\n${camera}`));
    expect(empty).toMatchObject({ code: 2 });
    expect(empty.stderr).toContain('it holds no model bundles');
    const words = `microphones: [{ id: mic, source: { type: stdin }, words: [{ model: wake-computr }] }]\n`;
    const misspelt = await usher('config', 'check', config(`models: { dir: ${MODELS} }\n${words}`));
    expect(misspelt).toMatchObject({ code: 2 });
    expect(misspelt.stderr).toContain('word model "wake-computr": no such model; did you mean "wake-computer"?');
  });

  test('a data folder that cannot be is a warning', async () => {
    writeFileSync(join(dir, 'file'), '');
    const { code, stdout } = await usher(
      'config',
      'check',
      config(`dataDir: file/data\nmodels: { dir: ${MODELS} }\n${camera}`),
    );
    expect(code).toBe(0);
    expect(stdout).toContain('warning: dataDir: file/data means');
    expect(stdout).toContain('is not a folder');
  });
});

test('a command about members makes no folder where a path is misspelt', async () => {
  const data = join(dir, 'misspelt');
  for (const command of [
    ['members', 'list'],
    ['members', 'suspend', '4711'],
    ['keys', 'rotate-box'],
  ]) {
    const { code, stderr } = await usher(...command, '--data', data);
    expect(code).toBe(1);
    expect(stderr).toContain(`the data folder ${data} does not exist`);
  }
  expect(existsSync(data)).toBe(false);
});
