import type { Quality, QualityRefusal } from '../../../events';
import type { Frame } from '../../../vision/picture/frame';
import { readPicture } from '../../../vision/picture/picture';
import type { FaceDataset } from '../data/dataset';
import type { EncodedPicture } from '../data/encode-pictures';
import { cropAround, type ErrorCase } from '../../report/error-cases';
import type { FaceEvaluation } from './face-evaluation';

export type FaceCause =
  'size' | 'blur' | 'light' | 'pose' | 'cut off' | 'no face found' | 'unreadable' | 'unknown' | 'look-alike';

/** What to do about each cause. */
export const FACE_ADVICE: Readonly<Record<FaceCause, string>> = {
  size: 'Collect small faces, or bring faces nearer: a longer lens, a larger minFacePx.',
  blur: 'Collect faces in motion and out of focus, or shorten the exposure; enrol members with blurred pictures again.',
  light: 'Collect dim, bright and side-lit faces, or put light on the face.',
  pose: 'Collect turned and bent heads, or mount the camera at eye level.',
  'cut off': 'Aim the camera so that whole faces are in the picture.',
  'no face found':
    'Check whether there is a face; if so, collect such pictures for the detector (usher train detector-head).',
  unreadable: 'Take these pictures again.',
  unknown: 'No measure explains these: look for covered faces, expression, age, and wrong labels.',
  'look-alike': 'Look for relatives, twins and wrong labels; else set a lower targetFmr.',
};

/**
 * Limits beyond which a measure reduces recognition, found with the door simulation; the gates of a camera are wider.
 * Size: if the eyes are nearer to each other than in ArcFace's template, the picture is enlarged.
 */
const EYES_PX = 35;
const SHARPNESS = 0.1;
const [DARK, BRIGHT, FLAT] = [60, 190, 14];
const [YAW, PITCH, ROLL_DEG] = [0.35, 0.5, 20];

const GATE_CAUSES: Record<QualityRefusal, FaceCause> = {
  'outside-region': 'cut off',
  'cut-off': 'cut off',
  'too-small': 'size',
  'too-dark': 'light',
  'too-bright': 'light',
  'low-contrast': 'light',
  'turned-away': 'pose',
  blurred: 'blur',
  unmoved: 'unknown',
};

/**
 * The most likely cause of an unusable face: the measure farthest beyond its limit, as a ratio; null if none is. Few
 * pixels look blurred too, so blur counts only beyond what the size explains.
 */
export function likelyCause(qualities: readonly Quality[]): FaceCause | null {
  let worst = 1;
  let cause: FaceCause | null = null;
  const consider = (name: FaceCause, severity: number): void => {
    if (!(severity > worst)) return;
    worst = severity;
    cause = name;
  };
  for (const { interocularPx, sharpness, brightness, contrast, yaw, pitch, rollDeg } of qualities) {
    const small = EYES_PX / Math.max(1, interocularPx);
    consider('size', small);
    consider('blur', SHARPNESS / Math.max(1e-4, sharpness) / Math.max(1, small * small));
    consider('light', Math.max(DARK / Math.max(1, brightness), brightness / BRIGHT, FLAT / Math.max(1, contrast)));
    consider('pose', Math.max(Math.abs(yaw) / YAW, Math.abs(pitch) / PITCH, Math.abs(rollDeg) / ROLL_DEG));
  }
  return cause;
}

/**
 * Every mistake of one encoder as a case: pictures that gave no face or that enrolment would refuse, then false non-matches (farthest
 * first) and false matches (nearest first).
 */
export function faceErrorCases(dataset: FaceDataset, { encoded, wrong }: FaceEvaluation): ErrorCase[] {
  const nameOf = (i: number): string => dataset.persons[dataset.pictures[i]?.person ?? -1] ?? '?';
  const crop = async (i: number): Promise<Frame> => cropOf(dataset.pictures[i]?.file ?? '', encoded[i]);
  const cases: ErrorCase[] = [];
  encoded.forEach((picture, i) => {
    const cause = enrolmentCause(picture, dataset.pictures[i]?.role === 'probe');
    if (cause === null) return;
    const kind = picture.embedding === null ? 'not acquired' : 'would not be enrolled';
    const caption = `${nameOf(i)}: ${kind}\n${[picture.refusal ?? '', measures([picture])].filter(Boolean).join(', ')}`;
    cases.push({ cause, caption, picture: async () => (cause === 'unreadable' ? [] : [await crop(i)]) });
  });
  if (wrong === null) return cases;

  const far = [...wrong.falseNonMatches].sort((a, b) => b.distance - a.distance);
  const near = [...wrong.falseMatches].sort((a, b) => a.distance - b.distance);
  for (const { i, j, distance } of [...far, ...near]) {
    const same = dataset.pictures[i]?.person === dataset.pictures[j]?.person;
    const both = [encoded[i], encoded[j]].flatMap((picture) => (picture?.quality ? [picture.quality] : []));
    const cause = likelyCause(both) ?? (same ? 'unknown' : 'look-alike');
    const who = same ? `${nameOf(i)} missed` : `${nameOf(i)} taken for ${nameOf(j)}`;
    const at = `${distance.toFixed(2)} ${same ? '>' : '≤'} ${wrong.threshold.toFixed(2)}`;
    cases.push({
      cause,
      caption: `${who}, ${at}\n${measures([encoded[i], encoded[j]])}`,
      picture: async () => [await crop(i), await crop(j)],
    });
  }
  return cases;
}

function enrolmentCause({ embedding, refusal }: EncodedPicture, probe: boolean): FaceCause | null {
  if (refusal === null) return null;
  if (refusal === 'no-face') return 'no face found';
  if (refusal === 'unreadable') return 'unreadable';
  return embedding !== null && probe ? null : GATE_CAUSES[refusal];
}

/** Pixels between the eyes, sharpness, brightness, of one face or of two. */
function measures(pictures: readonly (EncodedPicture | undefined)[]): string {
  const qualities = pictures.flatMap((picture) => (picture?.quality ? [picture.quality] : []));
  const each = (text: (quality: Quality) => string): string => qualities.map(text).join('|');
  if (qualities.length === 0) return '';
  const pixels = each(({ interocularPx }) => interocularPx.toFixed(0));
  const sharp = each(({ sharpness }) => sharpness.toFixed(2));
  return `${pixels} px, sharp ${sharp}, light ${each(({ brightness }) => brightness.toFixed(0))}`;
}

/** The face with its surroundings, or the whole picture if no face was found. */
async function cropOf(file: string, picture: EncodedPicture | undefined): Promise<Frame> {
  const frame = await readPicture(file);
  return picture?.box ? cropAround(frame, picture.box) : frame;
}
