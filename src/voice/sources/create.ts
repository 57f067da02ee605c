import { type Readable } from 'node:stream';
import { type MicrophoneConfig } from '../../config/schema/microphones';
import { type SourceLog } from '../../sources/source';
import { SourceProcess } from '../../sources/source-process';
import { RawInput } from './raw-input';
import { recorderProgram } from './recorder';
import { type MicrophoneSource } from './sound';
import { SoundFile } from './sound-file';

/**
 * The configured source. Starts nothing yet.
 * @param stdin called only if the source is standard input
 */
export function createMicrophoneSource(
  { source }: Pick<MicrophoneConfig, 'source'>,
  log: SourceLog,
  stdin: () => Readable,
): MicrophoneSource {
  switch (source.type) {
    case 'arecord':
    case 'rec':
    case 'sox':
      return new SourceProcess(recorderProgram(source));
    case 'file':
      return new SoundFile(source, log);
    case 'stdin':
      return new RawInput(stdin());
  }
}
