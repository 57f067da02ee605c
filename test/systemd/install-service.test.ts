import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseConfig } from '../../src/config/load/load';
import { packageRoot } from '../../src/system/paths';

const haveSysusers = spawnSync('systemd-sysusers', ['--version']).status === 0;

/** A checkout that is built, in small: what the installer copies, without the hundreds of megabytes. */
function checkout(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'usher-install-'));
  for (const part of ['scripts', 'systemd', 'device-config', 'package.json'])
    cpSync(path.join(packageRoot(), part), path.join(folder, 'source', part), { recursive: true });
  mkdirSync(path.join(folder, 'source', 'dist'));
  writeFileSync(path.join(folder, 'source', 'dist', 'main.js'), '', { mode: 0o700 });
  lock(folder, { thing: {}, other: {} });
  mkdirSync(path.join(folder, 'root'));
  return folder;
}

type Locked = Record<string, { readonly dependencies?: object; readonly optional?: boolean; readonly dev?: boolean }>;

/** package-lock.json of a checkout, with these packages; those that are not `dev` are the program's own dependencies. */
function lock(folder: string, packages: Locked): void {
  const names = Object.keys(packages).filter(
    (name) => packages[name]?.dev !== true && !name.includes('/node_modules/'),
  );
  const locked: Locked = {};
  for (const [name, about] of Object.entries(packages)) locked[`node_modules/${name}`] = { optional: true, ...about };
  const root = { dependencies: Object.fromEntries(names.map((name) => [name, '1.0.0'])) };
  writeFileSync(
    path.join(folder, 'source', 'package-lock.json'),
    JSON.stringify({ packages: { '': root, ...locked } }),
  );
}

/** Every file below a folder: path → mode and content. */
function snapshot(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    found[path.relative(folder, file)] = `${statSync(file).mode.toString(8)} ${readFileSync(file, 'latin1')}`;
  }
  return found;
}

