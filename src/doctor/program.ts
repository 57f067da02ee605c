import { execFile } from 'node:child_process';
import { systemCode } from '../errors';

export interface ProgramOutcome {
  /** Null if there is no such program. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** Runs a program without a shell, within a time limit. A failure is part of the result, not an error. */
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

/** Whether a program can be started. */
export async function isInstalled(program: string): Promise<boolean> {
  // Not every program knows `--version`. It only matters that it started.
  return (await runProgram(program, ['--version'])).code !== null;
}
