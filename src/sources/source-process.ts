import { type ChildProcess } from 'node:child_process';
import { type Readable } from 'node:stream';
import { Observable, type Subscriber } from 'rxjs';
import { UsherError, type UsherErrorCode, systemCode } from '../errors';
import { type Lent, type Source, withoutCredentials } from './source';

/** Cuts what a program writes into items. Made anew for every run of the program. */
export interface Assembler<T> {
  /**
   * Chunks may end anywhere.
   * @throws UsherError for what cannot be read: the program is then ended
   */
  push(chunk: Buffer, emit: (item: T) => void): void;
  /** Gives what is whole of the item that is being assembled: nothing more comes. Left out where half an item is none. */
  flush?(emit: (item: T) => void): void;
  /** What is wrong with an end at this point: nothing came, or half an item is left over. Null where all is well. */
  faultAtEnd(command: string): string | null;
  /** What the program says on its standard error. */
  remark?(text: string): void;
  /**
   * Takes no more for now: the program is left to wait until `whenRoom` is called. Left out where what cannot be dealt with is dropped.
   */
  readonly full?: boolean;
  whenRoom?: () => void;
}

/** A program that writes raw data to one of its file descriptors. */
export interface SourceProgram<T> {
  readonly name: string;
  readonly live: boolean;
  /** As messages call it. */
  readonly command: string;
  /** Starts it without a shell, its standard error and the descriptor with the data piped. */
  spawn(): ChildProcess;
  /** 3 where the program chats on its standard output. */
  readonly dataFd: 1 | 3;
  readonly debianPackage: string;
  readonly failure: Extract<UsherErrorCode, 'camera-failed' | 'microphone-failed'>;
  /** What to do when it fails. */
  readonly remedy: string;
  /** Looks whether it can work at all; throws a UsherError that tells more than the program's own complaint would. */
  readonly check?: () => Promise<void>;
  assembler(): Assembler<T>;
  /** Told what it said on its standard error where it ended well all the same. */
  readonly remarks?: (text: string) => void;
}

const STDERR_TAIL_CHARS = 2000;

/**
 * Runs a program as a source. At most one process lives at a time: an opening waits for the process before it to be gone, since two
 * readers of one device only get in each other's way.
 */
export class SourceProcess<T extends Lent> implements Source<T> {
  private gone: Promise<void> = Promise.resolve();

  /** @param killAfterMs time between SIGTERM and SIGKILL; a stopped or hung program ignores the first. */
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
        // The subscriber's end is the program's end.
        subscriber.error(error);
        return;
      }
      if (assembler.full === true) data.pause();
    });
    // A pipe that breaks when the process is killed is not news.
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
      // Also of a program that is gone: what it left behind would keep its end from coming.
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

/** Whole lines alone: half an address would show the password that its beginning gives away. */
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
