import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Holder, run } from '../../src/system/programs';
import { until } from '../support/until';

let dir: string;
beforeEach(() => (dir = mkdtempSync(path.join(tmpdir(), 'usher-programs-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const script = (body: string): string => {
  const file = path.join(dir, 'program');
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
};
const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const startedPid = async (): Promise<number> => {
  const file = path.join(dir, 'pid');
  const read = (): number => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0);
  await until('the program to run', () => read() > 0);
  return read();
};

describe('a program that is run to its end', () => {
  test('gives what it says, its arguments as they are, and nothing of our environment', async () => {
    process.env['USHER_SECRET'] = 'x';
    const file = script('echo "$1"; env | grep USHER; echo "$PATH" | grep -c /usr/bin');
    expect(await run([file, '$(id) *'], 10_000)).toBe('$(id) *\n1\n');
  });

  test.each([
    ['with its first words', 'printf "no  such\\nline\\n" >&2; exit 3', 'program: no such line'],
    ['with its exit, where it says nothing', 'exit 3', 'Command failed'],
    [
      'at most 300 characters of them',
      'head -c 1000 /dev/zero | tr "\\0" x >&2; exit 1',
      `program: ${'x'.repeat(300)}`,
    ],
  ])('fails %s', async (_, body, message) => {
    await expect(run([script(body)], 10_000)).rejects.toThrow(message);
    await expect(run([script(body)], 10_000)).rejects.not.toThrow('x'.repeat(301));
  });

  test('is ended when it takes too long, or says too much', async () => {
    await expect(run([script('exec sleep 60')], 100)).rejects.toThrow('still running after 100 ms');
    expect(await run([script('head -c 65536 /dev/zero')], 10_000)).toHaveLength(65_536);
    await expect(run([script('head -c 65537 /dev/zero; exec sleep 60')], 10_000)).rejects.toThrow('program: ');
  });

  test('that is missing is named', async () => {
    await expect(run(['/no/such'], 1000)).rejects.toThrow('/no/such: ');
  });
});

describe('a program that holds something', () => {
  const SETTLE_MS = 300;

  test('runs until it is ended', async () => {
    const holder = new Holder();
    await holder.start([script(`echo $$ > ${dir}/pid; exec sleep 60`)], SETTLE_MS);
    const pid = await startedPid();
    expect(isRunning(pid)).toBe(true);
    await holder.end(30_000);
    expect(isRunning(pid)).toBe(false);
    // Once more does no harm.
    await holder.end(30_000);
  });

  test('is killed where it does not listen', async () => {
    const holder = new Holder();
    await holder.start([script(`trap '' TERM; echo $$ > ${dir}/pid; while :; do sleep 0.1; done`)], SETTLE_MS);
    const pid = await startedPid();
    await holder.end(50);
    expect(isRunning(pid)).toBe(false);
  });

  test.each([
    ['its first words', 'echo busy line >&2; exit 1', 'program: busy line'],
    ['its exit code', 'exit 7', 'program: exit code 7'],
    ['the signal that ended it', 'kill -KILL $$', 'program: SIGKILL'],
    ['… though a program that it left behind still has its output', 'sleep 5 & echo gone >&2; exit 1', 'program: gone'],
  ])('is refused at once with %s', async (_, body, message) => {
    const holder = new Holder();
    await expect(holder.start([script(body)], 60_000)).rejects.toThrow(message);
    await holder.end(30_000);
  });

  test('that is missing is named', async () => {
    const holder = new Holder();
    await expect(holder.start(['/no/such'], 60_000)).rejects.toThrow('/no/such: ');
    await holder.end(30_000);
  });
});
