import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { leashed } from '../support/leash';

const root = path.resolve(__dirname, '../..');

/** A folder that is gone after the test. */
export function withFolder<T>(work: (folder: string) => Promise<T> | T): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'usher-store-'));
  return Promise.resolve(work(folder)).finally(() => rmSync(folder, { recursive: true, force: true }));
}

/** Runs a task of `child.ts` in another process. `prelude` is shell text that runs before it (ulimit). */
export function startTask(
  task: string,
  dataDir: string,
  prelude = '',
  { detail = '', ...options }: SpawnOptions & { detail?: string } = {},
): ChildProcess {
  const node = [
    process.execPath,
    '-r',
    path.join(__dirname, '../support/run-ts.cjs'),
    path.join(__dirname, 'child.ts'),
  ];
  const command = [...node, task, dataDir, detail].map((word) => `'${word}'`).join(' ');
  return spawn(...leashed('bash', ['-c', `${prelude}\nexec ${command}`]), {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
}

/** Every line that the child writes, until it ends or `until` is content. Kills the child then. */
export async function linesOf(
  child: ChildProcess,
  until: (line: string, count: number) => boolean = () => false,
): Promise<string[]> {
  const lines: string[] = [];
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  if (child.stdout === null) throw new Error('the child has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (until(line, lines.length)) child.kill('SIGKILL');
  }
  await closed;
  if (errors !== '') throw new Error(errors);
  return lines;
}
