import { type Readable } from 'node:stream';
import { Observable } from 'rxjs';
import { UsherError } from '../../errors';
import { SampleAssembler } from './sample-assembler';
import { type LentSound, type MicrophoneSource } from './sound';

/** Raw samples (16-bit little-endian, 16 kHz, mono) on standard input, or from the running model's child. There is one of it: its end is the end. */
export class RawInput implements MicrophoneSource {
  readonly live = false;

  constructor(
    private readonly input: Readable,
    readonly name = 'standard input',
  ) {}

  open(): Observable<LentSound> {
    return new Observable((subscriber) => {
      const { input } = this;
      if (input.readableEnded || input.destroyed) {
        subscriber.complete();
        return;
      }
      const assembler = new SampleAssembler('s16le');
      assembler.whenRoom = () => void input.resume();
      const emit = (sound: LentSound): void => subscriber.next(sound);
      const data = (chunk: Buffer): void => {
        assembler.push(chunk, emit);
        if (assembler.full) input.pause();
      };
      const fail = (what: string): void =>
        subscriber.error(
          new UsherError('microphone-failed', `${this.name}: ${what}`, {
            remedy: 'Write raw samples to it: arecord -t raw -f S16_LE -r 16000 -c 1 | usher run …',
          }),
        );
      const end = (): void => {
        assembler.flush(emit);
        const fault = assembler.faultAtEnd('what writes to it');
        if (fault === null) subscriber.complete();
        else fail(fault);
      };
      const broken = (error: Error): void => fail(error.message);
      input.on('data', data).once('end', end).once('error', broken);
      subscriber.add(() => {
        input.off('data', data).off('end', end).off('error', broken).pause();
      });
    });
  }
}
