import { type ChildProcess, spawn } from 'node:child_process';
import { type Readable } from 'node:stream';
import { Observable, type Subscriber } from 'rxjs';
import { UsherError, systemCode } from '../../errors';
import { FrameAssembler } from './assembler';
import { type CameraSource, type LentFrame, withoutCredentials } from './source';

/** A program that writes raw frames (rgb24, packed) to one of its file descriptors. */
export interface FrameProgram {
  readonly name: string;
  readonly live: boolean;
  readonly command: string;
  /** Handed over as they are; no shell is involved. */
  readonly args: readonly string[];
  /** 3 where the program chats on its standard output. */
  readonly framesFd: 1 | 3;
  readonly width: number;
  readonly height: number;
  readonly debianPackage: string;
  /** What to do when it fails. */
  readonly remedy: string;
  /** Looks whether it can work at all; throws a UsherError that tells more than the program's own complaint would. */
  check?(): Promise<void>;
}

const STDERR_TAIL_CHARS = 2000;

/**
 * Runs a frame program as a camera. At most one process lives at a time: an opening waits for the process before it to be
 * gone, since two readers of one device only get in each other's way.
 */
export class FrameProcess implements CameraSource {
  private gone: Promise<void> = Promise.resolve();

  /** @param killAfterMs time between SIGTERM and SIGKILL; a stopped or hung program ignores the first. */
  constructor(
    private readonly program: FrameProgram,
    private readonly killAfterMs = 1500,
  ) {}

  get name(): string {
    return this.program.name;
  }

  get live(): boolean {
    return this.program.live;
  }

  open(): Observable<LentFrame> {
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

  private run(subscriber: Subscriber<LentFrame>): void {
    const { command, args, framesFd, width, height } = this.program;
    const child = spawn(command, args, {
      stdio: ['ignore', framesFd === 1 ? 'pipe' : 'ignore', 'pipe', framesFd === 3 ? 'pipe' : 'ignore'],
    });
    const assembler = new FrameAssembler(width, height, Date.now);
    let complaint = '';
    let closing: NodeJS.Timeout | undefined;

    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-STDERR_TAIL_CHARS);
    });
    const frames = child.stdio[framesFd] as Readable | null;
    frames?.on('data', (chunk: Buffer) => {
      assembler.push(chunk, (frame) => {
        subscriber.next(frame);
      });
    });
    // A pipe that breaks when the process is killed is not news.
    frames?.on('error', () => undefined);

    this.gone = new Promise((resolve) => {
      child.on('error', (error) => {
        subscriber.error(this.notStarted(error));
        resolve();
      });
      child.on('close', (code, signal) => {
        clearTimeout(closing);
        const fault = this.faultAtEnd(code, signal, assembler, complaint);
        if (fault === null) subscriber.complete();
        else subscriber.error(fault);
        resolve();
      });
    });

    subscriber.add(() => {
      if (!isAlive(child)) return;
      frames?.destroy();
      child.kill('SIGTERM');
      closing = setTimeout(() => child.kill('SIGKILL'), this.killAfterMs);
    });
  }

  private notStarted(error: Error): UsherError {
    const { command, debianPackage } = this.program;
    return systemCode(error) === 'ENOENT'
      ? new UsherError('dependency-missing', `${command} is not installed; camera ${this.name} needs it`, {
          remedy: `Install the Debian package: apt-get install ${debianPackage}`,
          cause: error,
        })
      : new UsherError('camera-failed', `${command} could not be started for ${this.name}: ${error.message}`, {
          remedy: `Check that this user may run ${command}.`,
          cause: error,
        });
  }

  private faultAtEnd(
    code: number | null,
    signal: NodeJS.Signals | null,
    assembler: FrameAssembler,
    complaint: string,
  ): UsherError | null {
    const { command, remedy } = this.program;
    const fail = (what: string): UsherError => {
      const tail = withoutCredentials(complaint).trim();
      return new UsherError('camera-failed', `${this.name}: ${what}${tail === '' ? '' : `\n${tail}`}`, { remedy });
    };
    if (signal !== null) return fail(`${command} was killed by ${signal}`);
    if (code !== 0) return fail(`${command} failed with exit code ${code ?? 'unknown'}`);
    if (assembler.frames === 0) return fail(`${command} ended without a single frame`);
    if (assembler.pendingBytes > 0)
      return fail(
        `the stream ended ${assembler.pendingBytes} bytes into a frame; frame size or format is not as agreed`,
      );
    return null;
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}
