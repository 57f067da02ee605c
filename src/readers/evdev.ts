import { concatMap, type Observable } from 'rxjs';
import { EvdevDecoder, EVTEST_TAKEN, evtestKey } from './evdev-events';
import { LineSplitter } from './lines';
import { type ReadingProgram, runReading } from './program';
import { type LineFault, LISTENING, type LocalSwipe, readerFailed, type SwipeSource } from './source';
import { type KeyEvent, KeystrokeDecoder } from './typist';

export interface EvdevOptions {
  readonly device: string;
  readonly grab: boolean;
  readonly keyGapMs: number;
  /** Name or path of evtest, which grabs the device. */
  readonly evtest?: string;
}

type Read = LocalSwipe | LineFault | typeof LISTENING;

const REMEDY =
  'Check that the reader is plugged in (ls -l /dev/input/by-id) and that this user is in the group "input".';

/**
 * A reader that types like a keyboard, read from the kernel's input device, so that it needs no desktop and no focus.
 * Without a grab its keys also go to the keyboard's owner, above all the login prompt of the console. A grab is one
 * ioctl (EVIOCGRAB), which Node cannot call without native code, and no udev rule replaces it (`LIBINPUT_IGNORE_DEVICE`
 * affects a desktop, not the console). So `grab` runs evtest, a small Debian package that grabs the device, and parses
 * its output.
 */
export class EvdevReader implements SwipeSource {
  readonly name: string;

  constructor(private readonly options: EvdevOptions) {
    this.name = options.device;
  }

  open(): Observable<Read> {
    return this.options.grab ? this.openGrabbed() : this.openPlain();
  }

  private openPlain(): Observable<Read> {
    const decoder = new EvdevDecoder();
    const keystrokes = new KeystrokeDecoder(this.options.keyGapMs);
    return runReading(this.program('coreutils', 'cat', '--', this.name)).pipe(
      concatMap((bytes) => {
        if (bytes === LISTENING) return [LISTENING] as Read[];
        const keys: KeyEvent[] = [];
        decoder.push(bytes, (key) => keys.push(key));
        return typed(keystrokes, keys);
      }),
    );
  }

  private openGrabbed(): Observable<Read> {
    const lines = new LineSplitter();
    const keystrokes = new KeystrokeDecoder(this.options.keyGapMs);
    return runReading(this.program('evtest', this.options.evtest ?? 'evtest', '--grab', this.name)).pipe(
      concatMap((bytes) => {
        const said: Read[] = [];
        if (bytes === LISTENING) return said;
        lines.push(bytes, (line) => {
          if (line === null) return;
          if (line === EVTEST_TAKEN) throw this.heldByAnother();
          // Until this line evtest only describes the device.
          if (line.startsWith('Testing ...')) said.push(LISTENING);
          const key = evtestKey(line);
          if (key !== null) said.push(...typed(keystrokes, [key]));
        });
        return said;
      }),
    );
  }

  private program(debianPackage: string, ...argv: [string, ...string[]]): ReadingProgram {
    return { argv, about: `reader ${this.name}`, remedy: REMEDY, debianPackage };
  }

  private heldByAnother(): Error {
    return readerFailed(
      `reader ${this.name}: another program has grabbed the device`,
      `Find the program with: fuser -v ${this.name}`,
    );
  }
}

function typed(keystrokes: KeystrokeDecoder, keys: readonly KeyEvent[]): (LocalSwipe | LineFault)[] {
  return keys.map((key) => keystrokes.key(key)).filter((said) => said !== null);
}
