import { type ChildProcess, execFile, spawn } from 'node:child_process';

/** Programs get these search folders and nothing else of this process's environment. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
const STDERR_CHARS = 300;

/**
 * Runs a program to its end, without a shell. Rejects with the start of its standard error if it fails or takes too
 * long.
 */
export function run(argv: readonly [string, ...string[]], timeoutMs: number): Promise<string> {
  const [program, ...args] = argv;
  return new Promise((resolve, reject) => {
    execFile(
      program,
      args,
      { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 64 * 1024, env: ENVIRONMENT },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else
          reject(
            failure(program, error.killed === true ? `still running after ${timeoutMs} ms` : firstWords(stderr, error)),
          );
      },
    );
  });
}

/**
 * A program that holds a resource while it runs. `start` resolves if it still runs after `settleMs`; a program that
 * cannot get the resource (line busy, no permission) ends at once.
 */
export class Holder {
  private child: ChildProcess | null = null;
  private gone: Promise<void> = Promise.resolve();

  async start(argv: readonly [string, ...string[]], settleMs: number): Promise<void> {
    const [program, ...args] = argv;
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: ENVIRONMENT });
    this.child = child;
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString('utf8')).slice(0, 4096)));
    let ended: Error | null = null;
    this.gone = new Promise((resolve) => {
      child.once('error', (error) => {
        ended = failure(program, firstWords(stderr, error));
        resolve();
      });
      child.once('exit', (code, signal) => {
        // A child that the program leaves behind may keep the pipe open.
        child.stderr.destroy();
        ended ??= failure(
          program,
          firstWords(stderr, new Error(signal === null ? `exit code ${code ?? '?'}` : signal)),
        );
        resolve();
      });
    });
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([this.gone, new Promise((resolve) => (timer = setTimeout(resolve, settleMs)))]);
    clearTimeout(timer);
    // TypeScript does not see that the handlers above assign it.
    const failed = ended as Error | null;
    if (failed !== null) throw failed;
  }

  /** Ends it with SIGTERM, then SIGKILL. Resolves when it is gone. */
  async end(graceMs: number): Promise<void> {
    const { child } = this;
    this.child = null;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await this.gone;
    clearTimeout(kill);
  }
}

function failure(program: string, why: string): Error {
  return new Error(`${program}: ${why}`);
}

function firstWords(stderr: string, error: Error): string {
  const text = stderr.replace(/\s+/g, ' ').trim().slice(0, STDERR_CHARS);
  return text === '' ? error.message : text;
}
