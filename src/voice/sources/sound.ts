import { type Lent, type Source } from '../../sources/source';

/**
 * A piece of sound, 16 kHz mono, whose buffer belongs to the source until `release()`. Unlike a frame it must not be
 * dropped: a source that can wait (a file, a pipe) waits until pieces are returned; one that cannot (a microphone)
 * overruns and sets `gap`.
 */
export interface LentSound extends Lent {
  /** −1 to 1; only the first `length` values are meant. */
  readonly samples: Float32Array;
  readonly length: number;
  /** Sound is missing before this piece, or it is the first: whatever remembers earlier sound must forget it. */
  readonly gap: boolean;
  /** Samples of this opening up to the end of the piece: the time on the recording's own clock. */
  readonly endSample: number;
  /** Samples that were no numbers, and were taken as 0. */
  readonly invalid: number;
  /** What is wrong with the channels that it was made from; null where nothing is. */
  readonly trouble: string | null;
  /** @param attentive what comes next is waited for: it is given on at once, however short */
  release(attentive?: boolean): void;
}

/** Fails with UsherError `microphone-failed` or `dependency-missing`. */
export type MicrophoneSource = Source<LentSound>;

export const SOUND_RATE_HZ = 16_000;
/** Of a file read in real time, and of what measures take for a recorder: 80 ms are written and read at once. */
export const READ_SAMPLES = 1280;
/**
 * A piece of 240 ms; the last one before a gap or an end may be shorter, and so are pieces that are needed at once.
 * Waking up costs more than processing, since caches are cold by then: three reads of a recorder's pipe at once take a
 * third of the CPU time of three single reads. While a word may be in progress, each read is passed on at once.
 */
export const PIECE_SAMPLES = 3840;
