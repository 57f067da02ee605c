import { clipCount, clipLength, clipSamples, type SoundBank, wordOf } from '../sound/bank';
import { pickBank } from '../sound/background';
import { activeLevel, decibels, ratioOf, rms } from '../sound/levels';
import type { NamedBank } from '../sound/materials';
import { RATE_HZ } from '../sound/rate';
import { seededRandom, streamSeed } from '../../../random';

/** How a word is heard. */
export interface Condition {
  /** Within names of figures and of cards: `clean`, `snr-10db`. */
  readonly name: string;
  /** Above recorded backgrounds; null leaves the recording as it is. */
  readonly snrDb: number | null;
  /** Of the microphone: what goes beyond full scale is clipped. */
  readonly gainDb: number;
}

export const CONDITIONS: readonly Condition[] = [
  { name: 'clean', snrDb: null, gainDb: 0 },
  { name: 'snr-10db', snrDb: 10, gainDb: 0 },
  { name: 'snr-5db', snrDb: 5, gainDb: 0 },
  { name: 'snr-0db', snrDb: 0, gainDb: 0 },
  { name: 'gain-minus-20db', snrDb: null, gainDb: -20 },
  { name: 'gain-plus-20db', snrDb: null, gainDb: 20 },
];

/** One word, as one microphone hears it: the clip with a second before and after it. */
export interface TrialSound {
  readonly samples: Float32Array;
  readonly trial: Trial;
}

/** What is known of it. */
export interface Trial {
  readonly clip: string;
  readonly condition: Condition;
  /** Of the word. */
  readonly start: number;
  readonly end: number;
  /** Where speech is active, decibels of full scale, before gain. */
  readonly levelDb: number;
  /** Of the recording itself: its word above its own noise, decibels. */
  readonly ownSnrDb: number;
  /** What was mixed in. */
  readonly background: string | null;
}

const LEAD = RATE_HZ;
const TAIL = RATE_HZ;

/**
 * Makes the trial of one clip: the same for the same seed.
 * @param noise recorded backgrounds; without any, generated noise at the condition's ratio would flatter, and there is no trial
 * @returns null for a condition with noise where there is none to mix in
 */
export function makeTrial(
  bank: SoundBank,
  index: number,
  condition: Condition,
  noise: readonly NamedBank[],
  seed: number,
): TrialSound | null {
  const span = wordOf(bank, index);
  if (span === null) return null;
  const random = seededRandom(streamSeed(seed, index));
  const clip = clipSamples(bank, index);
  const samples = new Float32Array(LEAD + clip.length + TAIL);
  for (let i = 0; i < clip.length; i++) samples[LEAD + i] = (clip[i] as number) / 32_768;
  const start = LEAD + span.start;
  const end = LEAD + span.end;
  const level = activeLevel(samples, start, end);
  const own = quietest(samples, LEAD, LEAD + clip.length);
  // A microphone is never without noise: what the recording has, or a little below its last bit.
  const hiss = Math.max(own, 2e-5);
  for (let i = 0; i < LEAD; i++) samples[i] = hiss * random.normal();
  for (let i = samples.length - TAIL; i < samples.length; i++) samples[i] = hiss * random.normal();

  let background: string | null = null;
  if (condition.snrDb !== null) {
    const bankOf = pickBank(noise, random);
    if (bankOf === null) return null;
    const chosen = random.below(clipCount(bankOf));
    background = bankOf.names[chosen] ?? null;
    addNoise(samples, bankOf, chosen, random.next(), level * ratioOf(-condition.snrDb), start, end);
  }
  const gain = ratioOf(condition.gainDb);
  for (let i = 0; i < samples.length; i++) samples[i] = Math.max(-1, Math.min(1, (samples[i] as number) * gain));
  const trial = {
    clip: bank.names[index] ?? '',
    condition,
    start,
    end,
    levelDb: decibels(level),
    ownSnrDb: decibels(level / Math.max(own, 1e-6)),
    background,
  };
  return { samples, trial };
}

/**
 * Over the whole trial, from a place by chance on and around again. The ratio holds where the word is: a dog that barked elsewhere
 * would make noise of a trial that has none; a stretch of silence in a recording is passed over.
 */
function addNoise(
  samples: Float32Array,
  bank: SoundBank,
  index: number,
  place: number,
  level: number,
  start: number,
  end: number,
): void {
  const noise = clipSamples(bank, index);
  const length = clipLength(bank, index);
  const added = new Float32Array(samples.length);
  let loud = 0;
  for (let turn = 0; turn < 10 && loud < 1e-4; turn++) {
    const from = Math.floor(((place + turn / 10) % 1) * length);
    for (let i = 0; i < added.length; i++) added[i] = (noise[(from + i) % length] as number) / 32_768;
    loud = rms(added, start, end);
  }
  const scale = level / Math.max(loud, 1e-4);
  for (let i = 0; i < samples.length; i++) samples[i] = (samples[i] as number) + scale * (added[i] as number);
}

/** Level of the quiet tenth of 20 ms frames; digital silence, which padding is, does not count. */
function quietest(samples: Float32Array, from: number, to: number): number {
  const frame = RATE_HZ / 50;
  const levels: number[] = [];
  for (let at = from; at + frame <= to; at += frame) {
    const level = rms(samples, at, at + frame);
    if (level > 0) levels.push(level);
  }
  levels.sort((a, b) => a - b);
  return levels[Math.floor(levels.length / 10)] ?? 0;
}
