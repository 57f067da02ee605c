import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packageRoot } from '../../src/system/paths';
import { conclusion, countOf } from './proof';
import { until } from './until';

const args = (how: string): string[] => [
  '-r',
  './test/support/run-ts.cjs',
  path.join(__dirname, 'proof-child.ts'),
  how,
];

describe('the conclusion of a proof', () => {
  test.each([
    [{ tried: 5, faults: [] }, 0, '5 tries, no fault'],
    [{ tried: 5, faults: ['it opened'] }, 1, '1 fault in 5 tries:\n  it opened'],
    [{ tried: 0, faults: [] }, 2, 'nothing proved: nothing was tried'],
    [{ tried: NaN, faults: [] }, 2, 'nothing proved: nothing was tried'],
  ])('%j ends with %i', (verdict, code, line) => {
    expect(conclusion(verdict)).toEqual({ code, line });
  });

  test.each(['0', '-1', 'many', '1.5', ''])('"%s" is no count', (text) => {
    expect(() => countOf(text, 7)).toThrow(/a whole number above 0/);
  });

  test('a count that is left out is the default', () => {
    expect(countOf(undefined, 7)).toBe(7);
    expect(countOf('12', 7)).toBe(12);
  });
});

describe('a proof as a program', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'usher-proof-test-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const env = () => ({ ...process.env, TMPDIR: folder });
  const alive = (pid: number): boolean => existsSync(`/proc/${pid}`) && !/^\d+ \(.*\) Z/s.test(statOf(pid));

  test.each([
    ['tries', 0, 'proof: 3 tries, no fault'],
    ['tries-nothing', 2, 'proof: nothing proved: nothing was tried'],
    ['finds', 1, 'proof: 1 fault in 3 tries:\n  it opened'],
    ['throws', 2, 'proof: nothing proved: no broker'],
    ['throws-later', 2, 'proof: nothing proved: no camera'],
  ])('%s: exit code %i, and nothing is left', (how, code, line) => {
    const { status, stdout } = spawnSync(process.execPath, args(how), {
      cwd: packageRoot(),
      env: env(),
      encoding: 'utf8',
    });
    expect(stdout).toContain(line);
    expect(status).toBe(code);
    expect(readdirSync(folder)).toEqual([]);
    expect(alive(Number(/child (\d+)/.exec(stdout)?.[1]))).toBe(false);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('%s: its children end', async (signal) => {
    const proof = spawn(process.execPath, args('waits'), { cwd: packageRoot(), env: env() });
    let said = '';
    proof.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('a child', () => /child \d+\n/.test(said), { ms: 50_000, detail: () => said });
    const child = Number(/child (\d+)/.exec(said)?.[1]);
    expect(alive(child)).toBe(true);
    const exit = new Promise((resolve) => proof.once('close', resolve));
    proof.kill(signal);
    await exit;
    await until('the end of the child', () => !alive(child));
    if (signal === 'SIGKILL') return;
    expect(said).toContain(`proof: stopped by ${signal}, nothing proved`);
    expect(readdirSync(folder)).toEqual([]);
  });
});

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return `${pid} (gone) Z`;
  }
}
