/** What training asks of its data; `features.ts` of the voice path says what a sample is. */

/** A few seconds of sound with its labels. */
export interface TrainingClip {
  /** 16 kHz, mono, −1 to 1. */
  readonly samples: Float32Array;
  /** Sample index at which each spoken trigger word ends; none in a negative clip. */
  readonly ends: readonly number[];
}

/** Makes clips. The same seed gives the same clip, bit by bit, in any order and in any thread. */
export interface ClipComposer {
  /** Length of every clip. */
  readonly clipSamples: number;
  /**
   * A mixture as the microphone will receive it: trigger words or none, other speech, backgrounds, a room, a
   * microphone.
   */
  compose(seed: number): TrainingClip;
  /**
   * A clip without the trigger word around a mined sound that the model mistook for it, through the same room, speed,
   * gain and noise as any other clip.
   */
  composeAround(negative: Float32Array, seed: number): TrainingClip;
}

/** Sound without the trigger word, to mine in and to count false accepts on. */
export interface NegativeStream {
  /** Of the corpus; false accepts are listed by it. */
  readonly name: string;
  readonly seconds: number;
  /** The same pieces at every call. */
  chunks(): Iterable<Float32Array>;
}
