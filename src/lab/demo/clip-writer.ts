import { spawn } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import { UsherError, systemCode } from '../../errors';

export interface ClipWriter {
  /** Resolves when `data` (rgb24) may be overwritten. */
  write(data: Uint8Array): Promise<void>;
  /** Resolves when the clip is complete under its name. */
  finish(): Promise<void>;
  /** Ends without a clip. */
  abandon(): Promise<void>;
}

/** Encodes raw frames to an MP4 with ffmpeg. MPEG-4 part 2, because every build of ffmpeg can write it, and fast. */
export function openClip(file: string, width: number, height: number, fps: number): ClipWriter {
  const partial = `${file}.part.mp4`;
  const child = spawn(
    'ffmpeg',
    [
      ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-y'],
      ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', String(fps), '-i', 'pipe:0'],
      ...['-c:v', 'mpeg4', '-q:v', '3', '-g', String(Math.round(fps * 2)), '-pix_fmt', 'yuv420p', '-threads', '1'],
      ...['-bitexact', '-f', 'mp4', `file:${partial}`],
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  );
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-1000);
  });
  // Reported through the exit code.
  child.stdin.on('error', () => undefined);
  const exit = new Promise<UsherError | null>((resolve) => {
    child.on('error', (error) => {
      resolve(notStarted(error));
    });
    child.on('close', (code) => {
      resolve(code === 0 ? null : notWritten(file, complaint));
    });
  });

  return {
    async write(data) {
      const written = new Promise<Error | null>((resolve) => {
        child.stdin.write(data, (error) => {
          resolve(error ?? null);
        });
      });
      if ((await written) !== null) throw (await exit) ?? notWritten(file, complaint);
    },
    async finish() {
      child.stdin.end();
      const fault = await exit;
      if (fault !== null) {
        await rm(partial, { force: true });
        throw fault;
      }
      await rename(partial, file);
    },
    async abandon() {
      child.kill('SIGKILL');
      await exit;
      await rm(partial, { force: true });
    },
  };
}

function notStarted(error: Error): UsherError {
  const missing = systemCode(error) === 'ENOENT';
  return new UsherError('dependency-missing', missing ? 'ffmpeg is not installed' : `ffmpeg: ${error.message}`, {
    remedy: 'Install the Debian package: apt-get install ffmpeg',
    cause: error,
  });
}

function notWritten(file: string, complaint: string): UsherError {
  return new UsherError('store-unavailable', `${file} could not be written. ${complaint.trim()}`, {
    remedy: 'Check that the folder can be written to and has 50 MB to spare.',
  });
}
