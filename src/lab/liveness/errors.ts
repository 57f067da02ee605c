import type { FaceAnalyser } from '../../vision/faces/analyser';
import { readPicture } from '../../vision/picture/picture';
import type { FaceDataset } from '../faces/data/dataset';
import type { ErrorCase } from '../report/error-cases';
import { streamSeed } from '../../random';
import { type JudgedPresentation, portraitOf } from './evaluate';
import { presentFrames } from './present';

export const LIVENESS_ADVICE: Readonly<Record<string, string>> = {
  'cut-out taken for live':
    'Neither border nor screen reveals it: require a turned head (motion: require), or a depth camera.',
  'print-borderless taken for live': 'Collect prints of this kind to train your own model; require a turned head.',
  'print-curled taken for live': 'Collect prints of this kind to train your own model.',
  'print-border taken for live': 'Check the light: the border was not distinguished from the room.',
  'screen-border taken for live': 'Check the exposure: a screen should be brighter than the room.',
  'screen-borderless taken for live': 'Collect screens without visible picture elements.',
  'person taken for a picture':
    'Check light and blur at this door, and raise minBrightness before you lower the threshold.',
  'person undecided':
    'More frames, or a camera from farther away: the picture must include the surroundings of the face.',
  'person without a usable face': 'See usher eval faces --errors.',
};

/** Every attack that passed and every person that did not, as the first frame that was shown. */
export function livenessErrorCases(
  dataset: FaceDataset,
  scenes: readonly string[],
  seed: number,
  analyser: FaceAnalyser,
  presentations: readonly JudgedPresentation[],
): ErrorCase[] {
  return presentations
    .filter(({ kind, verdict }) => (verdict === 'live') === (kind !== 'bona-fide'))
    .map((one) => ({
      cause: causeOf(one),
      caption: `${dataset.persons[one.person] ?? '?'}, ${one.kind}\n${one.verdict}, ${one.motion}, ${one.scores.map((score) => score.toFixed(1)).join(' ')}`,
      picture: async () => {
        const portrait = await portraitOf(
          dataset.pictures.find(({ person }) => person === one.person)?.file ?? '',
          analyser,
        );
        if (portrait === null) return [];
        const scene = await readPicture(scenes[streamSeed(seed, 5, one.person) % scenes.length] ?? '');
        return presentFrames(one.kind, portrait, scene, one.seed, 1).map(({ frame }) => frame);
      },
    }));
}

function causeOf({ kind, verdict, faces }: JudgedPresentation): string {
  if (kind !== 'bona-fide') return `${kind} taken for live`;
  if (faces === 0) return 'person without a usable face';
  return verdict === 'fake' ? 'person taken for a picture' : 'person undecided';
}
