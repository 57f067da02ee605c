import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UsherError, messageOf } from '../../errors';
import { type Box } from '../../events';
import { encodeJpeg } from '../../vision/picture/picture';
import { SCRIPT, type Visit, choreograph } from './choreography';
import { openClip } from './clip-writer';
import { drawEntrance } from './entrance';
import { type Light, cutOut } from './figure';
import { type Portrait, enrolmentStill, ownMember, sampleMember, sampleStranger } from './people';
import { seededRandom } from '../../random';
import { drift } from './noise';
import { type Appearance, render, sensorNoise } from './renderer';

export interface RecordingOptions {
  /** Folder for the clip and the still; created if missing. */
  readonly folder: string;
  /**
   * The user's own picture for the part of the member: its file, and the face's detection box in the upright picture.
   */
  readonly face?: { readonly path: string; readonly box: Box };
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
  readonly seed?: number;
  /** Called after each frame with the share done, 0..1. */
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal;
}

export interface Recording {
  readonly clip: string;
  readonly enrolmentStill: string;
  readonly durationS: number;
  /** When each of the two has the whole face in the picture, seconds from the start. */
  readonly stranger: Visit;
  readonly member: Visit;
}

/** Cool and dim for one, warm and from the side for the other; neither as in their pictures. */
const STRANGER_LIGHT: Light = { gain: [0.94, 0.97, 1.02], gamma: 1.08, slope: -0.1 };
const MEMBER_LIGHT: Light = { gain: [1.0, 0.93, 0.84], gamma: 1.1, slope: 0.14 };

/** Standard deviation of the sensor's noise, of 255. */
const NOISE = 3.6;
const SHUTTER_S = 1 / 40;

/**
 * Makes the demo's recording: an entrance, a stranger who walks up and leaves, then the member. The member's frames
 * come from the same picture as the enrolment still, with another crop, size, light, noise, blur and motion. The demo
 * therefore shows the way from camera to unlock, but says nothing about accuracy (`usher eval faces` does). The same
 * options give the same frames. Takes a few seconds.
 * @throws UsherError `file-unreadable`, `picture-invalid`, `face-unsuitable` (the user's own picture),
 * `dependency-missing` (ffmpeg), `store-unavailable` (the folder), `cancelled`
 */
export async function makeRecording(options: RecordingOptions): Promise<Recording> {
  const { folder, face, width = 1280, height = 720, fps = 15, seed = 20, onProgress, signal } = options;
  const memberPortrait = face === undefined ? await sampleMember() : await ownMember(face.path, face.box);
  const strangerPortrait = await sampleStranger();
  const still = await writeStill(folder, memberPortrait);

  const random = seededRandom(seed).next;
  const entrance = drawEntrance(width, height, seed);
  const noise = sensorNoise(2 ** 17, NOISE, random);
  const appearanceAt = castOf(strangerPortrait, memberPortrait, { width, height, random });
  const [shakeX, shakeY, lamp] = [drift(random, 0.7), drift(random, 0.9), drift(random, 0.15)];

  const clip = path.join(folder, 'entrance.mp4');
  const writer = openClip(clip, width, height, fps);
  // Renders one frame while the previous one is written to ffmpeg.
  const buffers = [0, 1].map(() => ({ width, height, data: new Uint8Array(width * height * 3) }));
  const frames = Math.round(SCRIPT.durationS * fps);
  let underway: Promise<void> = Promise.resolve();
  try {
    for (let i = 0; i < frames; i++) {
      if (signal?.aborted === true) throw new UsherError('cancelled', 'the recording was cancelled');
      const frame = buffers[i % 2];
      if (frame === undefined) break;
      const seconds = i / fps;
      const exposure = {
        shakeX: Math.round(entrance.margin * 0.3 * shakeX(seconds)),
        shakeY: Math.round(entrance.margin * 0.2 * shakeY(seconds)),
        gain: 1 + 0.07 * lamp(seconds),
        noiseSeed: Math.floor(random() * 2 ** 24),
      };
      render(frame, entrance, appearanceAt(seconds), exposure, noise);
      await underway;
      underway = writer.write(frame.data);
      // Awaited in the next iteration; a failure before that must not count as unhandled.
      underway.catch(() => undefined);
      onProgress?.((i + 1) / frames);
    }
    await underway;
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  return { clip, enrolmentStill: still, durationS: SCRIPT.durationS, stranger: SCRIPT.stranger, member: SCRIPT.member };
}

/** Who is in the picture at a time, in seconds, and how; null if no one is. */
function castOf(
  stranger: Portrait,
  member: Portrait,
  { width, height, random }: { readonly width: number; readonly height: number; readonly random: () => number },
): (seconds: number) => Appearance | null {
  const cast = [
    {
      figure: cutOut(stranger, STRANGER_LIGHT),
      poseAt: choreograph(SCRIPT.stranger, width, height, random),
    },
    { figure: cutOut(member, MEMBER_LIGHT), poseAt: choreograph(SCRIPT.member, width, height, random) },
  ];
  return (seconds) => {
    for (const { figure, poseAt } of cast) {
      const pose = poseAt(seconds);
      if (pose === null) continue;
      const before = poseAt(seconds - SHUTTER_S) ?? pose;
      return { figure, pose, blurX: pose.faceX - before.faceX, blurY: pose.faceY - before.faceY };
    }
    return null;
  };
}

async function writeStill(folder: string, portrait: Portrait): Promise<string> {
  const file = path.join(folder, 'member.jpg');
  const bytes = await encodeJpeg(enrolmentStill(portrait));
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(file, bytes);
  } catch (error) {
    throw new UsherError('store-unavailable', `${file} could not be written: ${messageOf(error)}`, {
      remedy: 'Name a folder that this user may write to, with 50 MB of free space.',
      cause: error,
    });
  }
  return file;
}
