import type { FaceDataset } from '../data/dataset';
import { doorFrames, EVENING_DOOR, type DoorConditions } from '../data/door-view';
import { centralFace, readAhead } from '../data/encode-pictures';
import { streamSeed } from '../../../random';
import type { FaceAnalyser } from '../../../vision/faces/analyser';
import { encodeJpeg, readPicture } from '../../../vision/picture/picture';
import type { HeadSample } from './face-head';

/** How a vector is used when its person is judged; for learning, all vectors are used. */
export type HeadUse = 'enrolled' | 'probe' | 'training';

export interface HeadView {
  readonly person: number;
  readonly use: HeadUse;
  /** A picture as used for enrolment, not a door's view. */
  readonly good: boolean;
  /**
   * From the frozen encoder. Null if no face was found, which a head cannot change: it counts as a miss before and
   * after.
   */
  readonly vector: Float32Array | null;
}

export interface ViewOptions {
  /** Times that the person of a picture walks up to the door. */
  readonly walks: number;
  /** Frames of each walk. */
  readonly frames: number;
  readonly seed: number;
  readonly conditions?: DoorConditions;
  readonly onProgress?: (share: number) => void;
}

/**
 * The views of a folder of pictures for training a head: each picture unchanged, encoded as at enrolment, and as a
 * door's camera would show it (`doorFrames`: small, dim, side-lit, motion-blurred, noisy, compressed), encoded as at
 * the door. The first picture of each person is enrolled, clean; the probes are the door views of the other pictures,
 * never of the same one.
 * @param enrolment encodes as enrolment does
 * @param door encodes as the door does
 */
export async function headViews(
  dataset: FaceDataset,
  enrolment: Pick<FaceAnalyser, 'still'>,
  door: Pick<FaceAnalyser, 'still'>,
  { walks, frames, seed, conditions = EVENING_DOOR, onProgress }: ViewOptions,
): Promise<HeadView[]> {
  const views: HeadView[] = [];
  const enrolled = new Set<number>();
  let index = 0;
  for await (const still of readAhead(dataset.pictures.map(({ file }) => file))) {
    const picture = dataset.pictures[index];
    const person = picture?.person ?? -1;
    const face = typeof still === 'string' ? null : centralFace((await enrolment.still(still)).faces, still);
    if (typeof still !== 'string' && face !== null && face.embedding !== null) {
      const first = !enrolled.has(person);
      enrolled.add(person);
      views.push({ person, use: first ? 'enrolled' : 'training', good: true, vector: face.embedding });
      for (let walk = 0; walk < walks; walk++)
        for (const seen of doorFrames(still, face.box, streamSeed(seed, index, walk), conditions, frames)) {
          const frame = await readPicture(await encodeJpeg(seen.frame, seen.jpegQuality), {
            name: 'a frame at the door',
          });
          const found = centralFace((await door.still(frame)).faces, frame);
          views.push({ person, use: first ? 'training' : 'probe', good: false, vector: found?.embedding ?? null });
        }
    }
    index++;
    onProgress?.(index / dataset.pictures.length);
  }
  return views;
}

/** The samples to learn from. */
export function samplesOf(views: readonly HeadView[]): HeadSample[] {
  return views.flatMap(({ person, vector, good }) => (vector === null ? [] : [{ person, vector, enrolled: good }]));
}
