import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../src/system/paths';
import type { Job, Outcome } from './worker';

export type Result = { readonly outcome: Outcome } | { readonly ended: 'timeout' | 'crash'; readonly said: string };

/** What code under test leaves behind in a process that runs hundreds of test files; then a fresh one takes over. */
const MAX_MEMORY_MIB = 900;
/** Waits without using the processor: something is awaited that never comes. */
const MAX_WAIT_MS = 150_000;
const LOOK_MS = 100;
/** The kernel counts a process's time in such ticks. */
const TICK_MS = 10;

/** A worker process, and a fresh one after each that had to be ended. */
export class TrialProcess {
  private child: ChildProcess | null = null;
  private said = '';

  constructor(
    private readonly instrumented: string,
    private readonly mutants: number,
  ) {}

  /** @param cpuMs processor time that the job may take: a machine that is busy elsewhere makes no mutant hang */
  async run(job: Job, cpuMs: number): Promise<Result> {
    const child = (this.child ??= await this.start());
    const { pid = 0 } = child;
    const began = { cpu: cpuMsOf(pid), wall: performance.now() };
    const result = await new Promise<Result>((resolve) => {
      const settle = (value: Result): void => {
        clearInterval(timer);
        child.off('message', answered).off('exit', exited);
        resolve(value);
      };
      const answered = (outcome: unknown): void => settle({ outcome: outcome as Outcome });
      const exited = (): void => settle({ ended: 'crash', said: this.said });
      child.once('message', answered).once('exit', exited);
      const timer = setInterval(() => {
        const late = cpuMsOf(pid) - began.cpu > cpuMs || performance.now() - began.wall > MAX_WAIT_MS;
        if (late) settle({ ended: 'timeout', said: this.said });
      }, LOOK_MS);
      child.send(job);
    });
    if (!('outcome' in result) || result.outcome.memoryMiB > MAX_MEMORY_MIB) this.end();
    return result;
  }

  end(): void {
    this.child?.kill('SIGKILL');
    this.child = null;
  }

  private async start(): Promise<ChildProcess> {
    const root = packageRoot();
    this.said = '';
    const child = fork(path.join(__dirname, 'worker.ts'), [root, this.instrumented, String(this.mutants)], {
      cwd: root,
      execArgv: ['-r', path.join(root, 'test/store/run-ts.cjs')],
      env: { ...process.env, NODE_ENV: 'test' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.said = (this.said + chunk.toString()).slice(-4000)));
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', () => reject(new Error(`a worker did not start:\n${this.said}`)));
    });
    child.removeAllListeners('exit');
    return child;
  }
}

function cpuMsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return 0;
  }
}
