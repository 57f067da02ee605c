import type { Random } from '../../../random';
import { clipCount, clipLength, clipStart, type SoundBank } from './bank';
import { generate, GENERATED } from './generate';
import { mixInto, rms } from './levels';
import type { Materials, NamedBank } from './materials';

/** What a word is heard against. */
export type BackgroundKind = 'quiet' | 'recorded' | 'generated' | 'babble' | 'talker';

const SHARES: readonly (readonly [BackgroundKind, number])[] = [
  ['quiet', 0.22],
  ['recorded', 0.38],
  ['generated', 0.2],
  ['babble', 0.1],
  ['talker', 0.1],
];

/** The share of silence in a recording of a sudden sound (a bark) must not make all the rest of it louder. */
const LEAST_RMS = 1e-4;

export function drawKind(random: Random): BackgroundKind {
  let at = random.next();
  for (const [kind, share] of SHARES) if ((at -= share) < 0) return kind;
  return 'recorded';
}

/** Fills `out` with a background at a root mean square of 1; `scratch` is as long. All speech in it is without the word. */
export function fillBackground(
  kind: BackgroundKind,
  materials: Materials,
  out: Float32Array,
  scratch: Float32Array,
  random: Random,
): void {
  out.fill(0);
  switch (kind) {
    case 'quiet':
      generate('coloured', out, random);
      break;
    case 'generated':
      generate(GENERATED[random.below(GENERATED.length)] ?? 'white', out, random);
      break;
    case 'recorded': {
      const bank = pickBank(materials.noise, random);
      if (bank === null) generate('gym', out, random);
      else tile(bank, random.below(clipCount(bank)), out, random);
      break;
    }
    case 'babble': {
      const voices = 3 + random.below(4);
      for (let i = 0; i < voices; i++) talk(materials, scratch, random, out, random.between(0.5, 1));
      break;
    }
    case 'talker':
      talk(materials, scratch, random, out, 1);
  }
  const level = rms(out);
  if (level < LEAST_RMS) generate('coloured', out, random);
  const scale = 1 / Math.max(rms(out), LEAST_RMS);
  for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) * scale;
}

/** One voice after the other, at a level of its own. */
function talk(materials: Materials, scratch: Float32Array, random: Random, out: Float32Array, gain: number): void {
  const real = random.next() < 0.6 ? pickBank(materials.speech, random) : null;
  const bank = real ?? materials.sentences;
  scratch.fill(0);
  if (clipCount(bank) > 0) tile(bank, random.below(clipCount(bank)), scratch, random, true);
  const level = rms(scratch);
  if (level > LEAST_RMS) mixInto(out, scratch, 0, gain / level);
}

export function pickBank(banks: readonly NamedBank[], random: Random): SoundBank | null {
  const filled = banks.filter(({ bank }) => clipCount(bank) > 0);
  return filled[random.below(Math.max(1, filled.length))]?.bank ?? null;
}

/** From a point by chance on, again from the beginning where it is too short; `hop` goes on with another clip instead. */
function tile(bank: SoundBank, index: number, out: Float32Array, random: Random, hop = false): void {
  let clip = index;
  let at = random.below(Math.max(1, clipLength(bank, clip)));
  for (let i = 0; i < out.length; i++, at++) {
    if (at >= clipLength(bank, clip)) {
      at = 0;
      if (hop) clip = random.below(clipCount(bank));
    }
    out[i] = (bank.samples[clipStart(bank, clip) + at] as number) / 32_768;
  }
}
