import { seededRandom, streamSeed, type Random } from '../../../random';
import { drawKind, fillBackground } from './background';
import { equalise } from './equalise';
import { activeLevel, mixInto, ratioOf, rms } from './levels';
import { MIX_DEFAULTS, type Materials, type MixOptions } from './materials';
import { Performer, type Piece } from './performer';
import { RATE_HZ } from './rate';
import { Reverberator } from './reverberator';

/** A stretch of a clip holds one word and what is around it. */
const STRETCH = 2.4 * RATE_HZ;
/** Where full scale is 1. */
const REFERENCE_DB = -26;
/** Of the stretches without the word, those with a single other one. */
const ALONE = 0.45;
/** Of the clips, those of a microphone whose gain is too high. */
const OVERDRIVEN = 0.2;
/** After the word's end there is time for what the model says about it. */
const AFTER_WORD = 0.3 * RATE_HZ;

export interface MixedClip {
  readonly samples: Float32Array;
  readonly ends: readonly number[];
}

/**
 * Mixes clips: words and other speech one after the other without overlap, a room, a background at a signal-to-noise ratio, a
 * microphone with its gain, at times overdriven. Each by its seed alone, bit by bit the same in any order and thread.
 */
export class ClipMixer {
  readonly clipSamples: number;
  private readonly options: MixOptions;
  private readonly performer: Performer;
  private readonly rooms: Reverberator;
  private readonly back: Float32Array;
  private readonly scratch: Float32Array;

  constructor(
    private readonly materials: Materials,
    options: Partial<MixOptions> = {},
  ) {
    this.options = { ...MIX_DEFAULTS, ...options };
    this.clipSamples = Math.round(this.options.seconds * RATE_HZ);
    this.performer = new Performer(materials, this.options);
    this.rooms = new Reverberator(this.clipSamples, materials.impulses);
    this.back = new Float32Array(this.clipSamples);
    this.scratch = new Float32Array(this.clipSamples);
  }

  /** With words (as `wordShare` says) or without. */
  compose(seed: number): MixedClip {
    const random = seededRandom(streamSeed(seed, 0x636c6970));
    return this.mix(random, (front, ends) => this.perform(front, ends, random, this.options.wordShare));
  }

  /** Without any word. */
  composeNegative(seed: number): MixedClip {
    const random = seededRandom(streamSeed(seed, 0x6e656761));
    return this.mix(random, (front, ends) => this.perform(front, ends, random, 0));
  }

  /** Without a word, around a given piece of sound. */
  composeAround(negative: Float32Array, seed: number): MixedClip {
    const random = seededRandom(streamSeed(seed, 0x61726f75));
    return this.mix(random, (front) => {
      const piece = this.performer.given(negative, random);
      const latest = Math.max(0, front.length - piece.length);
      mixInto(front, piece.samples, random.below(latest + 1), 1, piece.length);
    });
  }

  private mix(random: Random, perform: (front: Float32Array, ends: number[]) => void): MixedClip {
    const front = new Float32Array(this.clipSamples);
    const ends: number[] = [];
    perform(front, ends);
    if (random.next() < 0.5) this.rooms.apply(front, random.below(this.rooms.rooms), random.between(0, 0.6));
    this.addBackground(front, ends, random);
    if (random.next() < 0.5) equalise(front, front.length, random);
    this.record(front, ends, random);
    return { samples: front, ends };
  }

  private perform(front: Float32Array, ends: number[], random: Random, wordShare: number): void {
    const stretches = Math.max(1, Math.floor(front.length / STRETCH));
    const length = front.length / stretches;
    // Sometimes no person speaks.
    if (random.next() < 0.12 * (1 - wordShare)) return;
    for (let i = 0; i < stretches; i++) {
      const from = Math.round(i * length);
      const to = Math.round((i + 1) * length);
      const end = random.next() < wordShare ? this.speakWord(front, from, to, random) : null;
      if (end !== null) ends.push(end);
      else this.speakOther(front, from, to, random);
    }
  }

