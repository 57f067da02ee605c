import type { FaceAnalyser } from '../../../vision/faces/analyser';
import { bootstrapFnmr } from '../../report/bootstrap';
import { compareAll, type Comparisons } from './comparisons';
import type { FaceDataset } from '../data/dataset';
import {
  detCurve,
  equalErrorRate,
  fnmrAtFmr,
  type EqualErrorRate,
  type FnmrAtFmr,
  type OperatingPoint,
} from '../../report/det';
import { embeddingSet, vectorOf, type EmbeddingSet } from '../data/embedding-set';
import { encodePictures, type EncodedPicture } from '../data/encode-pictures';
import { crossValidatedAccuracy, type FoldAccuracy, type JudgedPair } from '../data/folds';
import { fnirAtFpir, openSetSearches, type FnirAtFpir, type IdentificationTrials } from './identification';
import { widest, type Interval } from '../../report/intervals';
import { l2Distance } from '../../../store/members/vector';

export const TARGET_FMRS = [1e-3, 1e-4, 1e-5] as const;
export const TARGET_FPIRS = [1e-1, 1e-2, 1e-3] as const;

export interface MeasuredFnmr extends FnmrAtFmr {
  /** The wider of Wilson's and the person-level bootstrap's; null with `point`. */
  readonly wide: Interval | null;
}

/** Everything measured of one encoder on one data set. */
export interface FaceEvaluation {
  readonly encoder: string;
  readonly detector: string;
  readonly space: string;
  readonly mirrored: boolean;
  readonly encoded: readonly EncodedPicture[];
  readonly embeddings: EmbeddingSet;
  readonly comparisons: Comparisons;
  readonly atFmr: readonly MeasuredFnmr[];
  readonly eer: EqualErrorRate | null;
  readonly curve: readonly OperatingPoint[];
  readonly accuracy: FoldAccuracy | null;
  readonly trials: IdentificationTrials | null;
  /** The wrong comparisons at the threshold asked for. */
  readonly wrong: WrongPairs | null;
  readonly atFpir: readonly { readonly target: number; readonly measured: FnirAtFpir | null }[];
}

export interface EncoderUnderTest {
  readonly name: string;
  readonly detector: string;
  readonly mirrored: boolean;
  readonly analyser: Pick<FaceAnalyser, 'still' | 'space'>;
}

export interface EvaluationOptions {
  /** Drop faces that the quality gates refuse. */
  readonly gated?: boolean;
  /** Collect the comparisons that are wrong at this distance. */
  readonly threshold?: number | null;
  /** Phase and share done of it, 0..1. */
  readonly onProgress?: (phase: string, share: number) => void;
}

export async function evaluateFaces(
  dataset: FaceDataset,
  encoder: EncoderUnderTest,
  { gated = false, threshold = null, onProgress }: EvaluationOptions = {},
): Promise<FaceEvaluation> {
  const { pictures, persons } = dataset;
  const files = pictures.map(({ file }) => file);
  const encoded = await encodePictures(files, encoder.analyser, {
    gated,
    onProgress: (done) => onProgress?.('encoding', done / files.length),
  });
  const embeddings = embeddingSet(
    pictures,
    encoded.map(({ embedding }) => embedding),
  );
  const wrong = threshold === null ? null : new WrongPairs(threshold);
  const visit = wrong === null ? null : wrong.visit.bind(wrong);
  const comparisons = await compareAll(embeddings, (share) => onProgress?.('comparing', share), undefined, visit);
  const resampled = bootstrapFnmr(comparisons, persons.length, comparisons.weightOf, TARGET_FMRS);
  const atFmr = TARGET_FMRS.map((target, i): MeasuredFnmr => {
    const measured = fnmrAtFmr(comparisons, target);
    return { ...measured, wide: measured.interval && widest(measured.interval, resampled[i] ?? null) };
  });
  const trials = openSetSearches(embeddings);
  return {
    encoder: encoder.name,
    detector: encoder.detector,
    space: encoder.analyser.space,
    mirrored: encoder.mirrored,
    encoded,
    embeddings,
    comparisons,
    atFmr,
    eer: equalErrorRate(comparisons),
    curve: detCurve(comparisons),
    accuracy: crossValidatedAccuracy(foldsOf(dataset, embeddings)),
    trials,
    wrong,
    atFpir: TARGET_FPIRS.map((target) => ({ target, measured: trials && fnirAtFpir(trials, target) })),
  };
}

function foldsOf({ pairs }: FaceDataset, embeddings: EmbeddingSet): JudgedPair[][] {
  if (pairs === null) return [];
  const folds = Array.from({ length: pairs.folds }, (): JudgedPair[] => []);
  for (const { fold, left, right, same } of pairs.pairs) {
    const a = vectorOf(embeddings, left);
    const b = vectorOf(embeddings, right);
    folds[fold]?.push({ same, distance: a === null || b === null ? Infinity : l2Distance(a, b) });
  }
  return folds;
}

/** One wrong comparison: indices of two pictures, and their distance. */
export interface WrongPair {
  readonly i: number;
  readonly j: number;
  readonly distance: number;
}

/**
 * Collects the comparisons that are wrong at one threshold from a stream of all. Comparisons that could not be made are
 * left out: there a picture is at fault, not a pair.
 */
export class WrongPairs {
  /** Same person, refused. */
  readonly falseNonMatches: WrongPair[] = [];
  /** Two persons, accepted. */
  readonly falseMatches: WrongPair[] = [];

  constructor(readonly threshold: number) {}

  visit(i: number, j: number, distance: number, same: boolean): void {
    if (distance === Infinity) return;
    if (same === distance <= this.threshold) return;
    (same ? this.falseNonMatches : this.falseMatches).push({ i, j, distance });
  }
}
