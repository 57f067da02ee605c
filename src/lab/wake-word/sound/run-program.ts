import { spawn } from 'node:child_process';
import { messageOf, systemCode, UsherError } from '../../../errors';

const STDERR_TAIL_CHARS = 600;

/** Programs here need their own files and a place to write, nothing of the user's. */
export interface ProgramRun {
  readonly command: string;
  readonly args: readonly string[];
  /** Written to its standard input. */
  readonly input?: string;
  readonly debianPackage: string;
  /** Of its standard output; more is an error. */
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/**
 * Runs a program without a shell and returns what it wrote.
 * @throws UsherError `dependency-missing` where there is no such program, `data-invalid` where it failed, wrote too much or took too long
 */
export function runProgram(run: ProgramRun): Promise<Buffer> {
  const { command, args, input, debianPackage, maxBytes, timeoutMs } = run;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const parts: Buffer[] = [];
    let bytes = 0;
    let complaint = '';
    let fault: string | null = null;
    const stop = (why: string): void => {
      fault ??= why;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => stop(`took longer than ${timeoutMs / 1000} s`), timeoutMs);
    child.stdout.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > maxBytes) stop(`wrote more than ${maxBytes} bytes`);
      else parts.push(part);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-STDERR_TAIL_CHARS);
    });
    // A program that does not read its input closes the pipe: its exit code tells the rest.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
    child.on('error', (error) => {
      clearTimeout(timer);
      const missing = systemCode(error) === 'ENOENT';
      reject(
        missing
          ? new UsherError('dependency-missing', `${command} is not installed`, {
              remedy: `Install the Debian package: apt-get install ${debianPackage}`,
              cause: error,
            })
          : new UsherError('data-invalid', `${command} could not be started: ${messageOf(error)}`, { cause: error }),
      );
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (fault === null && code === 0) return resolve(Buffer.concat(parts));
      const said = complaint.trim() === '' ? '' : `: ${complaint.trim()}`;
      reject(
        new UsherError('data-invalid', `${command} ${fault ?? `failed with exit code ${code ?? 'unknown'}`}${said}`),
      );
    });
  });
}

/** Runs `work` on every item, `width` of them at a time; results in the items' order. The first failure ends it. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as T, i);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  return results;
}
