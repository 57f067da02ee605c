import { HOP_SAMPLES, SAMPLE_RATE_HZ } from '../../../voice/features/features';
import type { ClipSource, StreamRequest } from '../clips/framed-clip';
import type { Listener } from './listener';
import { smoothed, type TriggerShape } from './operating-points';
import { STRIDE_FRAMES } from '../network/parameters';

/** What is kept of the sound before the step that answered most, and after it. */
const BEFORE = 1.4 * SAMPLE_RATE_HZ;
const AFTER = 0.2 * SAMPLE_RATE_HZ;
const STEP_SAMPLES = STRIDE_FRAMES * HOP_SAMPLES;
/** Of two answers so close, one is kept. */
const APART_STEPS = 33;
/** Of what is kept, that one kind of sound has at most: else the words that sound most alike would be all that is learnt. */
const MOST_OF_ONE = 0.25;
/** … and one of nothing but near misses: rare in life, they would crowd out what is not. */
const MOST_ADVERSARIAL = 0.12;
/** Answers below this teach nothing that other clips do not. */
const LEAST_SCORE = 0.05;

/** Sound without the word that the network took for it. */
export interface MinedNegative {
  readonly score: number;
  readonly samples: Float32Array;
}

/**
 * Streams the network over hours of sound without the word and keeps what it answered most to (bootstrapping of hard negatives:
 * Sung & Poggio 1998). The strongest `most` of all.
 */
export async function mineNegatives(
  listener: Listener,
  source: ClipSource,
  request: Omit<StreamRequest, 'index'>,
  { most, shape, onProgress }: { most: number; shape: TriggerShape; onProgress: (share: number) => void },
): Promise<MinedNegative[]> {
  const names = await source.streams(request);
  const total = names.reduce((sum, { seconds }) => sum + seconds, 0);
  let heard = 0;
  const byStream = await Promise.all(
    names.map(async ({ adversarial }, index) => {
      const found: MinedNegative[] = [];
      const hear = listener.hear();
      let queue = Promise.resolve();
      await source.stream({ ...request, index }, ({ features, samples }) => {
        // One after the other: the network's state passes from each stretch to the next.
        queue = queue.then(async () => {
          const scores = await hear(features);
          for (const { step, score } of peaks(smoothed(scores, shape.smoothSteps)))
            found.push({ score, samples: around(samples, step) });
          heard += samples.length / SAMPLE_RATE_HZ;
          onProgress(heard / total);
        });
      });
      await queue;
      return strongest(found, Math.ceil(most * (adversarial === true ? MOST_ADVERSARIAL : MOST_OF_ONE)));
    }),
  );
  return strongest(byStream.flat(), most);
}

function strongest(found: readonly MinedNegative[], most: number): MinedNegative[] {
  return [...found].sort((a, b) => b.score - a.score).slice(0, most);
}

/** Highest points, the strongest first, none near another. */
export function peaks(means: Float32Array): { step: number; score: number }[] {
  const candidates = [...means.keys()].filter((i) => (means[i] as number) >= LEAST_SCORE);
  candidates.sort((a, b) => (means[b] as number) - (means[a] as number) || a - b);
  const kept: number[] = [];
  for (const step of candidates) if (kept.every((other) => Math.abs(other - step) >= APART_STEPS)) kept.push(step);
  return kept.map((step) => ({ step, score: means[step] as number }));
}

function around(samples: Float32Array, step: number): Float32Array {
  const at = step * STEP_SAMPLES;
  return samples.slice(Math.max(0, at - BEFORE), Math.min(samples.length, at + AFTER));
}
