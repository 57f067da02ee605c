import { seededRandom, streamSeed, type Random } from '../../../random';
import { MEL_BANDS } from '../../../voice/features/features';
import type { ClipSource, FramedClip } from '../clips/framed-clip';
import { labelSteps } from './labels';
import type { MinedNegative } from './mining';
import type { LabelledBatch } from '../network/network';
import { CONTEXT_FRAMES, STRIDE_FRAMES } from '../network/parameters';
import { warpBands } from './band-warp';

export interface BatchPlan {
  readonly seed: number;
  /** Clips in a batch, a multiple of 4. */
  readonly size: number;
  /** Of them made for this step; the others were made for one of the last `memory` steps and are seen again in another build and under other masks. */
  readonly fresh: number;
  readonly memory: number;
  /** Of the fresh ones, around mined sound, once there is any. */
  readonly minedShare: number;
}

/** Mined before the given step. */
export type MinedBefore = (step: number) => readonly MinedNegative[];

/**
 * The batch of every step, by the seed alone: which clip a place holds follows from its step and place, so a training that is resumed
 * sees what it would have seen. Clips are kept for as long as a later step may want them.
 */
export class Batches {
  private readonly clips = new Map<string, Promise<FramedClip>>();

  constructor(
    private readonly source: ClipSource,
    private readonly plan: BatchPlan,
    private readonly minedBefore: MinedBefore,
  ) {}

  /** Has the clips of a step made before they are needed. */
  prepare(step: number): void {
    for (const [madeFor, place] of this.places(step)) void this.fetch(madeFor, place);
  }

  async batch(step: number): Promise<LabelledBatch> {
    const clips = await Promise.all(this.places(step).map(([madeFor, place]) => this.fetch(madeFor, place)));
    for (const key of this.clips.keys())
      if (Number(key.split('.')[0]) < step - this.plan.memory) this.clips.delete(key);
    return assemble(clips, streamSeed(this.plan.seed, 3, step));
  }

  private places(step: number): [number, number][] {
    const { seed, size, fresh, memory } = this.plan;
    const random = seededRandom(streamSeed(seed, 2, step));
    return Array.from({ length: size }, (_, place) =>
      place < fresh || step === 0
        ? [step, place]
        : [step - 1 - random.below(Math.min(step, memory)), random.below(fresh)],
    );
  }

  private fetch(step: number, place: number): Promise<FramedClip> {
    const key = `${step}.${place}`;
    const known = this.clips.get(key);
    if (known !== undefined) return known;
    const { seed, minedShare } = this.plan;
    const random = seededRandom(streamSeed(seed, 4, step, place));
    const mined = this.minedBefore(step);
    const negative =
      mined.length > 0 && random.next() < minedShare ? mined[random.below(mined.length)]?.samples : undefined;
    const clipSeed = streamSeed(seed, 5, step, place);
    const clip = this.source.clip(negative === undefined ? { seed: clipSeed } : { seed: clipSeed, negative });
    // Whoever awaits it hears of a failure; until then it is not unhandled.
    clip.catch(() => undefined);
    this.clips.set(key, clip);
    return clip;
  }
}

/** Stacks clips, gives each another talker's build, masks them and labels their steps. */
export function assemble(clips: readonly FramedClip[], seed: number): LabelledBatch {
  const batch = clips.length;
  const shortest = Math.min(...clips.map(({ features }) => features.length)) / MEL_BANDS;
  // The kernel takes steps by four.
  const steps = Math.floor(shortest / STRIDE_FRAMES / 4) * 4;
  const frames = CONTEXT_FRAMES + steps * STRIDE_FRAMES;
  const data = new Float32Array(batch * frames * MEL_BANDS);
  const targets = new Float32Array(steps * batch);
  const weights = new Float32Array(steps * batch);
  const random = seededRandom(seed);
  clips.forEach(({ features, ends }, i) => {
    const begin = (i * frames + CONTEXT_FRAMES) * MEL_BANDS;
    const room = data.subarray(begin, (i + 1) * frames * MEL_BANDS);
    room.set(features.subarray(0, room.length));
    warpBands(room, random);
    specAugment(room, MEL_BANDS, random);
    labelSteps(ends, steps, targets, weights, { offset: i, stride: batch });
  });
  return { data, batch, frames, bands: MEL_BANDS, targets, weights };
}

const MASKS = 2;
const WIDEST_BANDS = 7;
const LONGEST_FRAMES = 9;

/**
 * Blanks stripes of bands and of frames (Park et al. 2019, "SpecAugment"), so that no single formant and no single instant decides.
 * In place, on [frames, bands].
 */
export function specAugment(features: Float32Array, bands: number, random: Random): void {
  const frames = features.length / bands;
  for (let mask = 0; mask < MASKS; mask++) {
    const width = random.below(WIDEST_BANDS + 1);
    const band = random.below(bands - width + 1);
    for (let frame = 0; frame < frames; frame++) features.fill(0, frame * bands + band, frame * bands + band + width);
    const length = random.below(Math.min(LONGEST_FRAMES, frames) + 1);
    const first = random.below(frames - length + 1);
    features.fill(0, first * bands, (first + length) * bands);
  }
}
