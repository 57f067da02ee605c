import type { Frame } from '../../../vision/picture/frame';
import { SCENE_GRID } from '../../../vision/scene/scene-input';
import type { ErrorCase } from '../../report/error-cases';
import type { JudgedScene } from './evaluate';

/** Limits of the mean V, below which a day picture is too dark and above which a night picture is too bright. */
const [DARK, BRIGHT] = [70, 130];
const UNSURE = 0.2;

export const SCENE_ADVICE: Readonly<Record<string, string>> = {
  'bright where dark was wanted': 'Collect lit squares, snow and haze at night.',
  'dark where bright was wanted': 'Collect days under clouds, in rain, with the sun low.',
  undecided: 'Collect the hours between: or give them a label of their own (dawn-dusk).',
  'a label too many or too few': 'Collect pictures to which several labels apply.',
  other: 'No measure explains these: look at them, and check for wrong labels.',
};

/** Every wrong picture as a case, with its wrong label, its score and its brightness. */
export function sceneErrorCases(judged: readonly JudgedScene[]): ErrorCase[] {
  return judged
    .filter(({ right }) => !right)
    .map((one) => ({
      cause: causeOf(one),
      caption: `${one.wanted.join('+') || 'none'} taken for ${one.said.join('+') || 'none'}\n${one.picture.file.split('/').at(-1) ?? ''}, ${one.scores.map((score) => score.toFixed(2)).join(' ')}, V ${one.brightness.toFixed(0)}`,
      picture: frameOf(one.picture.grid),
    }));
}

function causeOf({ wanted, said, scores, brightness }: JudgedScene): string {
  if (scores.every((score) => Math.abs(score - 0.5) < UNSURE)) return 'undecided';
  if (wanted.includes('night') && brightness > BRIGHT) return 'bright where dark was wanted';
  if (wanted.includes('day') && brightness < DARK) return 'dark where bright was wanted';
  return wanted.length === said.length ? 'other' : 'a label too many or too few';
}

function frameOf(grid: Uint8Array): Frame {
  const plane = SCENE_GRID * SCENE_GRID;
  const data = new Uint8Array(3 * plane);
  for (let i = 0; i < plane; i++)
    for (let channel = 0; channel < 3; channel++) data[3 * i + channel] = grid[channel * plane + i] as number;
  return { width: SCENE_GRID, height: SCENE_GRID, data };
}