(haveSysusers ? describe : describe.skip)('scripts/install-service', () => {
  let folder: string;
  let root: string;
  const install = (...args: string[]) => {
    const run = spawnSync(path.join(folder, 'source/scripts/install-service'), args, { encoding: 'utf8' });
    return { code: run.status, out: run.stdout, err: run.stderr };
  };
  const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
  const mode = (file: string): string => (statSync(path.join(root, file)).mode & 0o777).toString(8);

  beforeEach(() => {
    folder = checkout();
    root = path.join(folder, 'root');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('installs program, units, accounts and a configuration that is good', () => {
    const done = install('--root', root, '--actuator');
    expect(done).toMatchObject({ code: 0 });
    expect(read('etc/systemd/system/usher.service')).toMatch(
      /^ExecStart=\/\S+\/node \/opt\/usher\/dist\/main\.js run /m,
    );
    expect(read('etc/systemd/system/usher-actuator.service')).toContain('/opt/usher/dist/main.js actuator run');
    expect(mode('opt/usher/dist/main.js')).toBe('755');
    expect(read('etc/passwd')).toMatch(/^usher:.*:\/var\/lib\/usher:.*nologin$/m);
    expect(read('etc/group')).toMatch(/^video:.*:usher$/m);
    expect(read('etc/group')).toMatch(/^gpio:.*:usher,usher-actuator$/m);
    const config = parseConfig(read('etc/usher/config.yaml'), 'config.yaml');
    expect(config).toMatchObject({ dataDir: '/var/lib/usher', models: { dir: '/var/lib/usher/models' } });
    expect(mode('etc/usher/config.yaml')).toBe('640');
    expect(mode('usr/local/bin/usher')).toBe('755');
    expect(existsSync(path.join(root, 'etc/usher/box.key'))).toBe(false);
    for (const unit of ['usher.service', 'usher-actuator.service'])
      expect(readlinkSync(path.join(root, 'etc/systemd/system/multi-user.target.wants', unit))).toBe(
        `/etc/systemd/system/${unit}`,
      );
  });

  it('changes nothing when it runs again, and leaves the configuration that was edited', () => {
    install('--root', root, '--actuator', '--box-key');
    writeFileSync(path.join(root, 'etc/usher/config.yaml'), 'edited: true\n');
    const before = snapshot(root);
    expect(install('--root', root, '--actuator', '--box-key').code).toBe(0);
    expect(snapshot(root)).toEqual(before);
  });

  it('gives a new installation a box key for root alone, and none to members under another key', () => {
    expect(install('--root', root, '--box-key').code).toBe(0);
    const { security } = parseConfig(read('etc/usher/config.yaml'), 'config.yaml');
    expect(security.boxKey.source).toBe('credential');
    expect(statSync(path.join(root, 'etc/usher/box.key')).size).toBe(32);
    expect(mode('etc/usher/box.key')).toBe('600');
    expect(read('etc/systemd/system/usher.service.d/box-key.conf')).toContain('LoadCredential=usher-box-key:');

    rmSync(path.join(root, 'etc/usher/box.key'));
    mkdirSync(path.join(root, 'var/lib/usher'), { recursive: true });
    writeFileSync(path.join(root, 'var/lib/usher/usher.db'), '');
    const refused = install('--root', root, '--box-key');
    expect(refused.code).toBe(3);
    expect(refused.err).toContain('usher keys rotate');
    expect(existsSync(path.join(root, 'etc/usher/box.key'))).toBe(false);
  });

  it('only says what it would do with --dry-run', () => {
    const planned = install('--root', root, '--actuator', '--box-key', '--dry-run');
    expect(planned.code).toBe(0);
    expect(readdirSync(root)).toEqual([]);
    expect(planned.out).toContain(`would write: ${root}/etc/systemd/system/usher.service`);
    expect(planned.out).toContain(`multi-user.target.wants/usher-actuator.service`);
  });

  it('takes away what it brought, and the members only when told so', () => {
    install('--root', root, '--actuator', '--box-key');
    mkdirSync(path.join(root, 'var/lib/usher'), { recursive: true });
    writeFileSync(path.join(root, 'var/lib/usher/usher.db'), 'members');
    expect(install('--root', root, '--uninstall').code).toBe(0);
    const left = Object.keys(snapshot(root)).filter(
      (file) => !/^etc\/(\.pwd\.lock|(passwd|group|shadow|gshadow)-?)$/.test(file),
    );
    expect(left.sort()).toEqual(
      ['etc/usher/box.key', 'etc/usher/config.yaml', 'var/lib/usher/usher.db', ...actuatorConfig()].sort(),
    );
    expect(install('--root', root, '--uninstall', '--purge').code).toBe(0);
    expect(Object.keys(snapshot(root)).filter((file) => !file.startsWith('etc/'))).toEqual([]);
    expect(existsSync(path.join(root, 'etc/usher'))).toBe(false);
    expect(install('--root', root, '--uninstall').code).toBe(0);
  });

  const actuatorConfig = (): string[] =>
    existsSync(path.join(folder, 'source/device-config/actuator.yaml')) ? ['etc/usher/actuator.yaml'] : [];

  describe('the packages', () => {
    const machine = `linux/${process.arch}`;
    const prebuilt = `@photostructure/sqlite/prebuilds/linux-${process.arch}`;
    const put = (file: string): void => {
      mkdirSync(path.join(folder, 'source', path.dirname(file)), { recursive: true });
      writeFileSync(path.join(folder, 'source', file), 'x');
    };
    const installed = (): string[] =>
      Object.keys(snapshot(path.join(root, 'opt/usher')))
        .filter((file) => /^(node_modules|dist)\//.test(file))
        .sort();

    beforeEach(() => {
      lock(folder, {
        'onnxruntime-node': { dependencies: { common: '1' } },
        common: { optional: false },
        'onnxruntime-node/node_modules/common': {},
        '@photostructure/sqlite': {},
        '@tensorflow/tfjs': { dev: true, dependencies: { seedrandom: '3' } },
        seedrandom: { dev: true },
        jest: { dev: true },
      });
      for (const file of [
        'onnxruntime-node/index.js',
        `onnxruntime-node/bin/napi-v6/${machine}/libonnxruntime.so.1`,
        'onnxruntime-node/bin/napi-v6/linux/ppc64/libonnxruntime.so.1',
        'onnxruntime-node/bin/napi-v6/darwin/arm64/libonnxruntime.dylib',
        'onnxruntime-node/bin/napi-v6/win32/x64/onnxruntime.dll',
        'onnxruntime-node/node_modules/common/index.js',
        'onnxruntime-node/node_modules/left-over/index.js',
        'common/index.js',
        `${prebuilt}/sqlite.glibc.node`,
        `${prebuilt}/sqlite.musl.node`,
        '@photostructure/sqlite/prebuilds/win32-x64/sqlite.glibc.node',
        '@photostructure/sqlite/src/upstream/sqlite3.c',
        '@tensorflow/tfjs/index.js',
        'seedrandom/index.js',
        'jest/index.js',
      ])
        put(`node_modules/${file}`);
      put('dist/lab/train.js');
    });

    const device = [
      'dist/main.js',
      'node_modules/@photostructure/sqlite/prebuilds/',
      'node_modules/common/index.js',
      'node_modules/onnxruntime-node/bin/',
      'node_modules/onnxruntime-node/index.js',
      'node_modules/onnxruntime-node/node_modules/common/index.js',
    ];
    /** Of binaries, only that there is one and that it is this machine's. */
    const withoutBinaries = (files: string[]): string[] =>
      files.map((file) =>
        file.replace(/(?<=\/(bin|prebuilds)\/).*/, (binary) => {
          expect(binary).toMatch(new RegExp(`linux.${process.arch}/`));
          return '';
        }),
      );

    it('are those that a device runs, with the binaries of this machine', () => {
      expect(install('--root', root)).toMatchObject({ code: 0 });
      expect(withoutBinaries(installed())).toEqual(device);
    });

    it('and the laboratory where it is asked for', () => {
      expect(install('--root', root, '--with-laboratory')).toMatchObject({ code: 0 });
      expect(withoutBinaries(installed())).toEqual(
        [
          ...device,
          'dist/lab/train.js',
          'node_modules/@tensorflow/tfjs/index.js',
          'node_modules/seedrandom/index.js',
        ].sort(),
      );
      expect(install('--root', root)).toMatchObject({ code: 0 });
      expect(withoutBinaries(installed())).toEqual(device);
    });

    it('one that is missing leaves nothing half installed', () => {
      rmSync(path.join(folder, 'source/node_modules/common'), { recursive: true });
      const refused = install('--root', root);
      expect(refused).toMatchObject({ code: 3 });
      expect(refused.err).toContain('node_modules/common is missing: run scripts/setup first');
      expect(readdirSync(path.join(root, 'opt'))).toEqual([]);
    });
  });

  it('does not write over a folder that is not its own', () => {
    mkdirSync(path.join(root, 'opt/usher'), { recursive: true });
    writeFileSync(path.join(root, 'opt/usher/precious'), 'x');
    const refused = install('--root', root);
    expect(refused.code).toBe(3);
    expect(refused.err).toContain('exists and was not installed by this script');
    expect(readdirSync(path.join(root, 'opt'))).toEqual(['usher']);
    expect(readdirSync(path.join(root, 'opt/usher'))).toEqual(['precious']);
  });

  describe('an upgrade', () => {
    const source = (file: string): string => path.join(folder, 'source', file);
    const put = (file: string, text: string): void => {
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    };
    const inRoot = (file: string): string => path.join(root, file);

    beforeEach(() => {
      put(source('models/mbf/model.onnx'), 'mbf 1');
      put(source('models/wake-computer/model.onnx'), 'computer 1');
      put(source('node_modules/thing/index.js'), 'thing 1');
    });

    it('keeps what did not come with usher: members, keys, trained and pulled models, configurations', () => {
      expect(install('--root', root).code).toBe(0);
      // All of it in places where people put it, and an older usher did.
      put(inRoot('opt/usher/.usher/usher.db'), 'members');
      put(inRoot('opt/usher/.usher/keys/box.key'), 'key');
      put(inRoot('opt/usher/device-config/my-door.yaml'), 'mine');
      put(inRoot('opt/usher/device-config/gym-entrance.yaml'), 'edited');
      put(inRoot('opt/usher/node_modules/own/index.js'), 'own');
      put(inRoot('var/lib/usher/models/wake-sesame/model.onnx'), 'trained');
      put(inRoot('var/lib/usher/models/wake-computer/model.onnx'), 'fine-tuned');
      put(inRoot('var/lib/usher/usher.db'), 'members of the service');
      put(source('models/mbf/model.onnx'), 'mbf 2');
      put(source('models/wake-computer/model.onnx'), 'computer 2');
      rmSync(source('node_modules/thing'), { recursive: true });
      put(source('node_modules/other/index.js'), 'other 2');

      const done = install('--root', root);
      expect(done).toMatchObject({ code: 0, err: '' });
      expect(read('opt/usher/.usher/usher.db')).toBe('members');
      expect(read('opt/usher/.usher/keys/box.key')).toBe('key');
      expect(read('opt/usher/device-config/my-door.yaml')).toBe('mine');
      expect(read('opt/usher/device-config/gym-entrance.yaml.kept')).toBe('edited');
      expect(read('opt/usher/device-config/gym-entrance.yaml')).toBe(
        readFileSync(source('device-config/gym-entrance.yaml'), 'utf8'),
      );
      expect(read('opt/usher/node_modules/own/index.js')).toBe('own');
      expect(read('var/lib/usher/models/wake-sesame/model.onnx')).toBe('trained');
      expect(read('var/lib/usher/models/wake-computer/model.onnx')).toBe('fine-tuned');
      expect(read('var/lib/usher/usher.db')).toBe('members of the service');
      // What came with usher is that of the new version.
      expect(read('var/lib/usher/models/mbf/model.onnx')).toBe('mbf 2');
      expect(existsSync(inRoot('opt/usher/node_modules/thing'))).toBe(false);
      for (const said of [
        'kept .usher',
        'my-door.yaml',
        'gym-entrance.yaml.kept',
        'kept your model',
        'there are members in',
      ])
        expect(done.out).toContain(said);
      expect(readdirSync(inRoot('opt'))).toEqual(['usher']);

      const before = snapshot(root);
      expect(install('--root', root).code).toBe(0);
      expect(snapshot(root)).toEqual(before);
    });

    it('from a version that had its models in the program folder, and no list of its files', () => {
      put(inRoot('opt/usher/.installed-by-usher'), '');
      put(inRoot('opt/usher/dist/old.js'), 'old');
      put(inRoot('opt/usher/models/mbf/model.onnx'), 'mbf 1');
      put(inRoot('opt/usher/models/wake-computer/model.onnx'), 'fine-tuned');
      put(inRoot('opt/usher/models/wake-sesame/model.onnx'), 'trained');
      put(inRoot('opt/usher/.usher/usher.db'), 'members');
      put(inRoot('etc/usher/config.yaml'), 'models:\n  dir: /opt/usher/models\n');
      expect(install('--root', root).code).toBe(0);
      expect(read('opt/usher/.usher/usher.db')).toBe('members');
      expect(existsSync(inRoot('opt/usher/dist/old.js'))).toBe(false);
      const models = inRoot('var/lib/usher/models');
      expect(readFileSync(path.join(models, 'wake-sesame/model.onnx'), 'utf8')).toBe('trained');
      expect(readFileSync(path.join(models, 'wake-computer.kept/model.onnx'), 'utf8')).toBe('fine-tuned');
      expect(readFileSync(path.join(models, 'wake-computer/model.onnx'), 'utf8')).toBe('computer 1');
      expect(readdirSync(models).sort()).toEqual(
        ['.shipped-models', 'mbf', 'wake-computer', 'wake-computer.kept', 'wake-sesame'].sort(),
      );
      // The old configuration still finds them.
      expect(readlinkSync(inRoot('opt/usher/models'))).toBe('/var/lib/usher/models');
    });

    it('makes everything in the data folder the service’s', () => {
      expect(install('--root', root).code).toBe(0);
      const [, uid = ''] = /^usher:[^:]*:(\d+):/m.exec(read('etc/passwd')) ?? [];
      const data = inRoot('var/lib/usher');
      const owners = new Set(
        ['', ...readdirSync(data, { recursive: true, encoding: 'utf8' })].map(
          (name) => statSync(path.join(data, name)).uid,
        ),
      );
      expect([...owners]).toEqual([Number(uid)]);
      expect(mode('var/lib/usher')).toBe('700');
    });

    it('taking it away leaves what did not come with it', () => {
      expect(install('--root', root).code).toBe(0);
      put(inRoot('opt/usher/.usher/usher.db'), 'members');
      expect(install('--root', root, '--uninstall').code).toBe(0);
      expect(read('opt/usher.kept/.usher/usher.db')).toBe('members');
      expect(existsSync(inRoot('opt/usher'))).toBe(false);
    });
  });

  it.each([
    [['--prefix', 'relative'], 3, 'absolute'],
    [['--prefix', '/opt/$(touch x)'], 3, 'cannot stand in a systemd unit'],
    [['--prefix', '/opt/../etc'], 3, 'cannot stand in a systemd unit'],
    [['--nonsense'], 2, 'no such option'],
  ])('refuses %j', (args, code, why) => {
    const refused = install('--root', root, ...args);
    expect(refused.code).toBe(code);
    expect(refused.err).toContain(why);
    expect(readdirSync(root)).toEqual([]);
  });

  it('asks for set-up where nothing is built', () => {
    rmSync(path.join(folder, 'source/dist'), { recursive: true });
    expect(install('--root', root).err).toContain('scripts/setup');
  });

  it('makes the program readable for the service, however closely the checkout was kept', () => {
    chmodSync(path.join(folder, 'source/device-config'), 0o700);
    chmodSync(path.join(folder, 'source/package.json'), 0o600);
    install('--root', root);
    expect(mode('opt/usher/package.json')).toBe('644');
    expect(mode('opt/usher/device-config')).toBe('755');
  });
});