  /** One word, at times with speech right before and after it. @returns its end, null where no word is short enough */
  private speakWord(front: Float32Array, from: number, to: number, random: Random): number | null {
    const word = this.performer.word(random, to - from - AFTER_WORD);
    if (word === null) return null;
    const slack = to - from - AFTER_WORD - word.length;
    const at = from + random.below(Math.max(1, slack));
    // Margins of a real recording reach beyond the word on both sides.
    const end = at + word.end;
    mixInto(front, word.samples, at, 1, word.length);
    const before = at + word.start - random.between(0.02, 0.5) * RATE_HZ;
    if (random.next() < 0.35) this.place(front, this.performer.other(random), before, from, before, random);
    const after = end + random.between(0.06, 0.7) * RATE_HZ;
    if (random.next() < 0.35) this.place(front, this.performer.other(random), null, after, to, random);
    return end;
  }

  /**
   * Words that are none: one alone as the word often is, or one after the other from before the stretch begins until it ends. Without
   * the lonely ones a network learns that whatever stands alone is the word.
   */
  private speakOther(front: Float32Array, from: number, to: number, random: Random): void {
    if (random.next() < ALONE) {
      const piece = this.performer.other(random);
      const latest = Math.max(from, to - piece.length);
      this.place(front, piece, null, random.between(from, latest + 1), to, random);
      return;
    }
    let at = from - random.below(RATE_HZ) + random.below(RATE_HZ);
    while (at < to) {
      const piece = this.performer.other(random);
      this.place(front, piece, null, at, to, random);
      at += piece.length + random.between(0.05, 0.8) * RATE_HZ;
      if (random.next() < 0.15) break;
    }
  }

  /** Puts a piece so that it ends at `stop`, or begins at `from`; what lies outside of [from, to) is cut off with a fade. */
  private place(
    front: Float32Array,
    piece: Piece,
    stop: number | null,
    from: number,
    to: number,
    random: Random,
  ): void {
    const at = Math.round(stop === null ? from : stop - piece.length);
    const first = Math.max(0, Math.ceil(Math.max(from, 0)) - at);
    const last = Math.min(piece.length, Math.floor(to) - at);
    if (last - first < RATE_HZ / 20) return;
    const part = piece.samples.subarray(first, last);
    const fade = RATE_HZ / 100;
    for (let i = 0; i < fade; i++) {
      if (first > 0) part[i] = ((part[i] as number) * i) / fade;
      if (last < piece.length) part[part.length - 1 - i] = ((part[part.length - 1 - i] as number) * i) / fade;
    }
    mixInto(front, part, at + first, ratioOf(random.between(-6, 6)));
  }

  private addBackground(front: Float32Array, ends: readonly number[], random: Random): void {
    const kind = drawKind(random);
    const { back, scratch } = this;
    fillBackground(kind, this.materials, back, scratch, random);
    if (random.next() < 0.3) this.rooms.apply(back, random.below(this.rooms.rooms), 0.3);
    const end = ends[random.below(Math.max(1, ends.length))];
    const speech =
      end === undefined ? activeLevel(front) : activeLevel(front, Math.max(0, end - RATE_HZ / 2), Math.floor(end));
    // Down to the silence of a microphone that cuts noise off: 16 bits leave nothing of −90 dB.
    const snr = kind === 'quiet' ? random.between(30, 90) : this.snr(random, kind === 'talker' ? 4 : 0);
    const level = Math.max(rms(back), 1e-6);
    // Without anybody the background is all there is.
    mixInto(front, back, 0, (speech > 0 ? speech * ratioOf(-snr) : 0.1) / level);
  }

  /** The word must be the louder of two voices, or it is unclear which was meant. */
  private snr(random: Random, least: number): number {
    const [usual, clean, hard] = this.options.snrDb;
    const draw = random.next();
    const [low, high] = draw < 0.6 ? usual : draw < 0.88 ? clean : hard;
    return Math.max(least, random.between(low, high));
  }

  /** Gain, overdrive and 16 bits of the microphone. */
  private record(front: Float32Array, ends: readonly number[], random: Random): void {
    const [low, high] = this.options.gainDb;
    const level = Math.max(ends.length > 0 ? activeLevel(front) : rms(front), 1e-6);
    const overdriven = random.next() < OVERDRIVEN;
    const gain = overdriven ? random.between(2, high + 6) : random.between(low, high);
    let scale = ratioOf(REFERENCE_DB + gain) / level;
    let peak = 0;
    for (const sample of front) peak = Math.max(peak, Math.abs(sample));
    if (!overdriven) scale = Math.min(scale, 0.98 / Math.max(peak, 1e-6));
    const { round } = Math;
    for (let i = 0; i < front.length; i++) {
      const value = round((front[i] as number) * scale * 32_767);
      front[i] = (value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value) / 32_768;
    }
  }
}
