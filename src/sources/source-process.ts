import { type ChildProcess } from 'node:child_process';
import { type Readable } from 'node:stream';
import { Observable, type Subscriber } from 'rxjs';
import { UsherError, type UsherErrorCode, systemCode } from '../errors';
import { type Lent, type Source, withoutCredentials } from './source';

/** Splits what a program writes into items. Created for each run of the program. */
export interface Assembler<T> {
  /**
   * Chunks may end anywhere.
   * @throws UsherError for unreadable data; the program is then ended
   */
  push(chunk: Buffer, emit: (item: T) => void): void;
  /**
   * Emits the part of an unfinished item that is usable: no more data comes. Undefined if an unfinished item is
   * useless.
   */
  flush?(emit: (item: T) => void): void;
  /** What is wrong if the data ends here: nothing came, or an item is incomplete. Null if nothing is wrong. */
  faultAtEnd(command: string): string | null;
  /** Receives what the program writes to its standard error. */
  remark?(text: string): void;
  /**
   * True while it accepts no more data: the program must wait until `whenRoom` is called. Undefined if surplus data is
   * dropped.
   */
  readonly full?: boolean;
  whenRoom?: () => void;
}

/** A program that writes raw data to one of its file descriptors. */
export interface SourceProgram<T> {
  readonly name: string;
  readonly live: boolean;
  /** Its name in messages. */
  readonly command: string;
  /** Starts it without a shell. Its standard error and the descriptor with the data are pipes. */
  spawn(): ChildProcess;
  /** 3 if the program writes messages to its standard output. */
  readonly dataFd: 1 | 3;
  readonly debianPackage: string;
  readonly failure: Extract<UsherErrorCode, 'camera-failed' | 'microphone-failed'>;
  /** What to do when it fails. */
  readonly remedy: string;
  /** Checks whether the program can work at all. Throws a UsherError that is clearer than the program's own message. */
  readonly check?: () => Promise<void>;
  assembler(): Assembler<T>;
  /** Receives the program's standard error if it ended without failure. */
  readonly remarks?: (text: string) => void;
}

const STDERR_TAIL_CHARS = 2000;

/**
 * Runs a program as a source. At most one process lives at a time: opening waits until the previous process is gone,
 * since two readers of one device disturb each other.
 */
export class SourceProcess<T extends Lent> implements Source<T> {
  private gone: Promise<void> = Promise.resolve();

  /** @param killAfterMs time between SIGTERM and SIGKILL; a stopped or hung program ignores SIGTERM */
  constructor(
    private readonly program: SourceProgram<T>,
    private readonly killAfterMs = 1500,
  ) {}

  get name(): string {
    return this.program.name;
  }

  get live(): boolean {
    return this.program.live;
  }

  open(): Observable<T> {
    return new Observable((subscriber) => {
      const start = async (): Promise<void> => {
        await this.gone;
        await this.program.check?.();
        if (!subscriber.closed) this.run(subscriber);
      };
      start().catch((error: unknown) => {
        subscriber.error(error);
      });
    });
  }

  private run(subscriber: Subscriber<T>): void {
    const { dataFd } = this.program;
    const child = this.program.spawn();
    const assembler = this.program.assembler();
    let complaint = '';
    let closing: NodeJS.Timeout | undefined;

    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = lastLines(complaint + text);
      assembler.remark?.(text);
    });
    const data = child.stdio[dataFd] as Readable | null;
    assembler.whenRoom = () => data?.resume();
    data?.on('data', (chunk: Buffer) => {
      try {
        assembler.push(chunk, (item) => {
          subscriber.next(item);
        });
      } catch (error) {
        // When the subscriber unsubscribes, the program is ended.
        subscriber.error(error);
        return;
      }
      if (assembler.full === true) data.pause();
    });
    // A pipe that breaks when its process is killed needs no report.
    data?.on('error', () => undefined);

    this.gone = new Promise((resolve) => {
      child.on('error', (error) => {
        subscriber.error(this.notStarted(error));
        resolve();
      });
      child.on('close', (code, signal) => {
        clearTimeout(closing);
        assembler.flush?.((item) => {
          subscriber.next(item);
        });
        const fault = this.faultAtEnd(code, signal, assembler, complaint);
        if (fault === null) {
          if (complaint.trim() !== '') this.program.remarks?.(withoutCredentials(complaint).trim());
          subscriber.complete();
        } else subscriber.error(fault);
        resolve();
      });
    });

    subscriber.add(() => {
      // Also for a program that has ended: a child that it left behind may hold the pipe, and `close` would not come.
      data?.destroy();
      if (!isAlive(child)) return;
      child.kill('SIGTERM');
      closing = setTimeout(() => child.kill('SIGKILL'), this.killAfterMs);
    });
  }

  private notStarted(error: Error): UsherError {
    const { command, debianPackage, failure } = this.program;
    return systemCode(error) === 'ENOENT'
      ? new UsherError('dependency-missing', `${command} is not installed; ${nounOf(failure)} ${this.name} needs it`, {
          remedy: `Install the Debian package: apt-get install ${debianPackage}`,
          cause: error,
        })
      : new UsherError(failure, `${command} could not be started for ${this.name}: ${error.message}`, {
          remedy: `Check that this user may run ${command}.`,
          cause: error,
        });
  }

  private faultAtEnd(
    code: number | null,
    signal: NodeJS.Signals | null,
    assembler: Assembler<T>,
    complaint: string,
  ): UsherError | null {
    const { command, remedy, failure } = this.program;
    const fail = (what: string): UsherError => {
      const tail = withoutCredentials(complaint).trim();
      return new UsherError(failure, `${this.name}: ${what}${tail === '' ? '' : `\n${tail}`}`, { remedy });
    };
    if (signal !== null) return fail(`${command} was killed by ${signal}`);
    if (code !== 0) return fail(`${command} failed with exit code ${code ?? 'unknown'}`);
    const fault = assembler.faultAtEnd(command);
    return fault === null ? null : fail(fault);
  }
}

/** Only whole lines: half an address could show the password that redaction finds by its beginning. */
function lastLines(text: string): string {
  if (text.length <= STDERR_TAIL_CHARS) return text;
  const tail = text.slice(-STDERR_TAIL_CHARS);
  return tail.slice(tail.indexOf('\n') + 1 || tail.length);
}

function nounOf(failure: SourceProgram<never>['failure']): string {
  return failure === 'camera-failed' ? 'camera' : 'microphone';
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}
