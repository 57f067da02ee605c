import { UsherError } from '../../errors';
import { RealFft } from './fft';
import { melFilters, type MelFilter } from './mel';

/** Named in the card of every model that was trained on them. Any change of a number below is another version. */
export const FEATURE_VERSION = 'mel-pcen-40-v2';

export const SAMPLE_RATE_HZ = 16_000;
/** 25 ms, under a periodic Hann window. */
export const FRAME_SAMPLES = 400;
/** 10 ms. */
export const HOP_SAMPLES = 160;
export const FRAME_MS = 10;
export const MEL_BANDS = 40;
const FFT_SIZE = 512;
/** Above the reach of the window's main lobe around 0 Hz, so that a microphone's direct current stays out. */
export const LOWEST_HZ = 100;
export const HIGHEST_HZ = 7600;

/**
 * Per-channel energy normalisation (Wang et al. 2017, "Trainable frontend for robust and far-field keyword spotting"):
 * pcen = (E / (ε + M)^α + δ)^r − δ^r with M the exponential mean of E. Against the mean, not the level, so that gain, distance
 * and steady noise fall out of the features instead of having to be learnt. The logarithm of one more than that is what is used: a
 * word in a silent room stands 50 dB above the mean, one in a gym 5 dB, and a network that hears 300 for the one and 1 for the other
 * learns neither well.
 */
const SMOOTHING = 0.03;
const ALPHA = 0.98;
const DELTA = 2;
/** r is 0.5: a square root. */
const DELTA_ROOT = Math.sqrt(DELTA);
/** Power of a band at about −82 dB of full scale: below a microphone's own noise, above the steps of 16 bits. */
const FLOOR = 1e-6;

const { exp, log, log1p, sqrt } = Math;

/**
 * The features of the voice path, for training and for serving alike: one frame of 40 bands every 10 ms. Causal and streaming:
 * however the sound is cut into chunks, the same frames come out, bit by bit, and no chunk allocates.
 */
export class FeatureExtractor {
  private readonly fft = new RealFft(FFT_SIZE);
  private readonly window = hann(FRAME_SAMPLES);
  private readonly filters = melFilters(MEL_BANDS, LOWEST_HZ, HIGHEST_HZ, FFT_SIZE, SAMPLE_RATE_HZ);
  private readonly means = new Float64Array(MEL_BANDS);
  /** The last `held` samples belong to a frame that has started. */
  private readonly history = new Float32Array(FRAME_SAMPLES);
  private held = 0;
  private fresh = true;

  /** Resets the state, as after a gap in the sound. */
  reset(): void {
    this.held = 0;
    this.fresh = true;
  }

  /** How many frames `push` will make of so many samples. */
  framesAfter(samples: number): number {
    return Math.max(0, Math.floor((this.held + samples - FRAME_SAMPLES) / HOP_SAMPLES) + 1);
  }

  /**
   * Takes the next samples, −1 to 1, and writes the frames that they complete to the start of `out`, one after the
   * other.
   * @param count how many of `samples` to use; all by default
   * @returns number of frames written
   * @throws RangeError if `out` is too small for `framesAfter(count)` frames
   * @throws UsherError `data-invalid` for a sample that is not a number; then call `reset` before continuing
   */
  push(samples: Float32Array, out: Float32Array, count = samples.length): number {
    const frames = this.framesAfter(count);
    if (out.length < frames * MEL_BANDS)
      throw new RangeError(`${frames} frames do not fit into ${out.length} values of output`);
    let written = 0;
    for (let at = 0; at < count;) {
      const taken = Math.min(FRAME_SAMPLES - this.held, count - at);
      for (let i = 0; i < taken; i++) this.history[this.held + i] = samples[at + i] as number;
      this.held += taken;
      at += taken;
      if (this.held < FRAME_SAMPLES) break;
      this.frame(out, written * MEL_BANDS);
      written++;
      this.history.copyWithin(0, HOP_SAMPLES);
      this.held -= HOP_SAMPLES;
    }
    return written;
  }

  private frame(out: Float32Array, at: number): void {
    const { fft, window, history, means } = this;
    for (let i = 0; i < FRAME_SAMPLES; i++) fft.input[i] = (history[i] as number) * (window[i] as number);
    fft.powers();
    for (let band = 0; band < MEL_BANDS; band++) {
      const energy = bandEnergy(fft.power, this.filters[band] as MelFilter);
      const mean = this.fresh ? energy : (means[band] as number) + SMOOTHING * (energy - (means[band] as number));
      means[band] = mean;
      const normalised = energy * exp(-ALPHA * log(FLOOR + mean));
      out[at + band] = log1p(sqrt(normalised + DELTA) - DELTA_ROOT);
    }
    this.fresh = false;
    // A band without number stays without: one look at the last mean of each frame would do, a sum looks at all.
    let total = 0;
    for (let band = 0; band < MEL_BANDS; band++) total += means[band] as number;
    if (!Number.isFinite(total))
      throw new UsherError('data-invalid', 'the sound contains samples that are not numbers', {
        remedy: 'Check the recording, or the program that delivers the samples.',
      });
  }
}

/** All frames of one recording, in one array. */
export function featuresOf(samples: Float32Array): Float32Array {
  const extractor = new FeatureExtractor();
  const out = new Float32Array(extractor.framesAfter(samples.length) * MEL_BANDS);
  extractor.push(samples, out);
  return out;
}

function bandEnergy(power: Float64Array, { first, weights }: MelFilter): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += (power[first + i] as number) * (weights[i] as number);
  return sum;
}

function hann(length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length));
}
