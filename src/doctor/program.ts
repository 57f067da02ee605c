import { execFile } from 'node:child_process';
import { systemCode } from '../errors';

export interface ProgramOutcome {
  /** Null when there is no such program. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** Runs a program without a shell, within a time limit; its failure is an outcome, not an error. */
export function runProgram(program: string, args: readonly string[], timeoutMs = 5000): Promise<ProgramOutcome> {
  return new Promise((resolve) => {
    const options = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 4 * 2 ** 20 } as const;
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      const missing = systemCode(error) === 'ENOENT';
      resolve({ code: missing ? null : code, stdout, stderr, timedOut: error?.killed === true });
    });
    child.stdin?.end();
  });
}

export async function isInstalled(program: string): Promise<boolean> {
  // `--version` does not matter to all of them; only that something was started.
  return (await runProgram(program, ['--version'])).code !== null;
}
