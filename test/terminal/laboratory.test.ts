import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
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

describe('a program without the laboratory', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'device-'));
    mkdirSync(path.join(folder, 'dist'));
    cpSync(path.join(packageRoot(), 'package.json'), path.join(folder, 'package.json'));
    cpSync(path.join(packageRoot(), 'dist'), path.join(folder, 'dist'), {
      recursive: true,
      filter: (source) => source !== path.join(packageRoot(), 'dist', 'lab'),
    });
    symlinkSync(path.join(packageRoot(), 'node_modules'), path.join(folder, 'node_modules'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const usher = (...args: string[]) =>
    spawnSync(process.execPath, [path.join(folder, 'dist', 'main.js'), ...args], { encoding: 'utf8' });

  test('lists all commands', () => {
    const help = execFileSync(process.execPath, [path.join(folder, 'dist', 'main.js'), '--help'], { encoding: 'utf8' });
    expect(help).toMatch(/run .*\n/);
    expect(help).toMatch(/train  +not installed/);
  });

  test.each([
    ['train', 'wake-word', '--out', 'x'],
    ['fleet', 'simulate', '-n', '3'],
  ])('%s %s says what is missing and where it is', (...args) => {
    const { status, stderr } = usher(...args);
    expect(stderr).toMatch(/part of the laboratory, which is not installed here/);
    expect(stderr).toContain('scripts/setup');
    expect(status).toBe(3);
  });
});
