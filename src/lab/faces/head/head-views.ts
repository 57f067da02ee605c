import type { FaceDataset } from '../data/dataset';
import { doorFrames, EVENING_DOOR, type DoorConditions } from '../data/door-view';
import { centralFace, readAhead } from '../data/encode-pictures';
import { streamSeed } from '../../../random';
import type { FaceAnalyser } from '../../../vision/faces/analyser';
import { encodeJpeg, readPicture } from '../../../vision/picture/picture';
import type { HeadSample } from './face-head';

/** What a vector is used for where its person is judged; where the person is learned from, all are. */
export type HeadUse = 'enrolled' | 'probe' | 'training';

export interface HeadView {
  readonly person: number;
  readonly use: HeadUse;
  /** A picture as one enrols with, not as a door sees it. */
  readonly good: boolean;
  /** By the frozen encoder; null where no face was found, which no head can mend: it counts as a miss before and after. */
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
 * What the training of a head sees of a folder of pictures: each as it is, encoded as at enrolment, and as a door's camera would
 * show it (`doorFrames`: small, dim, lit from a side, blurred by motion, noisy, compressed), encoded as at the door. Enrolled is
 * the first picture of each person, clean; tried against it are the door views of the others, never of the picture itself.
 *
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

/** What can be learned from. */
export function samplesOf(views: readonly HeadView[]): HeadSample[] {
  return views.flatMap(({ person, vector, good }) => (vector === null ? [] : [{ person, vector, enrolled: good }]));
}
