import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filter, firstValueFrom, map, take, toArray } from 'rxjs';
import { SupervisedChild } from '../../src/system/supervise';

const dir = mkdtempSync(join(tmpdir(), 'usher-supervise-'));
const script = (name: string, body: string): string => {
  const file = join(dir, `${name}.js`);
  writeFileSync(file, body);
  return file;
};
const children: SupervisedChild<{ pid: number; job: unknown }>[] = [];
const supervise = (entry: string, limits: { startMs?: number; silentMs?: number; stopMs?: number } = {}) => {
  const child = new SupervisedChild<{ pid: number; job: unknown }>({
    name: 'test',
    entry,
    job: { vector: Float32Array.of(1.5, 2.5) },
    startMs: limits.startMs ?? 5000,
    silentMs: limits.silentMs ?? 5000,
    stopMs: limits.stopMs ?? 500,
    output: () => undefined,
    random: () => 0,
  });
  children.push(child);
  return child;
};
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.stop()));
});
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const ECHO = script(
  'echo',
  `process.on('message', (job) => setInterval(() => process.send({ pid: process.pid, job }), 20)); process.on('disconnect', () => process.exit());`,
);

test('the job arrives as it was sent, typed arrays included', async () => {
  const child = supervise(ECHO);
  child.start();
  const { job } = await firstValueFrom(child.messages);
  expect(job).toEqual({ vector: Float32Array.of(1.5, 2.5) });
});

test('kill -9 brings a new process, which gets the job again', async () => {
  const child = supervise(ECHO);
  child.start();
  const first = await firstValueFrom(child.messages);
  process.kill(first.pid, 'SIGKILL');
  const second = await firstValueFrom(child.messages.pipe(filter(({ pid }) => pid !== first.pid)));
  expect(second.job).toEqual(first.job);
});

test('a child that falls silent is killed and replaced', async () => {
  const quiet = script(
    'quiet',
    `process.on('message', () => process.send({ pid: process.pid })); setInterval(() => {}, 1000);`,
  );
  const child = supervise(quiet, { silentMs: 400 });
  child.start();
  const pids = await firstValueFrom(
    child.messages.pipe(
      map(({ pid }) => pid),
      take(2),
      toArray(),
    ),
  );
  expect(new Set(pids).size).toBe(2);
  expect(alive(pids[0]!)).toBe(false);
});

test('one that never speaks is given the longer time of a start, then replaced', async () => {
  const mute = script('mute', 'setInterval(() => {}, 1000);');
  const child = supervise(mute, { startMs: 300, silentMs: 100 });
  const waiting = firstValueFrom(child.state.pipe(filter(({ state }) => state === 'waiting')));
  child.start();
  expect(await waiting).toMatchObject({ restarts: 1, detail: 'was silent for too long and was killed' });
});

test('an entry that is not there is a failure that is told, not a crash', async () => {
  const child = supervise(join(dir, 'missing.js'));
  const waiting = firstValueFrom(child.state.pipe(filter(({ state }) => state === 'waiting')));
  child.start();
  expect((await waiting).detail).toContain('exit code');
});

test('a restart that is asked for ends the wait for the next process, and starts but one', async () => {
  const child = supervise(join(dir, 'later.js'));
  const waiting = firstValueFrom(child.state.pipe(filter(({ state }) => state === 'waiting')));
  child.start();
  await waiting;
  script(
    'later',
    `process.on('message', () => process.send({ pid: process.pid })); process.on('disconnect', () => process.exit());`,
  );
  child.restart();
  const { pid } = child;
  expect(pid).not.toBeNull();
  expect(await firstValueFrom(child.state)).toMatchObject({ state: 'running', restarts: 1 });
  expect((await firstValueFrom(child.messages)).pid).toBe(pid);
});

test('stop leaves no process, even one that ignores every request', async () => {
  const stubborn = script(
    'stubborn',
    `process.on('SIGTERM', () => {}); process.on('disconnect', () => {}); process.on('message', () => process.send({ pid: process.pid })); setInterval(() => {}, 1000);`,
  );
  const child = supervise(stubborn);
  child.start();
  const { pid } = await firstValueFrom(child.messages);
  await child.stop();
  expect(alive(pid)).toBe(false);
  expect(child.pid).toBeNull();
});
