import type { AnalysedFace, FaceAnalyser } from '../../../vision/faces/analyser';
import type { DetectedFace, FaceDetector } from '../../../vision/faces/faces';
import type { Frame } from '../../../vision/picture/frame';
import { l2Distance } from '../../../store/members/vector';
import { centralFace } from '../data/encode-pictures';
import { type Figure, withGoal, atMost } from '../../report/figure';
import { wilson } from '../../report/intervals';
import { thresholdAtFmr } from '../../report/det';
import { ImpostorDistances } from '../../report/impostor-distances';

/** One person: the enrolled picture and another one, each as it was and as it was painted. */
export interface PaintedPerson {
  readonly enrolled: Frame;
  readonly probe: Frame;
  readonly paintedEnrolled: Frame;
  readonly paintedProbe: Frame;
}

/** Finds faces where they were in the picture before: the attacker who knows the place and needs no detector. */
export class RememberingDetector implements FaceDetector {
  private last: readonly DetectedFace[] = [];
  /** While true, the last detections are given again, whatever the picture shows. */
  blind = false;

  constructor(private readonly detector: FaceDetector) {}

  get running(): FaceDetector['running'] {
    return this.detector.running;
  }

  async detect(frame: Frame, smallestFacePx: number): Promise<readonly DetectedFace[]> {
    if (!this.blind) this.last = await this.detector.detect(frame, smallestFacePx);
    return this.last;
  }

  dispose(): Promise<void> {
    return this.detector.dispose();
  }
}

interface Vectors {
  readonly enrolled: Float32Array;
  readonly probe: Float32Array | null;
  /** By the detector: null where no face is seen any more. */
  readonly painted: Float32Array | null;
  /** At the place of the face in the original. */
  readonly placed: Float32Array | null;
  readonly paintedEnrolled: Float32Array | null;
}

/**
 * How many painted faces still match their person: at the card's threshold against the gallery, found by the detector, or at the known
 * place of the face; and for an attacker who paints the gallery too, with another threshold for the same false-match rate among painted
 * faces.
 * @param threshold distance for `fmr` by the encoder's card
 */
export async function privacyFigures(
  persons: readonly PaintedPerson[],
  analyser: Pick<FaceAnalyser, 'still'>,
  detector: RememberingDetector,
  {
    threshold,
    fmr,
    prefix,
    onProgress,
  }: { threshold: number; fmr: number; prefix: string; onProgress: (share: number) => void },
): Promise<Figure[]> {
  const vectors: Vectors[] = [];
  for (const [i, person] of persons.entries()) {
    const of = await vectorsOf(person, analyser, detector);
    if (of !== null) vectors.push(of);
    onProgress((i + 1) / persons.length);
  }
  return figuresOf(vectors, { threshold, own: ownThreshold(vectors, fmr), prefix });
}

function figuresOf(
  vectors: readonly Vectors[],
  { threshold, own, prefix }: { readonly threshold: number; readonly own: number | null; readonly prefix: string },
): Figure[] {
  const rate = (name: string, hit: (one: Vectors) => boolean, more: Partial<Figure> = {}): Figure => {
    const hits = vectors.filter(hit).length;
    const value = vectors.length === 0 ? null : hits / vectors.length;
    return { name: `${prefix}.${name}`, value, unit: 'ratio', ...wilson(hits, vectors.length), ...more };
  };
  const goal = atMost(0.01);
  const byChance = { note: `by chance ${(1 / Math.max(1, vectors.length)).toFixed(3)}` };
  return [
    rate('match_before', ({ enrolled, probe }) => matches(enrolled, probe, threshold), {
      note: `as they were; ${vectors.length} persons`,
    }),
    rate('face_found_after', ({ painted }) => painted !== null),
    withGoal(
      rate('match_after', ({ enrolled, painted }) => matches(enrolled, painted, threshold)),
      goal,
    ),
    withGoal(
      rate('match_after_known_place', ({ enrolled, placed }) => matches(enrolled, placed, threshold)),
      goal,
    ),
    rate(
      'rank1_after_known_place',
      (one) => one.placed !== null && nearest(vectors, one.placed, ({ enrolled }) => enrolled) === one,
      byChance,
    ),
    withGoal(
      own === null
        ? { name: `${prefix}.match_painted_gallery`, value: null, unit: 'ratio', note: 'not enough impostor pairs' }
        : rate('match_painted_gallery', ({ paintedEnrolled, placed }) => matches(paintedEnrolled, placed, own), {
            note: `at the attacker's own threshold, L2 ${own.toFixed(3)}`,
          }),
      goal,
    ),
    rate(
      'rank1_painted_gallery',
      (one) => one.placed !== null && nearest(vectors, one.placed, ({ paintedEnrolled }) => paintedEnrolled) === one,
      byChance,
    ),
  ];
}

function matches(a: Float32Array | null, b: Float32Array | null, limit: number): boolean {
  return a !== null && b !== null && l2Distance(a, b) <= limit;
}

/** The person of a gallery nearest to a face; null if it is empty. */
function nearest(
  vectors: readonly Vectors[],
  probe: Float32Array,
  gallery: (one: Vectors) => Float32Array | null,
): Vectors | null {
  let best: Vectors | null = null;
  let least = Infinity;
  for (const one of vectors) {
    const other = gallery(one);
    const distance = other === null ? Infinity : l2Distance(probe, other);
    if (distance < least) [best, least] = [one, distance];
  }
  return best;
}

async function vectorsOf(
  person: PaintedPerson,
  analyser: Pick<FaceAnalyser, 'still'>,
  detector: RememberingDetector,
): Promise<Vectors | null> {
  const vector = async (frame: Frame, blind: boolean): Promise<Float32Array | null> => {
    detector.blind = blind;
    try {
      return embeddingOf((await analyser.still(frame)).faces, frame);
    } finally {
      detector.blind = false;
    }
  };
  const enrolled = await vector(person.enrolled, false);
  const paintedEnrolled = await vector(person.paintedEnrolled, true);
  const probe = await vector(person.probe, false);
  const placed = await vector(person.paintedProbe, true);
  const painted = await vector(person.paintedProbe, false);
  return enrolled === null ? null : { enrolled, probe, painted, placed, paintedEnrolled };
}

const embeddingOf = (faces: readonly AnalysedFace[], frame: Frame): Float32Array | null =>
  centralFace(faces, frame)?.embedding ?? null;

/** The distance at which painted faces of different persons match as often as `fmr` allows. */
function ownThreshold(vectors: readonly Vectors[], fmr: number): number | null {
  const impostors = new ImpostorDistances(1 << 16);
  vectors.forEach(({ placed }, i) =>
    vectors.forEach(({ paintedEnrolled }, j) => {
      if (i !== j && placed !== null && paintedEnrolled !== null)
        impostors.add(l2Distance(placed, paintedEnrolled), i, j);
    }),
  );
  return impostors.count * fmr < 1 ? null : thresholdAtFmr(impostors, fmr);
}
