import { sha256Hex } from '../../../digest';

/** What a recording may be used for. Training, early stopping and measuring never share one. */
export type Part = 'train' | 'validation' | 'test';

/**
 * Corpora kept for measuring as a whole, since clips of one corpus share speakers, rooms and microphones: what is measured on
 * a fifth of a corpus that was trained on says little about the next room. Names as `folder` or `folder/file` of the data set.
 */
export const HELD_OUT: readonly string[] = [
  // Speech of many people, in several languages.
  'not-wake-words',
  // Gym noise proper: the exercise bike is never trained on, training hears generated machines; and one noise of a household.
  'speech-commands/exercise_bike',
  'speech-commands/running_tap',
];

const TEST_SHARE = 0.2;
const VALIDATION_SHARE = 0.1;

/** Takes of one recording carry its number and a letter (ESC-10): a split between them would be one through the recording. */
const TAKE = /^(.*\d{3,})-[A-Z]$/;

/**
 * The part of a recording, by its content: the same in training, in evaluation and in every later run, whatever the folder is
 * called and however many clips join it.
 * @param corpus name of the folder
 * @param stem file name without its ending
 * @param hash content hash, hexadecimal
 */
export function partOf(corpus: string, stem: string, hash: string): Part {
  if (HELD_OUT.includes(corpus) || HELD_OUT.includes(`${corpus}/${stem}`)) return 'test';
  const take = TAKE.exec(stem)?.[1];
  const key = take === undefined ? hash : sha256Hex(take);
  const share = parseInt(key.slice(0, 8), 16) / 2 ** 32;
  return share < TEST_SHARE ? 'test' : share < TEST_SHARE + VALIDATION_SHARE ? 'validation' : 'train';
}
