import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsherError } from '../../../errors';
import { mixRecording } from '../../../sources/channels';
import { RATE_HZ } from './rate';
import { runProgram } from './run-program';

/** A longer recording is used as far as this; an hour of it is 115 MB. */
const MAX_SECONDS = 3600;
const TIMEOUT_MS = 300_000;
/** A recording whose mean of all channels is quieter than this (root mean square, -45 dB) is looked at channel by channel. */
const QUIET_RMS = 184;
/** Starting ffmpeg costs more than decoding three seconds does. */
const BATCH = 40;

/**
 * Reads sound files of any kind that ffmpeg knows, mixed to one channel at 16 kHz. Of a stereo recording whose channels cancel each
 * other the louder one is taken.
 * @returns 16-bit samples of each; the same for the same sound in another lossless container
 * @throws UsherError `dependency-missing` without ffmpeg, `data-invalid` naming the first file that holds no readable sound
 */
export async function decodeSounds(
  files: readonly string[],
  onProgress?: (share: number) => void,
): Promise<Int16Array[]> {
  const folder = await mkdtemp(join(tmpdir(), 'usher-decode-'));
  try {
    const decoded: Int16Array[] = [];
    for (let i = 0; i < files.length; i += BATCH) {
      decoded.push(...(await decodeBatch(files.slice(i, i + BATCH), folder)));
      onProgress?.(decoded.length / files.length);
    }
    return decoded;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function decodeBatch(files: readonly string[], folder: string): Promise<Int16Array[]> {
  try {
    return await decodeTogether(files, folder);
  } catch (error) {
    if (!(error instanceof UsherError) || error.code !== 'data-invalid') throw error;
    const [file] = files;
    if (file !== undefined && files.length === 1)
      throw new UsherError('data-invalid', `${file} cannot be read as sound: ${error.message}`, {
        remedy: 'Leave it out, or record it again as WAV or FLAC.',
        cause: error,
      });
    // One of them is at fault: one at a time tells which.
    const alone: Int16Array[] = [];
    for (const one of files) alone.push(...(await decodeBatch([one], folder)));
    return alone;
  }
}

async function decodeTogether(files: readonly string[], folder: string): Promise<Int16Array[]> {
  const mono = await readTogether(files, folder, 1);
  const quiet = mono.flatMap((samples, i) => (rms(samples) < QUIET_RMS ? [i] : []));
  if (quiet.length === 0) return mono;
  const stereo = await readTogether(
    quiet.map((i) => files[i] as string),
    folder,
    2,
  );
  quiet.forEach((i, at) => {
    const mixed = mixRecording(Float32Array.from(stereo[at] as Int16Array, (value) => value / 32_768));
    const whole = Int16Array.from(mixed, (value) => Math.round(value * 32_768));
    // ffmpeg lowers a mono file by 3 dB when it makes two channels of it.
    if (rms(whole) > 2 * rms(mono[i] as Int16Array)) mono[i] = whole;
  });
  return mono;
}

function rms(samples: Int16Array): number {
  let squares = 0;
  for (const value of samples) squares += value * value;
  return Math.sqrt(squares / samples.length);
}

async function readTogether(files: readonly string[], folder: string, channels: 1 | 2): Promise<Int16Array[]> {
  const outputs = files.map((_, i) => join(folder, `${i}.raw`));
  const inputs = files.flatMap((file) => ['-t', String(MAX_SECONDS), '-i', `file:${file}`]);
  const format = ['-ac', String(channels), '-ar', String(RATE_HZ), '-f', 's16le', '-bitexact'];
  const maps = outputs.flatMap((output, i) => ['-map', `${i}:a:0`, ...format, `file:${output}`]);
  await runProgram({
    command: 'ffmpeg',
    args: ['-nostdin', '-y', '-v', 'error', '-xerror', '-threads', '1', ...inputs, ...maps],
    debianPackage: 'ffmpeg',
    maxBytes: 2 ** 20,
    timeoutMs: TIMEOUT_MS,
  });
  return Promise.all(
    outputs.map(async (output, i) => {
      const samples = pcm16(await readFile(output));
      if (samples.length === 0)
        throw new UsherError('data-invalid', `${files[i] ?? ''} holds no sound`, {
          remedy: 'Leave the empty file out.',
        });
      return samples;
    }),
  );
}

/** Little-endian 16-bit samples as numbers; an odd byte at the end is left out. */
export function pcm16(bytes: Buffer): Int16Array {
  const samples = new Int16Array(bytes.length >> 1);
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(2 * i);
  return samples;
}
