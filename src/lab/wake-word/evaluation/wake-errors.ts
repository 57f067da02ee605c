import type { Materials, NamedBank } from '../sound/materials';
import { RATE_HZ } from '../sound/rate';
import { featuresOf, MEL_BANDS } from '../../../voice/features/features';
import type { SoundStream } from '../sound/streams';
import type { ErrorCase, Raster } from '../../report/error-cases';
import { falseAccepts, type Heard, trialSeed, type WakeEvaluation } from './wake-evaluation';
import { makeTrial } from './trials';

/** What to collect or to mend, by cause. */
export const WAKE_ADVICE: Readonly<Record<string, string>> = {
  'noise as loud as the word':
    'At 0 dB people mishear too: bring the microphone nearer, or mix more of this noise into training.',
  'noise at 5 dB': 'Record the room’s own noise (usher record background) and train with it.',
  'noise at 10 dB': 'Record the room’s own noise (usher record background) and train with it.',
  'noisy recording': 'Record the word in such rooms (usher record word) and fine-tune with --from.',
  'soft recording': 'Look at the microphone’s gain; record soft speakers.',
  overdriven: 'Lower the microphone’s gain.',
  'spoken slowly': 'Record slow speakers, or train with a wider range of speeds.',
  'spoken fast': 'Record fast speakers, or train with a wider range of speeds.',
  'speaker unlike the others': 'Record more such speakers (accent, age, child); a few dozen clips move most.',
};

/** Seconds of sound that a false accept is shown with: those before it, and what follows. */
const BEFORE_S = 1.6;
const AFTER_S = 0.3;

/** The misses at `threshold`, those that were farthest from being heard first. */
export function missCases(
  evaluation: WakeEvaluation,
  positives: readonly NamedBank[],
  materials: Materials,
  threshold: number,
  seed: number,
): ErrorCase[] {
  return evaluation.heard
    .filter(({ strength }) => strength < threshold)
    .sort((a, b) => a.strength - b.strength)
    .map((one) => ({
      cause: causeOfMiss(one),
      caption: `${one.strength.toFixed(2)} ${one.trial.condition.name} ${one.trial.clip.slice(0, 12)} ${one.trial.background ?? ''} ${one.trial.levelDb.toFixed(0)} dBFS`,
      picture: () => Promise.resolve([pictureOfTrial(one, positives, materials, seed)]),
    }));
}

function pictureOfTrial(one: Heard, positives: readonly NamedBank[], materials: Materials, seed: number): Raster {
  const bank = positives.find(({ name }) => name === one.corpus)?.bank;
  const { condition } = one.trial;
  const sound =
    bank === undefined
      ? null
      : makeTrial(bank, one.index, condition, materials.noise, trialSeed(seed, condition, one.repeat));
  if (sound === null) return { width: 1, height: 1, values: new Float32Array(1) };
  const { samples, trial } = sound;
  const from = Math.max(0, trial.start - 0.5 * RATE_HZ);
  return spectrogram(samples.subarray(from, Math.min(samples.length, trial.end + 0.6 * RATE_HZ)));
}

function causeOfMiss({ trial }: Heard): string {
  const { condition, ownSnrDb, levelDb, start, end } = trial;
  const seconds = (end - start) / RATE_HZ;
  if (condition.snrDb !== null)
    return condition.snrDb <= 0 ? 'noise as loud as the word' : `noise at ${condition.snrDb} dB`;
  if (condition.gainDb > 0 && levelDb + condition.gainDb > -6) return 'overdriven';
  if (ownSnrDb < 15) return 'noisy recording';
  if (levelDb + condition.gainDb < -50) return 'soft recording';
  if (seconds > 1) return 'spoken slowly';
  if (seconds < 0.5) return 'spoken fast';
  return 'speaker unlike the others';
}

/** The false accepts at `threshold`, by the corpus they came from. */
export function falseAcceptCases(evaluation: WakeEvaluation, threshold: number): ErrorCase[] {
  return evaluation.overheard.flatMap((one) => {
    const steps = falseAccepts(evaluation, one, threshold);
    const samples = steps.map((step) => evaluation.listener.heardAt(step));
    let pieces: Float32Array[] | null = null;
    return steps.map((step, i) => ({
      cause: `false accept: ${one.name}`,
      caption: `${one.name} at ${timeText((samples[i] as number) / RATE_HZ)} score ${(one.means[step] as number).toFixed(2)}`,
      picture: () => {
        pieces ??= cut(one.stream, samples);
        return Promise.resolve([spectrogram(pieces[i] as Float32Array)]);
      },
    }));
  });
}

/** Streams are not kept: the pieces before these samples, in ascending order, are made again, all in one go. */
function cut(stream: SoundStream, samples: readonly number[]): Float32Array[] {
  const length = (BEFORE_S + AFTER_S) * RATE_HZ;
  const pieces = samples.map((sample) => ({
    from: Math.max(0, sample - BEFORE_S * RATE_HZ),
    out: new Float32Array(length),
  }));
  const end = (pieces.at(-1)?.from ?? 0) + length;
  let at = 0;
  for (const chunk of stream.chunks()) {
    for (const { from, out } of pieces) {
      const first = Math.max(from, at);
      const last = Math.min(from + length, at + chunk.length);
      for (let i = first; i < last; i++) out[i - from] = chunk[i - at] as number;
    }
    at += chunk.length;
    if (at >= end) break;
  }
  return pieces.map(({ out }) => out);
}

/** What the network sees: the bands from low (below) to high over time. */
export function spectrogram(samples: Float32Array): Raster {
  const features = featuresOf(samples);
  const width = features.length / MEL_BANDS;
  const values = new Float32Array(features.length);
  for (let frame = 0; frame < width; frame++)
    for (let band = 0; band < MEL_BANDS; band++)
      values[(MEL_BANDS - 1 - band) * width + frame] = features[frame * MEL_BANDS + band] as number;
  return { width, height: MEL_BANDS, values };
}

const timeText = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, '0')}`;
