import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Observable } from 'rxjs';
import { UsherError, messageOf } from '../../errors';
import { monotonicMs } from '../../system/clock';
import { type Frame } from '../picture/frame';
import { readPicture } from '../picture/picture';
import { type CameraLog, type CameraSource, type LentFrame } from './source';

const PICTURE = /\.(jpe?g|png|webp|tiff?|gif|avif)$/i;

export interface FolderOptions {
  readonly path: string;
  readonly fps: number;
  readonly loop: boolean;
  readonly latencyMs: number;
}

/**
 * Replays the pictures of a folder in name order (numbers by value: 9 before 10) at `fps`, each at its own size. None is
 * left out for lack of time: where decoding is slower than fps, the replay is. A picture that cannot be read is skipped,
 * counted and reported; a folder without one good picture is an error.
 */
export class FolderSource implements CameraSource {
  readonly name: string;
  readonly live: boolean;

  constructor(
    private readonly options: FolderOptions,
    private readonly log: CameraLog,
  ) {
    this.name = options.path;
    this.live = options.loop;
  }

  open(): Observable<LentFrame> {
    return new Observable((subscriber) => {
      const abort = new AbortController();
      subscriber.add(() => {
        abort.abort();
      });
      this.replay((frame) => {
        subscriber.next(frame);
      }, abort.signal).then(
        () => {
          subscriber.complete();
        },
        (error: unknown) => {
          if (!abort.signal.aborted) subscriber.error(error);
        },
      );
    });
  }

  private async replay(emit: (frame: LentFrame) => void, signal: AbortSignal): Promise<void> {
    const files = await this.pictures();
    const intervalMs = 1000 / this.options.fps;
    let due = performance.now();
    let seq = 0;
    const skipped = new Set<string>();
    do {
      const before = seq;
      for (const file of files) {
        const frame = await this.read(file, skipped);
        if (frame === null) continue;
        const wait = due - performance.now();
        if (wait > 0) await sleep(wait, undefined, { signal });
        if (signal.aborted) return;
        due = Math.max(due, performance.now() - intervalMs) + intervalMs;
        const mono = monotonicMs() - this.options.latencyMs;
        emit({ ...frame, seq: seq++, at: Date.now(), mono, release: () => undefined });
      }
      if (seq === before) throw this.failed(`none of its ${files.length} pictures can be read`);
    } while (this.options.loop && !signal.aborted);
  }

  private async pictures(): Promise<string[]> {
    const entries = await readdir(this.options.path).catch((error: unknown) => {
      throw this.failed(messageOf(error), error);
    });
    const files = entries.filter((name) => PICTURE.test(name));
    if (files.length === 0) throw this.failed('has no pictures (jpg, png, webp, tiff, gif, avif)');
    return files.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  }

  /**
   * @param skipped files that were already reported: a loop reads them again several times a second, and the log would
   * fill the disk
   */
  private async read(file: string, skipped: Set<string>): Promise<Frame | null> {
    try {
      return await readPicture(path.join(this.options.path, file));
    } catch (error) {
      if (!skipped.has(file)) {
        skipped.add(file);
        this.log.warn(`skipped: ${messageOf(error)}`);
        this.log.warn(`${this.name}: ${skipped.size} pictures skipped so far`);
      }
      return null;
    }
  }

  private failed(what: string, cause?: unknown): UsherError {
    return new UsherError('camera-failed', `folder ${this.name}: ${what}`, {
      remedy: 'Name a folder of pictures that this user may read.',
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
