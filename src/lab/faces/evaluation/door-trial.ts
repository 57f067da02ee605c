import type { FaceAnalyser } from '../../../vision/faces/analyser';
import { FusedEmbedding } from '../../../vision/faces/fusion';
import { l2Distance } from '../../../store/members/vector';
import { encodeJpeg, readPicture } from '../../../vision/picture/picture';
import type { FaceDataset } from '../data/dataset';
import { fnmrAtFmr, operatingPoint, type FnmrAtFmr, type OperatingPoint, type Scores } from '../../report/det';
import { doorFrames, EVENING_DOOR, type DoorConditions } from '../data/door-view';
import { centralFace, readAhead } from '../data/encode-pictures';
import { vectorOf } from '../data/embedding-set';
import { GenuineDistances } from '../../report/genuine-distances';
import { ImpostorDistances } from '../../report/impostor-distances';
import type { FaceEvaluation } from './face-evaluation';
import { wilson, type Interval } from '../../report/intervals';

/** Views of the same persons at a door: single frames, and one decision over five of them. */
export interface DoorTrial {
  /** Persons walked up, frames seen, frames without a face (or refused by a gate, where gates apply). */
  readonly sequences: number;
  readonly frames: number;
  readonly framesWithoutFace: number;
  /** The operating point is set on the clean pictures, like a card's threshold. */
  readonly targetFmr: number;
  readonly threshold: number;
  readonly single: DoorSide;
  readonly fused: DoorSide;
}

export interface DoorSide {
  readonly scores: Scores;
  readonly atThreshold: OperatingPoint;
  readonly interval: Interval;
  /**
   * With its own threshold for the same FMR on these views, so that a gain does not come from a looser operating point.
   */
  readonly atSameFmr: FnmrAtFmr;
}

export interface DoorTrialOptions {
  readonly conditions?: DoorConditions;
  readonly seed?: number;
  /** Persons at most. */
  readonly people?: number;
  readonly gated?: boolean;
  /** Threshold that the live door uses; else it is set at `targetFmr` on the clean comparisons. */
  readonly threshold: number;
  readonly targetFmr: number;
  /** FMR at which each side is also judged by its own threshold. */
  readonly sameFmr?: number;
  readonly normalise: boolean;
  readonly onProgress?: (share: number) => void;
}

const FRAMES = 5;

/**
 * Enrolled is each person's first picture, clean. Seen at the door is a second picture, degraded by `doorFrames`. A
 * single-frame decision takes each frame by itself; the fused one takes the quality-weighted mean of the frames'
 * embeddings, with the class that runs live. A frame without a face counts as a miss of that frame; a sequence is
 * missed if no frame had one.
 */
export async function doorTrial(
  dataset: FaceDataset,
  clean: FaceEvaluation,
  analyser: Pick<FaceAnalyser, 'still' | 'dimensions'>,
  options: DoorTrialOptions,
): Promise<DoorTrial> {
  const cast = castOf(dataset, clean).slice(0, options.people);
  const single = { genuine: new GenuineDistances(), impostor: new ImpostorDistances() };
  const fused = { genuine: new GenuineDistances(), impostor: new ImpostorDistances() };
  const compare = ({ genuine, impostor }: Scores, vector: Float32Array | null, person: number): void => {
    if (vector === null) return genuine.add(Infinity, person);
    for (const other of cast) {
      const distance = l2Distance(vector, other.enrolled);
      if (other.person === person) genuine.add(distance, person);
      else impostor.add(distance, person, other.person);
    }
  };

  let framesWithoutFace = 0;
  let done = 0;
  for await (const still of readAhead(cast.map(({ probe }) => dataset.pictures[probe]?.file ?? ''))) {
    const actor = cast[done];
    if (actor === undefined || typeof still === 'string') throw new Error('a picture that was read earlier is gone');
    const box = clean.encoded[actor.probe]?.box ?? null;
    if (box === null) throw new Error('a probe without a face was chosen');
    const fusion = new FusedEmbedding(analyser.dimensions, options.normalise, FRAMES);
    const seed = (options.seed ?? 1) * 100_003 + actor.person;
    for (const { frame, jpegQuality } of doorFrames(still, box, seed, options.conditions ?? EVENING_DOOR, FRAMES)) {
      const seen = await readPicture(await encodeJpeg(frame, jpegQuality), { name: 'a frame at the door' });
      const face = centralFace((await analyser.still(seen)).faces, seen);
      const usable = face === null || (options.gated === true && face.refusal !== null) ? null : face;
      if (usable?.embedding) fusion.add(usable.embedding, usable.quality.score);
      else framesWithoutFace++;
      compare(single, usable?.embedding ?? null, actor.person);
    }
    compare(fused, fusion.frames === 0 ? null : fusion.mean(), actor.person);
    done++;
    options.onProgress?.(done / cast.length);
  }

  const side = (scores: Scores): DoorSide => ({
    scores,
    atThreshold: operatingPoint(scores, options.threshold),
    interval: wilson(scores.genuine.refused(options.threshold), scores.genuine.count),
    atSameFmr: fnmrAtFmr(scores, options.sameFmr ?? 1e-3),
  });
  return {
    sequences: cast.length,
    frames: cast.length * FRAMES,
    framesWithoutFace,
    targetFmr: options.targetFmr,
    threshold: options.threshold,
    single: side(single),
    fused: side(fused),
  };
}

/** Persons with two usable pictures: the first (the enrolled one, where there are roles) and the next. */
function castOf({ pictures, persons }: FaceDataset, { embeddings }: FaceEvaluation) {
  const usable: number[][] = persons.map(() => []);
  pictures.forEach(({ person }, i) => {
    if (embeddings.acquired[i] === 1) usable[person]?.push(i);
  });
  return usable.flatMap(([first, second], person) => {
    const enrolled = first === undefined ? null : vectorOf(embeddings, first);
    return enrolled === null || second === undefined ? [] : [{ person, enrolled, probe: second }];
  });
}
