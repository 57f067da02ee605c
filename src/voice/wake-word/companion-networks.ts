import type { Companions } from '../../inference/card';
import { HOP_SAMPLES, MEL_BANDS, SAMPLE_RATE_HZ } from '../features/features';
import { MOST_STEPS, type NetworkStream } from './network-stream';

const FRAMES_PER_MS = SAMPLE_RATE_HZ / 1000 / HOP_SAMPLES;

/**
 * Further networks of one word, which sleep until the first one's score rises. They then start with the frames before,
 * and the step's logit is the mean of all. Networks that were trained separately seldom mistake the same sound for the
 * word, and a room without the word costs only one network. Waking and sleeping follow from the first network's logits
 * step by step, so it does not matter how frames are split.
 */
export class RunningCompanions {
  private readonly wakeLogit: number;
  private readonly memory: number;
  private readonly restSteps: number;
  /** The last frames: those of the memory before the last whole step, and all after it. */
  private readonly frames: Float32Array;
  private held = 0;
  /** Frame of the stream that `frames` begins with. */
  private first = 0;
  /** Whole steps so far. */
  private steps = 0;
  private awake = false;
  /** Steps in a row at which the first network was below the waking score. */
  private quiet = 0;
  /** The companions' logits, summed, of the steps that they were asked about last; and what one of them said. */
  private readonly sums: Float32Array;
  private readonly logits: Float32Array;

  constructor(
    private readonly streams: readonly NetworkStream[],
    { wakeScore, memoryMs, restMs }: Omit<Companions, 'networks'>,
    private readonly framesPerStep: number,
  ) {
    this.wakeLogit = Math.log(wakeScore / (1 - wakeScore));
    // Whole steps: the companions' steps end where the first one's do.
    const memorySteps = Math.ceil((memoryMs * FRAMES_PER_MS) / framesPerStep);
    this.memory = memorySteps * framesPerStep;
    this.restSteps = Math.ceil((restMs * FRAMES_PER_MS) / framesPerStep);
    this.frames = new Float32Array((2 * this.memory + (MOST_STEPS + 1) * framesPerStep) * MEL_BANDS);
    this.sums = new Float32Array(memorySteps + MOST_STEPS + 1);
    this.logits = new Float32Array(this.sums.length);
  }

  reset(): void {
    this.held = 0;
    this.first = 0;
    this.steps = 0;
    this.awake = false;
    this.quiet = 0;
  }

  /**
   * Processes the same frames as the first network, and replaces its logits by the mean of all where the companions are
   * awake.
   * @param features `count` frames, at most `MOST_STEPS` steps of them
   * @param logits of the first network; from `at` on those of the `steps` steps that these frames completed
   */
  async join(features: Float32Array, count: number, logits: Float32Array, at: number, steps: number): Promise<void> {
    this.remember(features, count);
    const before = this.steps * this.framesPerStep;
    const end = before + steps * this.framesPerStep;
    let askedFrom = this.steps;
    if (this.awake && steps > 0) await this.ask(before, end);
    for (let i = 0; i < steps; i++) {
      const own = logits[at + i] as number;
      if (!this.awake) {
        if (!(own >= this.wakeLogit)) continue;
        for (const stream of this.streams) stream.reset();
        const begin = Math.max(0, before + (i + 1) * this.framesPerStep - this.memory);
        await this.ask(begin, end);
        askedFrom = begin / this.framesPerStep;
        this.awake = true;
        this.quiet = 0;
      }
      const sum = own + (this.sums[this.steps + i - askedFrom] as number);
      logits[at + i] = sum / (1 + this.streams.length);
      this.quiet = own < this.wakeLogit ? this.quiet + 1 : 0;
      this.awake = this.quiet < this.restSteps;
    }
    this.steps += steps;
  }

  /** The companions' logits for the frames from one to another of the stream, summed. */
  private async ask(from: number, to: number): Promise<void> {
    const frames = this.frames.subarray((from - this.first) * MEL_BANDS, (to - this.first) * MEL_BANDS);
    this.sums.fill(0);
    for (const stream of this.streams) {
      const steps = await stream.push(frames, to - from, this.logits);
      for (let i = 0; i < steps; i++) this.sums[i] = (this.sums[i] as number) + (this.logits[i] as number);
    }
  }

  private remember(features: Float32Array, count: number): void {
    if ((this.held + count) * MEL_BANDS > this.frames.length) {
      const keep = Math.max(this.first, this.steps * this.framesPerStep - this.memory);
      this.frames.copyWithin(0, (keep - this.first) * MEL_BANDS, this.held * MEL_BANDS);
      this.held -= keep - this.first;
      this.first = keep;
    }
    const start = this.held * MEL_BANDS;
    for (let i = 0; i < count * MEL_BANDS; i++) this.frames[start + i] = features[i] as number;
    this.held += count;
  }
}
