import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packageRoot } from '../../src/system/paths';
import { laboratoryCommand } from '../../src/terminal/laboratory';

test('every command of the laboratory is found where it is installed', () => {
  for (const name of ['train', 'eval', 'bench', 'record', 'demo', 'simulate'] as const) {
    const command = laboratoryCommand(name);
    expect(command.name()).toBe(name);
    expect(command.description()).not.toContain('not installed');
  }
});

describe('an installed device: no laboratory, production packages only', () => {
  const root = packageRoot();
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'device-'));
    cpSync(path.join(root, 'package.json'), path.join(folder, 'package.json'));
    // What `npm run build:device` does; it fails where something outside the laboratory needs the laboratory.
    const tsc = path.join(root, 'node_modules', 'typescript-native', 'bin', 'tsc');
    const config = path.join(root, 'tsconfig.device.json');
    execFileSync(process.execPath, [tsc, '-p', config, '--outDir', path.join(folder, 'dist')]);
    execFileSync(process.execPath, [path.join(root, 'scripts', 'install-packages.mjs'), root, folder]);
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const usher = (...args: string[]) =>
    spawnSync(process.execPath, [path.join(folder, 'dist', 'main.js'), ...args], { encoding: 'utf8' });

  test('is built without the laboratory', () => {
    expect(existsSync(path.join(folder, 'dist', 'main.js'))).toBe(true);
    expect(existsSync(path.join(folder, 'dist', 'lab'))).toBe(false);
  });

  test('is small', () => {
    const installed = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const bytes = installed.reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
    expect(bytes).toBeLessThan(150e6);
    expect(existsSync(path.join(folder, 'node_modules', '@tensorflow'))).toBe(false);
  });

  test('lists all commands', () => {
    const { stdout: help, status } = usher('--help');
    expect(status).toBe(0);
    expect(help).toMatch(/run .*\n/);
    expect(help).toMatch(/train  +not installed/);
  });

  test('checks a configuration', () => {
    const { stdout, stderr, status } = usher(
      'config',
      'check',
      '--elsewhere',
      path.join(root, 'device-config', 'gym-entrance.yaml'),
    );
    expect({ stdout, stderr, status }).toMatchObject({ stderr: '', status: 0 });
  });

  test('examines the box, each of its libraries with it', () => {
    const config = path.join(root, 'device-config', 'gym-entrance.yaml');
    const { stdout, stderr } = usher('doctor', '--config', config, '--data', path.join(folder, 'data'), '--json');
    expect(stderr + stdout).not.toMatch(/MODULE_NOT_FOUND|Cannot find module|not installed/);
    expect((JSON.parse(stdout) as { ok: number }).ok).toBeGreaterThan(15);
  }, 240_000);

  test.each([
    ['train', 'wake-word', '--out', 'x'],
    ['fleet', 'simulate', '-n', '3'],
  ])('%s %s says what is missing and where it is', (...args) => {
    const { status, stderr } = usher(...args);
    expect(stderr).toMatch(/part of the laboratory, which is not installed here/);
    expect(stderr).toContain('scripts/install-service --with-laboratory');
    expect(status).toBe(3);
  });
});
