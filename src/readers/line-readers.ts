import { concatMap, defer, from, mergeMap, Observable } from 'rxjs';
import type { Readable } from 'node:stream';
import { LineSplitter, parseLine } from './lines';
import { type ReadingProgram, runOnce, runReading } from './program';
import { type LineFault, LISTENING, type LocalSwipe, readerFailed, type SwipeSource } from './source';

type Read = LocalSwipe | LineFault | typeof LISTENING;

const STTY_MS = 3000;

/**
 * A reader on a serial port: `stty` sets up the line (8N1, raw, no echo, no modem lines), `cat` reads it. `-hupcl`
 * prevents that Arduino-like boards are reset between the two.
 */
export class SerialReader implements SwipeSource {
  readonly name: string;

  constructor(private readonly options: { readonly device: string; readonly baud: number }) {
    this.name = options.device;
  }

  open(): Observable<Read> {
    const { device, baud } = this.options;
    const program = (...argv: [string, ...string[]]): ReadingProgram => ({
      argv,
      about: `reader ${device}`,
      remedy:
        'Check that it is plugged in, that no other program uses it, and that this user is in the group "dialout".',
      debianPackage: 'coreutils',
    });
    const modes = ['raw', '-echo', 'cs8', '-parenb', '-cstopb', 'clocal', '-hupcl', '-crtscts'];
    return defer(() => from(runOnce(program('stty', '-F', device, String(baud), ...modes), STTY_MS))).pipe(
      mergeMap(() => linesOf(runReading(program('cat', '--', device)))),
    );
  }
}

/** Any program that writes lines: a vendor's tool or a small script. */
export class CommandReader implements SwipeSource {
  readonly name: string;

  constructor(private readonly argv: readonly [string, ...string[]]) {
    [this.name] = argv;
  }

  open(): Observable<Read> {
    return linesOf(
      runReading({
        argv: this.argv,
        about: `reader program ${this.name}`,
        remedy: 'Run it by hand: it must keep running and write one line for each card.',
        debianPackage: '',
      }),
    );
  }
}

/** Lines on a stream that is already open: the daemon's standard input. It ends once and cannot be opened again. */
export class StreamReader implements SwipeSource {
  constructor(
    readonly name: string,
    private readonly stream: Readable,
  ) {}

  open(): Observable<Read> {
    return linesOf(
      new Observable<Buffer | typeof LISTENING>((subscriber) => {
        const { stream } = this;
        const gone = (error?: Error): void =>
          subscriber.error(
            readerFailed(`${this.name}: its input ended`, 'Start usher again with an open standard input.', error),
          );
        if (stream.readableEnded || stream.destroyed) return gone();
        const hear = (bytes: Buffer): void => subscriber.next(bytes);
        const ended = (): void => gone();
        // An earlier subscriber paused it.
        stream.on('data', hear).on('end', ended).on('error', gone).resume();
        subscriber.next(LISTENING);
        return () => {
          stream.off('data', hear).off('end', ended).off('error', gone).pause();
        };
      }),
    );
  }
}

function linesOf(bytes: Observable<Buffer | typeof LISTENING>): Observable<Read> {
  const splitter = new LineSplitter();
  return bytes.pipe(
    concatMap((chunk) => {
      if (chunk === LISTENING) return [LISTENING] as Read[];
      const said: Read[] = [];
      splitter.push(chunk, (line) => said.push(parseLine(line)));
      return said;
    }),
  );
}
