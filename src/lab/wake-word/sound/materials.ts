import type { SoundBank } from './bank';

/** Everything of one part (training, validation or test) that clips are mixed of. Plain data over shared memory: sent to worker threads as it is. */
export interface Materials {
  readonly word: string;
  /** The word by real people; may be empty. Clips with a word span. */
  readonly real: SoundBank;
  /** The word by synthetic voices; may be empty where there are real ones. */
  readonly synthetic: SoundBank;
  /** Words that sound like it, by synthetic voices. */
  readonly near: SoundBank;
  /** Sentences by synthetic voices. */
  readonly sentences: SoundBank;
  /** Speech of real people without the word: one bank for each corpus. */
  readonly speech: readonly NamedBank[];
  /** Recorded backgrounds: one bank for each corpus. */
  readonly noise: readonly NamedBank[];
  /** Measured impulse responses of rooms. */
  readonly impulses: SoundBank;
}

export interface NamedBank {
  readonly name: string;
  readonly bank: SoundBank;
}

export interface MixOptions {
  /** Length of a clip. The course's is 10 s; 3 s hold one word each and train faster. */
  readonly seconds: number;
  /** Clips (or, of longer ones, stretches of 2.5 s) that hold the word. */
  readonly wordShare: number;
  /** Of the words, where both kinds are at hand. */
  readonly realShare: number;
  /** Speed (and with it pitch) by resampling. */
  readonly speed: readonly [number, number];
  /** Decibels: most clips lie in the first range, some in the second, few in the third. */
  readonly snrDb: readonly [Range, Range, Range];
  /** Decibels about −26 dBFS. */
  readonly gainDb: Range;
}

type Range = readonly [number, number];

export const MIX_DEFAULTS: MixOptions = {
  seconds: 3,
  wordShare: 0.55,
  realShare: 0.6,
  speed: [0.86, 1.16],
  snrDb: [
    [3, 20],
    [20, 60],
    [-5, 3],
  ],
  gainDb: [-20, 20],
};
