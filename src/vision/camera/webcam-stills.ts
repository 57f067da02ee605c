import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { create, type Webcam } from 'node-webcam';
import { Observable } from 'rxjs';
import { UsherError, messageOf } from '../../errors';
import { monotonicMs } from '../../system/clock';
import { type Frame } from '../picture/frame';
import { readPicture } from '../picture/picture';
import { type CameraSource, type LentFrame } from './source';

export interface StillsOptions {
  readonly device: string;
  readonly width: number;
  readonly height: number;
  readonly intervalMs: number;
  readonly latencyMs: number;
}

/** Pictures that the camera throws away first: its exposure has not settled, and a dark still enrols badly. */
const SKIPPED_PICTURES = 5;
/** node-webcam keeps no hold of the process that it starts, so the time limit is put in front of the program. */
const PROGRAM = 'timeout --kill-after=2 20 fswebcam';

/**
 * Stills from a V4L2 camera by node-webcam (which runs fswebcam): for enrolment, and for cameras that need a picture
 * only now and then. The device is opened for each picture, which takes about a second; for streams use ffmpeg.
 * node-webcam 0.8.2 builds one shell string, so each option is checked here again. Pictures go through a file in a
 * private folder, since its in-memory capture returns what the program wrote to stderr.
 */
export class WebcamStills implements CameraSource {
  readonly name: string;
  readonly live = true;
  /** Settles when the capture before is over: the device opens once. */
  private gone: Promise<void> = Promise.resolve();

  constructor(
    private readonly options: StillsOptions,
    private readonly hardware = { isCamera: isCharacterDevice, program: PROGRAM },
  ) {
    this.name = options.device;
  }

  open(): Observable<LentFrame> {
    return new Observable((subscriber) => {
      const abort = new AbortController();
      subscriber.add(() => {
        abort.abort();
      });
      const run = this.gone.then(() =>
        this.shoot((frame) => {
          subscriber.next(frame);
        }, abort.signal),
      );
      this.gone = run.catch((error: unknown) => {
        if (!abort.signal.aborted) subscriber.error(error);
      });
    });
  }

  private async shoot(emit: (frame: LentFrame) => void, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const webcam = createWebcam(this.options, this.hardware.program);
    const folder = await mkdtemp(path.join(tmpdir(), 'usher-stills-'));
    try {
      for (let seq = 0; ; seq++) {
        const started = monotonicMs();
        const frame = await this.still(webcam, path.join(folder, 'still.jpg'));
        signal.throwIfAborted();
        // When in that time the picture was taken is fswebcam's secret; its start is what is safe to say.
        const mono = started - this.options.latencyMs;
        emit({ ...frame, seq, at: Date.now(), mono, release: () => undefined });
        await sleep(Math.max(0, started + this.options.intervalMs - monotonicMs()), undefined, { signal });
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  private async still(webcam: Webcam, file: string): Promise<Frame> {
    if (!(await this.hardware.isCamera(this.options.device))) throw this.failed('there is no such camera');
    try {
      const failure = await new Promise<unknown>((resolve) => {
        webcam.capture(file, resolve);
      });
      if (failure !== null && failure !== undefined) throw this.explain(failure);
      return await readPicture(file, { name: `the still of ${this.name}` });
    } catch (error) {
      // fswebcam ends with exit code 0 and without a picture when the camera does not deliver.
      if (!(error instanceof UsherError) || error.code === 'file-unreadable')
        throw this.failed('it gave no picture', error);
      throw error.code === 'picture-invalid' ? this.failed(error.message, error) : error;
    } finally {
      // A picture of a person does not stay behind.
      await rm(file, { force: true });
    }
  }

  /** node-webcam passes on the result of `exec`, or an error of its own. */
  private explain(failure: unknown): UsherError {
    const { code, message } = Object(failure) as { code?: unknown; message?: unknown };
    if (code === 127)
      return new UsherError('dependency-missing', `fswebcam is not installed; camera ${this.name} needs it`, {
        remedy: 'Install the Debian package: apt-get install fswebcam',
        cause: failure,
      });
    const timedOut = code === 124 || code === 137;
    return this.failed(
      timedOut ? 'no answer within 20 s' : (typeof message === 'string' ? message : messageOf(failure)).trim(),
      failure,
    );
  }

  private failed(what: string, cause?: unknown): UsherError {
    return new UsherError('camera-failed', `${this.name}: ${what}`, {
      remedy:
        'Check that the camera is plugged in, that no other program uses it, and that this user is in the group "video".',
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/**
 * @throws UsherError `config-invalid` for anything but a plain device name and whole numbers. Attack stopped: a shell command
 *   in the place of an option.
 */
function createWebcam({ device, width, height }: StillsOptions, program: string): Webcam {
  const refuse = (key: string, value: unknown): never => {
    throw new UsherError('config-invalid', `camera ${key}: ${JSON.stringify(value)} is not allowed`, {
      remedy: 'device is /dev/video and a number; width and height are whole numbers from 64 to 3840.',
    });
  };
  if (!/^\/dev\/video\d{1,3}$/.test(device)) refuse('device', device);
  for (const [key, value] of Object.entries({ width, height }))
    if (!Number.isInteger(value) || value < 64 || value > 3840) refuse(key, value);

  const webcam = create(
    {
      device,
      width,
      height,
      quality: 95,
      output: 'jpeg',
      skip: SKIPPED_PICTURES,
      callbackReturn: 'location',
      saveShots: false,
      verbose: false,
    },
    'fswebcam',
  );
  webcam.bin = program;
  return webcam;
}

async function isCharacterDevice(path: string): Promise<boolean> {
  const about = await stat(path).catch(() => null);
  return about?.isCharacterDevice() === true;
}
