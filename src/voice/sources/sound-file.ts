import { execFile, spawn } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { catchError, concat, defer, EMPTY, from, type Observable, repeat, switchMap, tap, throwError } from 'rxjs';
import { type MicrophoneSourceConfig } from '../../config/schema/microphones';
import { messageOf, UsherError } from '../../errors';
import { type SourceLog } from '../../sources/source';
import { SourceProcess, type SourceProgram } from '../../sources/source-process';
import { ChannelMixer } from '../../sources/channels';
import { SampleAssembler } from './sample-assembler';
import { type LentSound, type MicrophoneSource, READ_SAMPLES, SOUND_RATE_HZ } from './sound';

export type SoundFileConfig = Extract<MicrophoneSourceConfig, { type: 'file' }>;

const SOUND = /\.(wav|w64|flac|ogg|oga|opus|mp3)$/i;
/** No playlist, no network, nothing that names other files. */
const DEMUXERS = 'wav,w64,flac,ogg,mp3';
const REMEDY = 'Check that it is a sound file that plays: ffprobe <file>';

/** "file:" keeps a colon in a name from being read as a protocol. */
const input = (file: string): string[] => [
  ...['-protocol_whitelist', 'file', '-format_whitelist', DEMUXERS, '-i', `file:${file}`],
];
const PROBE_MS = 10_000;
const run = promisify(execFile);

/** One channel or more. A file that cannot be examined counts as mono: ffmpeg then says what is wrong with it. */
async function isStereo(file: string): Promise<boolean> {
  const wanted = ['-select_streams', 'a:0', '-show_entries', 'stream=channels', '-of', 'csv=p=0'];
  try {
    const { stdout } = await run('ffprobe', ['-v', 'error', ...wanted, ...input(file)], { timeout: PROBE_MS });
    return Number.parseInt(stdout, 10) > 1;
  } catch {
    return false;
  }
}

/** The argument array; whatever goes in, 16 kHz floats of one channel or two come out, 80 ms at a time. */
export function soundFileArguments(
  file: string,
  { loop, realtime }: Pick<SoundFileConfig, 'loop' | 'realtime'>,
  channels: 1 | 2 = 1,
): string[] {
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error'],
    ...(loop ? ['-stream_loop', '-1'] : []),
    ...(realtime ? ['-re'] : []),
    ...input(file),
    ...['-map', '0:a:0', '-vn', '-sn', '-dn', '-ac', String(channels), '-ar', String(SOUND_RATE_HZ)],
    ...['-af', `asetnsamples=n=${READ_SAMPLES}:p=0`, '-f', 'f32le', 'pipe:1'],
  ];
}

function program(
  file: string,
  config: Pick<SoundFileConfig, 'loop' | 'realtime' | 'channel'>,
  stereo: boolean,
  log: SourceLog,
): SourceProgram<LentSound> {
  return {
    name: file,
    live: config.loop,
    command: 'ffmpeg',
    dataFd: 1,
    failure: 'microphone-failed',
    debianPackage: 'ffmpeg',
    remedy: REMEDY,
    spawn: () =>
      spawn('ffmpeg', soundFileArguments(file, config, stereo ? 2 : 1), { stdio: ['ignore', 'pipe', 'pipe'] }),
    assembler: () => new SampleAssembler('f32le', stereo ? new ChannelMixer(config.channel) : null),
    remarks: (text) => log.warn(`${file}: ${text}`),
  };
}

/**
 * A recording instead of a microphone: a file (WAV, FLAC, Opus and Vorbis in Ogg, MP3), or all files of a folder in
 * name order, each as a new recording. In a folder an unplayable file is skipped and reported; if none can be played,
 * that is an error.
 */
export class SoundFile implements MicrophoneSource {
  readonly name: string;
  readonly live: boolean;
  private readonly warned = new Set<string>();

  constructor(
    private readonly config: SoundFileConfig,
    private readonly log: SourceLog,
  ) {
    this.name = config.path;
    this.live = config.loop;
  }

  open(): Observable<LentSound> {
    return defer(() => from(this.examine())).pipe(
      switchMap((files) => (files === null ? this.play(this.config.path, this.config.loop) : this.playAll(files))),
    );
  }

  private play(file: string, loop: boolean): Observable<LentSound> {
    const { realtime, channel } = this.config;
    return defer(() => isStereo(file)).pipe(
      switchMap((stereo) =>
        new SourceProcess(program(file, { loop, realtime, channel }, stereo && channel !== 'mix', this.log)).open(),
      ),
    );
  }

  private playAll(files: readonly string[]): Observable<LentSound> {
    let good = false;
    const note = tap<LentSound>(() => (good = true));
    const one = (file: string): Observable<LentSound> =>
      this.play(path.join(this.config.path, file), false).pipe(
        note,
        catchError((error: unknown) => {
          // Without ffmpeg the next one fares no better.
          if (error instanceof UsherError && error.code === 'dependency-missing') return throwError(() => error);
          if (!this.warned.has(file)) this.log.warn(`skipped: ${messageOf(error)}`);
          this.warned.add(file);
          return EMPTY;
        }),
      );
    const verdict = defer(() =>
      good ? EMPTY : throwError(() => this.failed('none of its sound files can be played')),
    );
    const all = defer(() => concat(...files.map(one), verdict));
    return this.config.loop ? all.pipe(repeat()) : all;
  }

  /** The files of a folder; null for a file that can be opened. */
  private async examine(): Promise<string[] | null> {
    const about = await stat(this.config.path).catch(() => null);
    if (about === null) throw this.failed('does not exist or cannot be reached');
    if (!about.isDirectory()) {
      if (about.isFile() && about.size === 0) throw this.failed('is empty (0 bytes)');
      return null;
    }
    const entries = await readdir(this.config.path).catch((error: unknown) => {
      throw this.failed(messageOf(error));
    });
    const files = entries.filter((name) => SOUND.test(name));
    if (files.length === 0) throw this.failed('has no sound files (wav, w64, flac, ogg, opus, mp3)');
    return files.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  }

  private failed(what: string): UsherError {
    return new UsherError('microphone-failed', `${this.name} ${what}`, { remedy: REMEDY });
  }
}
