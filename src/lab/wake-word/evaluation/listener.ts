import { joinFloats } from '../../report/float32';
import { FeatureExtractor, FRAME_SAMPLES, HOP_SAMPLES, MEL_BANDS } from '../../../voice/features/features';
import type { WakeWordScorer } from '../../../voice/wake-word/wake-word';

/** Runs sound through the features and the network that the daemon runs, faster than it is spoken. */
export class Listener {
  private readonly extractor = new FeatureExtractor();
  private features = new Float32Array(0);

  constructor(private readonly scorer: WakeWordScorer) {}

  /** Seconds between two scores. */
  get stepSeconds(): number {
    return (this.scorer.framesPerStep * HOP_SAMPLES) / 16_000;
  }

  /** The sample index that must have been heard for step `step` to have a score. */
  heardAt(step: number): number {
    return ((step + 1) * this.scorer.framesPerStep - 1) * HOP_SAMPLES + FRAME_SAMPLES;
  }

  /** The step whose score is the first to know sample `sample`. */
  stepAt(sample: number): number {
    return Math.ceil(((sample - FRAME_SAMPLES) / HOP_SAMPLES + 1) / this.scorer.framesPerStep) - 1;
  }

  /** Resets the state and scores every step of these pieces of sound, as one stream. */
  async listen(pieces: Iterable<Float32Array>): Promise<Float32Array> {
    this.extractor.reset();
    this.scorer.reset();
    const parts: Float32Array[] = [];
    for (const piece of pieces) {
      const frames = this.extractor.framesAfter(piece.length);
      if (this.features.length < frames * MEL_BANDS) this.features = new Float32Array(frames * MEL_BANDS);
      this.extractor.push(piece, this.features);
      const scores = new Float32Array(this.scorer.stepsAfter(frames));
      await this.scorer.push(this.features, frames, scores);
      parts.push(scores);
    }
    return joinFloats(parts);
  }
}
