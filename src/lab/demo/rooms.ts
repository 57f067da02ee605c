import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { decodeSounds } from '../wake-word/sound/decode';
import { generate } from '../wake-word/sound/generate';
import { activeLevel, mixInto, ratioOf, rms } from '../wake-word/sound/levels';
import { RATE_HZ } from '../wake-word/sound/rate';
import { messageOf, UsherError } from '../../errors';
import { seededRandom } from '../../random';
import { packageRoot } from '../../system/paths';
import { encodeWav } from '../../voice/capture/wav-file';

/** Sound files to repeat for the demo's microphones. */
export interface RoomSounds {
  /** The trigger word, said in the noise of a gym. */
  readonly floor: string;
  /** A similar word in the same noise. */
  readonly corridor: string;
}

const SECONDS = 10;
const SPOKEN_AT = 4 * RATE_HZ;
const NOISE_LEVEL = 0.01;
/** Decibels of the voice above machines, impacts and music. */
const SNR_DB = 10;

/**
 * Makes the sounds of two rooms: a synthetic voice (`device-config/demo`) over generated gym noise. Every call gives
 * the same.
 * @throws UsherError `dependency-missing` (ffmpeg), `store-unavailable` (the folder)
 */
export async function makeRooms(folder: string): Promise<RoomSounds> {
  const voices = path.join(packageRoot(), 'device-config', 'demo');
  const said = await decodeSounds(['computer.flac', 'commuter.flac'].map((name) => path.join(voices, name)));
  const [floor, corridor] = await Promise.all(
    ['floor', 'corridor'].map((room, i) => writeRoom(path.join(folder, `${room}.wav`), said[i] as Int16Array, i)),
  );
  return { floor: floor as string, corridor: corridor as string };
}

async function writeRoom(file: string, said: Int16Array, seed: number): Promise<string> {
  const room = new Float32Array(SECONDS * RATE_HZ);
  generate('gym', room, seededRandom(seed));
  const noise = NOISE_LEVEL / rms(room);
  for (let i = 0; i < room.length; i++) room[i] = noise * (room[i] as number);
  const voice = Float32Array.from(said, (x) => x / 32_768);
  mixInto(room, voice, SPOKEN_AT, (NOISE_LEVEL * ratioOf(SNR_DB)) / activeLevel(voice));
  const samples = Int16Array.from(room, (x) => Math.max(-32_768, Math.min(32_767, Math.round(32_767 * x))));
  try {
    await writeFile(file, encodeWav(samples));
  } catch (error) {
    throw new UsherError('store-unavailable', `${file} could not be written: ${messageOf(error)}`, {
      remedy: 'Name a folder that this user may write to, with 50 MB of free space.',
      cause: error,
    });
  }
  return file;
}
