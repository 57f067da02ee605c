import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { Observable } from 'rxjs';
import { systemCode, UsherError } from '../errors';
import { LISTENING, readerFailed } from './source';

/** A program that writes the device's data to its standard output. */
export interface ReadingProgram {
  /** Passed unchanged; no shell is involved. */
  readonly argv: readonly [string, ...string[]];
  /** The device or reader, for messages. */
  readonly about: string;
  /** What to do when it fails. */
  readonly remedy: string;
  readonly debianPackage: string;
}

/** A program that still runs after this time has opened the device. One that cannot open it ends at once. */
const SETTLED_MS = 200;
const KILL_AFTER_MS = 1000;
const STDERR_CHARS = 500;
/** Programs get these search folders and nothing else of this process's environment. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/**
 * util-linux's setpriv lets the kernel end the program together with this process, however that ends. A program that
 * outlives it would take the next card's line from its successor, or keep the line or device open. (Under systemd,
 * systemd ends both.)
 */
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((file) => existsSync(file));
const TIED: readonly string[] = SETPRIV === undefined ? [] : [SETPRIV, '--pdeathsig', 'KILL', '--'];
const NOT_FOUND = 127;

/**
 * Runs a program while there is a subscriber, and emits its output. Devices are read through a process (`cat`): a read
 * of a character device blocks one of Node's four file threads until a card comes and cannot be cancelled, so four
 * readers would stop all other file operations.
 */
export function runReading(program: ReadingProgram): Observable<Buffer | typeof LISTENING> {
  return new Observable((subscriber) => {
    const [command = '', ...args] = [...TIED, ...program.argv];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: ENVIRONMENT });
    let complaint = '';
    let listening = false;
    const listen = (): void => {
      if (!listening) subscriber.next(LISTENING);
      listening = true;
    };
    const settled = setTimeout(listen, SETTLED_MS);
    child.on('error', (error) => subscriber.error(notStarted(program, error)));
    child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (complaint = (complaint + text).slice(-STDERR_CHARS)));
    child.stdout.on('data', (bytes: Buffer) => {
      listen();
      subscriber.next(bytes);
    });
    hushErrors(child.stdout, child.stderr);
    child.on('close', (code, signal) => {
      clearTimeout(settled);
      subscriber.error(ended(program, code, signal, complaint));
    });
    return () => {
      clearTimeout(settled);
      end(child);
    };
  });
}

/** Runs a program to its end. @throws UsherError `dependency-missing`, `reader-failed` */
export function runOnce(program: ReadingProgram, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const [command, ...args] = program.argv;
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: ENVIRONMENT });
    const late = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let said = '';
    let complaint = '';
    child.stdout.on('data', (bytes: Buffer) => (said = (said + bytes.toString('latin1')).slice(0, 4096)));
    child.stderr.on('data', (bytes: Buffer) => (complaint = (complaint + bytes.toString('utf8')).slice(-STDERR_CHARS)));
    hushErrors(child.stdout, child.stderr);
    child.on('error', (error) => {
      clearTimeout(late);
      reject(notStarted(program, error));
    });
    child.on('close', (code, signal) => {
      clearTimeout(late);
      if (code === 0) resolve(said);
      else reject(ended(program, code, signal, complaint));
    });
  });
}

/** A pipe that breaks when its process is killed needs no report. */
function hushErrors(...streams: readonly Readable[]): void {
  for (const stream of streams) stream.on('error', () => undefined);
}

function end(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.stdout?.destroy();
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  child.once('close', () => clearTimeout(kill));
}

function notStarted({ argv: [command], about, debianPackage }: ReadingProgram, error: Error): UsherError {
  return systemCode(error) === 'ENOENT'
    ? notInstalled(command, about, debianPackage)
    : readerFailed(`${command} could not be started for ${about}: ${error.message}`, 'Check its permissions.', error);
}

function notInstalled(command: string, about: string, debianPackage: string): UsherError {
  return new UsherError('dependency-missing', `${command} is not installed; ${about} needs it`, {
    remedy: `Install it: ${debianPackage === '' ? command : `apt-get install ${debianPackage}`}`,
  });
}

function ended(
  { argv: [command], about, remedy, debianPackage }: ReadingProgram,
  code: number | null,
  signal: NodeJS.Signals | null,
  complaint: string,
): UsherError {
  if (code === NOT_FOUND && complaint.startsWith('setpriv:')) return notInstalled(command, about, debianPackage);
  const how = signal === null ? `ended with code ${code ?? 'unknown'}` : `was killed by ${signal}`;
  const why = complaint.trim().replace(/\s+/g, ' ');
  return readerFailed(`${about}: ${command} ${how}${why === '' ? '' : `: ${why}`}`, remedy);
}
