import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { holdDaemonLock } from '../../src/store/daemon-lock';
import { packageRoot } from '../../src/system/paths';
import { Installation, usher } from '../support/daemon';

const MAIN = join(packageRoot(), 'dist', 'main.js');

describe('what the caller wrote wrong', () => {
  test.each([
    [['members', 'lits'], "unknown command 'lits'", 'usher members --help'],
    [['members', 'list', '--jsno'], "unknown option '--jsno'", 'usher members list --help'],
    [['enroll'], 'required option', 'usher enroll --help'],
    [['fleet', 'publish'], 'required option', 'usher fleet publish --help'],
  ])('%j: the message comes last, with where help is, and exit code 2', async (args, message, help) => {
    const { code, stdout, stderr } = await usher(...args);
    expect([code, stdout]).toEqual([2, '']);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.join(' ')).toContain(message);
    expect(lines.at(-1)).toBe(`  → ${help}`);
    expect(lines.length).toBeLessThanOrEqual(3);
  });

  test('with --json it is one line of JSON', async () => {
    const { code, stdout, stderr } = await usher('members', 'list', '--json', '--nonsense');
    expect([code, stdout]).toEqual([2, '']);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: 'usage',
        message: "unknown option '--nonsense'",
        remedy: 'usher members list --help',
        exitCode: 2,
      },
    });
  });
});

test('what the machine lacks is one line of JSON, too, with the exit code of the process', async () => {
  const { code, stderr } = await usher('members', 'list', '--json', '--config', '/no/such/file.yaml');
  const { error } = JSON.parse(stderr) as { error: { code: string; message: string; exitCode: number } };
  expect(error).toMatchObject({ exitCode: code, message: expect.stringContaining('/no/such/file.yaml') as string });
  expect(code).toBeGreaterThan(0);
});

test.each(['config schema', '--help', 'config asyncapi'])('usher %s | head: ends quietly', (args) => {
  const script = `"${process.execPath}" "${MAIN}" ${args} | head -c 1 >/dev/null; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect([stdout.trim(), stderr]).toEqual(['0', '']);
});

describe('an older Node', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'usher-node-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test.each(['18.19.1', '20.8.1', '16.20.2'])(
    '%s is told which one is needed, before anything else is loaded',
    async (version) => {
      const fake = join(dir, 'fake.cjs');
      // What else is loaded would be named: nothing but the check may be.
      writeFileSync(
        fake,
        `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });
       const load = require('module')._load;
       require('module')._load = (name, ...more) => {
         if (!name.includes('main.js') && !name.includes('require-node')) process.stderr.write('loaded ' + name);
         return load(name, ...more);
       };`,
      );
      const failed = (await promisify(execFile)(process.execPath, ['-r', fake, MAIN, 'run', '--config', 'x']).catch(
        (error: unknown) => error,
      )) as { code: number; stderr: string };
      expect(failed.code).toBe(3);
      expect(failed.stderr).toMatch(
        new RegExp(`^usher: Node.js ${version} is too old: 20.9 or later is needed\\n  → `),
      );
    },
  );
});

describe('a configuration', () => {
  let place: Installation;
  afterEach(() => place.remove());

  test('with a misspelt word is refused by the check, with what was meant', async () => {
    place = await Installation.make({
      microphones: [{ id: 'hall', source: { type: 'arecord' }, words: [{ model: 'wake-computr' }] }],
    });
    for (const args of [
      ['config', 'check', place.config],
      ['run', '--check', '--config', place.config],
    ]) {
      const { code, stderr } = await usher(...args);
      expect(code).toBe(2);
      expect(stderr).toContain('word model "wake-computr": no such model; did you mean "wake-computer"?');
    }
  });

  test('whose data folder another daemon holds: a second start names that one, not the fleet', async () => {
    place = await Installation.make({
      cameras: [{ id: 'cam', source: { type: 'folder', path: '.' } }],
      doors: [{ id: 'front', camera: 'cam', readers: ['r1'] }],
    });
    const lock = holdDaemonLock(join(place.dir, 'data'));
    try {
      const { code, stderr } = await usher('run', '--config', place.config);
      expect(code).toBe(1);
      expect(stderr).toContain(`the usher process ${process.pid} already runs on the data folder`);
      expect(stderr).not.toContain('fleet');
    } finally {
      lock.release();
    }
  });
});

describe('a command that cannot do what was asked', () => {
  // Below a file nothing can be made.
  const NOWHERE = join(__filename, 'such');
  const BROKER = ['--broker', 'mqtt://127.0.0.1:1'];
  /** One way or more for every command, with the exit code: 1 it failed, 2 the caller, 3 the machine. */
  const FAILURES: readonly (readonly [number, ...string[]])[] = [
    [1, 'run', '-c', NOWHERE],
    [1, 'run', '--check', '-c', NOWHERE],
    [1, 'doctor', '-c', NOWHERE],
    [1, 'enroll', '--id', 'a', '--name', 'b', '--data', NOWHERE, 'a.jpg'],
    [1, 'members', 'list', '--data', NOWHERE],
    [1, 'members', 'show', 'a', '--data', NOWHERE],
    [2, 'keys', '--nonsense'],
    [1, 'audit', 'verify', '--data', NOWHERE],
    [1, 'models', 'verify', '--models-dir', NOWHERE],
    [2, 'eval', 'faces'],
    [1, 'eval', 'scene', '--data', NOWHERE],
    [2, 'bench', 'vision', '--nonsense'],
    [2, 'stylise', NOWHERE],
    [1, 'train', 'scene', '--data', NOWHERE],
    [1, 'train', 'face-head', '--images', NOWHERE],
    [2, 'train', 'wake-word'],
    [1, 'actuator', 'run', '-c', NOWHERE],
    [2, 'actuator', 'key'],
    [1, 'record', 'captures', '-c', NOWHERE],
    [1, 'reader', 'key', 'new', `${NOWHERE}/key`],
    [1, 'command', 'ping', ...BROKER, '--site', 'a', '--device', 'b'],
    [1, 'config', 'check', NOWHERE],
    [1, 'fleet', 'status', ...BROKER],
    [1, 'fleet', 'events', ...BROKER],
    [1, 'fleet', 'publish', '--channel', 'scene', '--fleet', NOWHERE, NOWHERE],
    [1, 'fleet', 'rollback', '--channel', 'scene', '--fleet', NOWHERE],
    [1, 'demo', '--face', `${NOWHERE}.jpg`],
  ];

  test.each(FAILURES.map(([code, ...args]) => ({ code, args })))('$code: usher $args', async ({ code, args }) => {
    const done = await usher(...args);
    expect([done.code, args]).toEqual([code, args]);
    // The last lines are the message, and what to do about it.
    const lines = done.stderr.trimEnd().split('\n');
    expect(lines.find((line) => line.startsWith('usher: '))).toBeDefined();
    expect(lines.at(-1)).toMatch(/^(usher: | {2}→ )/);
  });
});
