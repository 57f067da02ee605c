import path from 'node:path';
import { UsherError } from '../../errors';
import { type Box } from '../../events';
import { type Frame, type Point } from '../../vision/picture/frame';
import { readPicture } from '../../vision/picture/picture';

/** A picture of one person who plays a part, and where that person's face is, in pixels. */
export interface Portrait {
  readonly name: string;
  readonly picture: Frame;
  readonly face: Box;
  /** The person's outline in pixels, if known. */
  readonly outline: readonly Point[] | null;
  /** How far each pixel of the picture belongs to the person, 0..1, if known instead. */
  readonly matte?: Float32Array;
}

/** A person in one of the pictures of @vladmandic/face-api (MIT), as fractions of the picture. */
interface SamplePerson {
  readonly file: string;
  /** Forehead to chin. */
  readonly face: Box;
  /** Traced by hand, clockwise. It continues below the picture's edge. */
  readonly outline: readonly (readonly [number, number])[];
}

/**
 * Both look into the camera, upright and sharp, about 200 px wide. They are two people, and neither is in the other's
 * picture.
 */
const SAMPLE_MEMBER: SamplePerson = {
  file: 'sample6.jpg',
  face: { x: 0.137, y: 0.305, width: 0.11, height: 0.195 },
  outline: [
    ...([
      [0.083, 0.535],
      [0.088, 0.48],
      [0.086, 0.42],
      [0.089, 0.34],
      [0.102, 0.29],
      [0.125, 0.257],
    ] as const),
    ...([
      [0.155, 0.246],
      [0.19, 0.252],
      [0.222, 0.275],
      [0.247, 0.312],
      [0.268, 0.365],
      [0.283, 0.41],
    ] as const),
    ...([
      [0.295, 0.46],
      [0.315, 0.5],
      [0.335, 0.56],
      [0.342, 0.63],
      [0.337, 0.72],
      [0.35, 0.82],
      [0.38, 1.2],
    ] as const),
    ...([
      [0.15, 1.2],
      [0.145, 0.93],
      [0.12, 0.86],
      [0.095, 0.76],
      [0.081, 0.66],
      [0.085, 0.59],
    ] as const),
  ],
};
const SAMPLE_STRANGER: SamplePerson = {
  file: 'sample3.jpg',
  face: { x: 0.562, y: 0.155, width: 0.106, height: 0.215 },
  outline: [
    ...([
      [0.556, 0.25],
      [0.563, 0.2],
      [0.575, 0.158],
      [0.596, 0.122],
      [0.625, 0.103],
      [0.66, 0.104],
    ] as const),
    ...([
      [0.69, 0.128],
      [0.708, 0.17],
      [0.716, 0.25],
      [0.71, 0.34],
      [0.7, 0.4],
      [0.712, 0.45],
      [0.733, 0.55],
    ] as const),
    ...([
      [0.745, 0.7],
      [0.745, 1.2],
      [0.48, 1.2],
      [0.484, 0.6],
      [0.488, 0.48],
      [0.498, 0.415],
      [0.522, 0.376],
    ] as const),
    ...([
      [0.572, 0.374],
      [0.58, 0.366],
      [0.569, 0.335],
      [0.559, 0.295],
    ] as const),
  ],
};

const MIN_FACE_PX = 60;

export async function sampleMember(): Promise<Portrait> {
  return sample(SAMPLE_MEMBER, 'the member');
}

export async function sampleStranger(): Promise<Portrait> {
  return sample(SAMPLE_STRANGER, 'the stranger');
}

/**
 * The user's own picture for the part of the member.
 * @param box the face's detection box in pixels of the upright picture
 * @throws UsherError `file-unreadable`, `picture-invalid`, or `face-unsuitable` if the face is small or not in the
 * picture
 */
export async function ownMember(file: string, box: Box): Promise<Portrait> {
  const picture = await readPicture(file);
  const inside =
    box.x + box.width / 2 > 0 &&
    box.y + box.height / 2 > 0 &&
    box.x + box.width / 2 < picture.width &&
    box.y + box.height / 2 < picture.height;
  if (!inside || !(box.width >= MIN_FACE_PX))
    throw new UsherError(
      'face-unsuitable',
      `${file}: the face is ${inside ? `${Math.round(box.width)} px wide` : 'outside the picture'}`,
      { remedy: `Use a picture with one frontal face that is at least ${MIN_FACE_PX} px wide.` },
    );
  return { name: file, picture, face: box, outline: null };
}

async function sample({ file, face, outline }: SamplePerson, name: string): Promise<Portrait> {
  const picture = await readPicture(path.join(samplesFolder(), file));
  const { width, height } = picture;
  const box = { x: face.x * width, y: face.y * height, width: face.width * width, height: face.height * height };
  return { name, picture, face: box, outline: outline.map(([x, y]) => ({ x: x * width, y: y * height })) };
}

function samplesFolder(): string {
  try {
    return path.join(path.dirname(require.resolve('@vladmandic/face-api/package.json')), 'demo');
  } catch (error) {
    throw new UsherError('dependency-missing', 'the npm package @vladmandic/face-api is not installed', {
      remedy: 'Run npm ci in usher’s folder, or give your own picture with --face.',
      cause: error,
    });
  }
}

/** Crops the picture as an enrolment desk would: head and shoulders, at the picture's own resolution and light. */
export function enrolmentStill({ picture, face }: Portrait): Frame {
  const x0 = Math.max(0, Math.round(face.x + face.width / 2 - 1.2 * face.width));
  const x1 = Math.min(picture.width, Math.round(face.x + face.width / 2 + 1.2 * face.width));
  const y0 = Math.max(0, Math.round(face.y - 0.6 * face.height));
  const y1 = Math.min(picture.height, Math.round(face.y + 1.7 * face.height));
  const [width, height] = [x1 - x0, y1 - y0];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((y0 + y) * picture.width + x0) * 3;
    data.set(picture.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { width, height, data };
}
