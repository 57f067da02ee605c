import { seededRandom } from '../../src/random';
import type {
  ClipRequest,
  ClipSource,
  FramedClip,
  FramedStretch,
  StreamRequest,
  TrialRequest,
} from '../../src/lab/wake-word/clips/framed-clip';
import { featuresOf, MEL_BANDS, SAMPLE_RATE_HZ } from '../../src/voice/features/features';

const CLIP_SECONDS = 1.2;
const STRETCH_SECONDS = 4;

/** Sound for tests of the trainer: the “word” is a rising sweep, other “speech” a falling one or a steady tone, in noise. In this thread. */
export class ToneSource implements ClipSource {
  /** Clips that were asked for. */
  made = 0;

  clip({ seed, negative }: ClipRequest): Promise<FramedClip> {
    this.made++;
    const random = seededRandom(seed);
    const word = negative === undefined && random.next() < 0.6;
    return Promise.resolve(clipOf(seed, word, random.between(0.005, 0.05), negative));
  }

  trial({ seed, snrDb }: TrialRequest): Promise<FramedClip> {
    return Promise.resolve(clipOf(seed, true, 0.2 * 10 ** (-snrDb[0] / 20)));
  }

  streams({ hours }: Omit<StreamRequest, 'index'>): Promise<{ name: string; seconds: number }[]> {
    return Promise.resolve([{ name: 'tones', seconds: hours * 3600 }]);
  }

  stream({ hours, seed }: StreamRequest, onStretch: (stretch: FramedStretch) => void): Promise<void> {
    for (let i = 0; i * STRETCH_SECONDS < hours * 3600; i++) {
      const random = seededRandom(seed + i);
      const samples = noise(STRETCH_SECONDS, 0.02, random);
      for (let at = 0.2; at < STRETCH_SECONDS - 0.6; at += 0.8)
        sweep(samples, at, random.next() < 0.5 ? 900 : 2400, 900);
      const features = featuresOf(samples);
      onStretch({ features, samples: samples.map((sample) => Math.round(sample * 32_768) / 32_768) });
    }
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function clipOf(seed: number, word: boolean, level: number, negative?: Float32Array): FramedClip {
  const random = seededRandom(seed ^ 0x5eed);
  const samples = noise(CLIP_SECONDS, level, random);
  const at = random.between(0.05, 0.25);
  if (negative !== undefined) negative.subarray(0, samples.length).forEach((value, i) => (samples[i] = value));
  else if (word) sweep(samples, at, 600, 2600);
  else if (random.next() < 0.7) sweep(samples, at, 2400, 700);
  const features = featuresOf(samples);
  const frames = Math.floor(features.length / MEL_BANDS);
  return { features: features.subarray(0, frames * MEL_BANDS), ends: word ? [(at + 0.4) * SAMPLE_RATE_HZ] : [] };
}

function noise(seconds: number, level: number, random: { normal(): number }): Float32Array {
  const samples = new Float32Array(seconds * SAMPLE_RATE_HZ);
  for (let i = 0; i < samples.length; i++) samples[i] = level * random.normal();
  return samples;
}

/** 0.4 s from one frequency to another. */
function sweep(samples: Float32Array, at: number, fromHz: number, toHz: number): void {
  const length = 0.4 * SAMPLE_RATE_HZ;
  const start = Math.round(at * SAMPLE_RATE_HZ);
  let phase = 0;
  for (let i = 0; i < length && start + i < samples.length; i++) {
    phase += (2 * Math.PI * (fromHz + ((toHz - fromHz) * i) / length)) / SAMPLE_RATE_HZ;
    samples[start + i] = (samples[start + i] as number) + 0.2 * Math.sin(phase) * Math.sin((Math.PI * i) / length);
  }
}
