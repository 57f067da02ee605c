import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/system/paths';

const ASK =
  'const p = require(process.argv[1]); console.log(JSON.stringify([p.defaultConfig(), p.workDir(), p.installed()]))';

describe('where usher looks without --config', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'usher-paths-'));
    mkdirSync(join(dir, 'dist'));
    for (const part of ['package.json', 'dist/system'])
      cpSync(join(packageRoot(), part), join(dir, part), { recursive: true });
    symlinkSync(join(packageRoot(), 'node_modules'), join(dir, 'node_modules'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const ask = (env: Record<string, string> = {}): unknown[] =>
    JSON.parse(
      execFileSync(process.execPath, ['-e', ASK, join(dir, 'dist/system/paths.js')], {
        encoding: 'utf8',
        env: { ...process.env, ...env },
      }),
    ) as unknown[];

  it('is the checkout, where nothing is installed', () => {
    expect(ask()).toEqual([join(dir, 'device-config/gym-entrance.yaml'), join(dir, '.usher'), null]);
  });

  it('is /etc/usher and /var/lib/usher in an installed copy, never the program folder', () => {
    writeFileSync(join(dir, '.installed-by-usher'), '');
    expect(ask().slice(0, 2)).toEqual(['/etc/usher/config.yaml', '/var/lib/usher']);
    writeFileSync(join(dir, '.installed-by-usher'), 'config=/srv/u.yaml\ndata=/srv/data\n');
    expect(ask().slice(0, 2)).toEqual(['/srv/u.yaml', '/srv/data']);
  });

  it('is the same for a checkout that is installed in place', () => {
    expect(ask({ USHER_INSTALLED: 'yes' }).slice(0, 2)).toEqual(['/etc/usher/config.yaml', '/var/lib/usher']);
  });
});
