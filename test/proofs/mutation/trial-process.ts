import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../../src/system/paths';
import type { Job, Outcome, Verdict } from './worker';

export interface Result {
  /** By mutant: the test that killed it. */
  readonly killed: ReadonlyMap<number, string>;
  /** Killed in a test that fails without them, too: they are to be tried alone. */
  readonly doubtful: ReadonlySet<number>;
  /** Null where the process had to be ended, or ended by itself. */
  readonly outcome: Outcome | null;
  readonly ended: 'timeout' | 'crash' | null;
  /** The mutant that was being tried then; -1: none. */
  readonly active: number;
  readonly said: string;
}

/** What code under test leaves behind in a process that runs hundreds of test files; then a fresh one takes over. */
const MAX_MEMORY_MIB = 900;
/** Waits without using the processor: something is awaited that never comes. */
const MAX_WAIT_MS = 90_000;
const LOOK_MS = 100;
/** The kernel counts a process's time in such ticks. */
const TICK_MS = 10;

/** A worker process, and a fresh one after each that had to be ended. */
export class TrialProcess {
  private child: ChildProcess | null = null;
  private said = '';
  private readonly mark: string;

  constructor(
    private readonly instrumented: string,
    private readonly mutants: number,
    index: number,
  ) {
    this.mark = path.join(instrumented, `mark-${index}`);
  }

  /** @param cpuMs processor time that one test may take: a machine that is busy elsewhere makes no mutant hang */
  async run(job: Job, cpuMs: number): Promise<Result> {
    const child = (this.child ??= await this.start());
    const killed = new Map<number, string>();
    const doubtful = new Set<number>();
    // In a dry run no step is told.
    const look = this.watch(child.pid ?? 0, cpuMs, job.kind === 'dry' ? 10 * MAX_WAIT_MS : MAX_WAIT_MS);
    const end = await new Promise<Outcome | 'timeout' | 'crash'>((resolve) => {
      const settle = (value: Outcome | 'timeout' | 'crash'): void => {
        clearInterval(timer);
        child.off('message', hear).off('exit', exited);
        resolve(value);
      };
      const hear = (message: { readonly verdict?: Verdict; readonly outcome?: Outcome }): void => {
        const { verdict, outcome } = message;
        if (outcome !== undefined) settle(outcome);
        else if (verdict?.test === null) {
          killed.delete(verdict.mutant);
          doubtful.add(verdict.mutant);
        } else if (verdict !== undefined) killed.set(verdict.mutant, verdict.test);
      };
      const exited = (): void => settle('crash');
      child.on('message', hear).once('exit', exited);
      const timer = setInterval(() => {
        if (look()) settle('timeout');
      }, LOOK_MS);
      child.send(job);
    });
    const outcome = typeof end === 'string' ? null : end;
    const { active } = this.marked();
    if (outcome === null || outcome.memoryMiB > MAX_MEMORY_MIB) this.end();
    return { killed, doubtful, outcome, ended: typeof end === 'string' ? end : null, active, said: this.said };
  }

  end(): void {
    this.child?.kill('SIGKILL');
    this.child = null;
  }

  /** Tells whether one and the same test has gone on for too long. */
  private watch(pid: number, cpuMs: number, waitMs: number): () => boolean {
    let since = { step: this.marked().step, cpu: cpuMsOf(pid), wall: performance.now() };
    return () => {
      const { step } = this.marked();
      if (step !== since.step) since = { step, cpu: cpuMsOf(pid), wall: performance.now() };
      return cpuMsOf(pid) - since.cpu > cpuMs || performance.now() - since.wall > waitMs;
    };
  }

  private marked(): { readonly active: number; readonly step: number } {
    const bytes = readFileSync(this.mark);
    return bytes.length < 8 ? { active: -1, step: 0 } : { active: bytes.readInt32LE(0), step: bytes.readInt32LE(4) };
  }

  private async start(): Promise<ChildProcess> {
    const root = packageRoot();
    this.said = '';
    const args = [root, this.instrumented, String(this.mutants), this.mark];
    const child = fork(path.join(__dirname, 'worker.ts'), args, {
      cwd: root,
      execArgv: ['-r', path.join(root, 'test/support/run-ts.cjs')],
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
