import type { Random } from '../../../random';
import { clipCount, clipLength, clipStart, wordOf, type SoundBank } from './bank';
import { pickBank } from './background';
import { equalise } from './equalise';
import { activeLevel, fadeEnds, ratioOf } from './levels';
import type { Materials, MixOptions } from './materials';
import { RATE_HZ } from './rate';
import { resampleInto } from './resample';

/** Something said, at a speed, through a talker's own spectrum, at a level. The samples are lent: the next piece overwrites them. */
export interface Piece {
  readonly samples: Float32Array;
  readonly length: number;
  /** Of the word within it; 0 and `length` where it has none. */
  readonly start: number;
  readonly end: number;
}

const LONGEST = 12 * RATE_HZ;
/** Left around a real word when it is cut out of its recording: its own breath and room. */
const MARGIN = 0.12 * RATE_HZ;
const FADE = RATE_HZ / 50;
/** Steps of speed: each has its own resampling kernel. */
const SPEED_STEPS = 60;
/**
 * Of what is said that is not the word. Few near misses: they are rare in life, and mining finds those that are still mistaken; a
 * network that hears little else learns to doubt every word in noise.
 */
const HALF_SHARE = 0.07;
const NEAR_SHARE = 0.15;
const PEOPLE_SHARE = 0.45;
/** Active level of a piece before anything else happens to it. */
const LEVEL = 0.05;

/** Draws pieces from the materials: words, words that sound like them, halves of them, sentences and other people. */
export class Performer {
  private readonly buffer = new Float32Array(LONGEST);

  constructor(
    private readonly materials: Materials,
    private readonly options: MixOptions,
  ) {}

  /** The word by a real or a synthetic voice, at most `longest` samples; null where none was short enough in a few draws. */
  word(random: Random, longest: number): Piece | null {
    const { real, synthetic } = this.materials;
    for (let attempt = 0; attempt < 8; attempt++) {
      const wantsReal = random.next() < this.options.realShare;
      const bank = (wantsReal && clipCount(real) > 0) || clipCount(synthetic) === 0 ? real : synthetic;
      if (clipCount(bank) === 0) return null;
      const index = random.below(clipCount(bank));
      const span = wordOf(bank, index);
      if (span === null) continue;
      const from = Math.max(0, span.start - MARGIN * random.next());
      const to = Math.min(clipLength(bank, index), span.end + MARGIN * random.next());
      const speed = this.drawSpeed(random);
      if ((to - from) / speed > longest) continue;
      const { samples, length } = this.render(bank, index, from, to, speed, random);
      return {
        samples,
        length,
        start: Math.round((span.start - from) / speed),
        end: Math.round((span.end - from) / speed),
      };
    }
    return null;
  }

  /** Anything but the word. */
  other(random: Random): Piece {
    const { near, sentences, speech } = this.materials;
    const draw = random.next();
    if (draw < HALF_SHARE) {
      const half = this.half(random);
      if (half !== null) return half;
    }
    if (draw < HALF_SHARE + NEAR_SHARE && clipCount(near) > 0) return this.whole(near, random);
    if (draw < HALF_SHARE + NEAR_SHARE + PEOPLE_SHARE) {
      const bank = pickBank(speech, random);
      if (bank !== null) return this.whole(bank, random);
    }
    if (clipCount(sentences) > 0) return this.whole(sentences, random);
    return { samples: this.buffer, length: 0, start: 0, end: 0 };
  }

  /** A mined piece of sound through another speed and spectrum. */
  given(sound: Float32Array, random: Random): Piece {
    const length = resampleInto(sound, 0, Math.min(sound.length, LONGEST), this.drawSpeed(random), this.buffer, 1);
    this.finish(length, random);
    return { samples: this.buffer, length, start: 0, end: length };
  }

  /** The first or the last part of a word: who stops after “comp” has not said it. */
  private half(random: Random): Piece | null {
    const { real, synthetic } = this.materials;
    const bank = clipCount(real) > 0 && random.next() < 0.5 ? real : synthetic;
    if (clipCount(bank) === 0) return null;
    const index = random.below(clipCount(bank));
    const span = wordOf(bank, index);
    if (span === null) return null;
    const length = span.end - span.start;
    const first = random.next() < 0.65;
    const from = first ? span.start : span.end - length * random.between(0.25, 0.55);
    const to = first ? span.start + length * random.between(0.25, 0.5) : span.end;
    return this.render(bank, index, from, to, this.drawSpeed(random), random);
  }

  private whole(bank: SoundBank, random: Random): Piece {
    const index = random.below(clipCount(bank));
    const all = clipLength(bank, index);
    // Of a long recording a part from anywhere, no longer than the clip that it goes into.
    const length = Math.min(all, LONGEST * 0.8, this.options.seconds * this.options.speed[1] * RATE_HZ);
    const from = random.below(Math.floor(all - length) + 1);
    return this.render(bank, index, from, from + length, this.drawSpeed(random), random);
  }

  private drawSpeed(random: Random): number {
    const [low, high] = this.options.speed;
    return low + ((high - low) * random.below(SPEED_STEPS + 1)) / SPEED_STEPS;
  }

  private render(bank: SoundBank, index: number, from: number, to: number, speed: number, random: Random): Piece {
    const start = clipStart(bank, index);
    const length = resampleInto(
      bank.samples,
      start + Math.floor(from),
      start + Math.floor(to),
      speed,
      this.buffer,
      1 / 32_768,
    );
    this.finish(length, random);
    return { samples: this.buffer, length, start: 0, end: length };
  }

  private finish(length: number, random: Random): void {
    if (random.next() < 0.6) equalise(this.buffer, length, random);
    fadeEnds(this.buffer, length, FADE);
    const level = activeLevel(this.buffer, 0, length);
    const scale = (LEVEL / Math.max(level, 1e-5)) * ratioOf(random.between(-3, 3));
    for (let i = 0; i < length; i++) this.buffer[i] = (this.buffer[i] as number) * scale;
  }
}
