import type { Materials } from '../sound/materials';
import type { SoundStream } from '../sound/streams';

/** A clip as the network takes it, [frames, bands], and where its words end, in samples. */
export interface FramedClip {
  readonly features: Float32Array;
  readonly ends: readonly number[];
}

/** A stretch of a stream without the word: its features follow those of the stretch before. */
export interface FramedStretch {
  readonly features: Float32Array;
  readonly samples: Float32Array;
}

/** Which clip: the mixer's own by seed, or one around a mined piece of sound. */
export interface ClipRequest {
  readonly seed: number;
  readonly negative?: Float32Array;
}

/** How clips for a measurement are mixed: always with the word, against noise in these limits. */
export interface TrialRequest {
  readonly seed: number;
  readonly snrDb: readonly [number, number];
}

export interface StreamRequest {
  readonly part: 'train' | 'validation';
  readonly hours: number;
  readonly seed: number;
  readonly index: number;
}

/** Where clips come from: worker threads, or, in a test, this one. */
export interface ClipSource {
  clip(request: ClipRequest): Promise<FramedClip>;
  /** Of the validation part. */
  trial(request: TrialRequest): Promise<FramedClip>;
  /** The streams that `stream` knows. */
  streams(request: Omit<StreamRequest, 'index'>): Promise<readonly StreamFacts[]>;
  stream(request: StreamRequest, onStretch: (stretch: FramedStretch) => void): Promise<void>;
  close(): Promise<void>;
}

export type StreamFacts = Pick<SoundStream, 'name' | 'seconds' | 'adversarial'>;

/** What a source mixes of. */
export interface ClipMaterials {
  readonly train: Materials;
  readonly validation: Materials;
}
