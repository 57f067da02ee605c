import { type Lent, type Source } from '../../sources/source';

/**
 * A piece of sound, 16 kHz mono, whose buffer belongs to the source until `release()`. Unlike a frame it may not be dropped: a source
 * that can wait (a file, a pipe) waits until pieces come back, one that cannot (a microphone) overruns, and says so by `gap`.
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
 * A piece, 240 ms; the last one before a gap or an end may be shorter, and so are those that are waited for. Waking up costs more than
 * listening: caches have gone cold by then. Three reads of a recorder's pipe in one go take a third of the processor that one by one
 * they would; once a word may be under way, each is given on as it comes.
 */
export const PIECE_SAMPLES = 3840;
