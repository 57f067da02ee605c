import type { Box } from '../../events';
import type { RunningModel } from '../../events';
import type { FiveLandmarks, Frame, Point } from '../picture/frame';

/** The interfaces that both model families (YuNet + ArcFace-style encoders, and face-api's) stand behind. */

export interface DetectedFace {
  readonly box: Box;
  /** 0..1. */
  readonly score: number;
  /** Given by detectors that find landmarks themselves; otherwise a `FaceLandmarker` is asked. */
  readonly landmarks: FiveLandmarks | null;
}

export interface FaceDetector {
  readonly running: RunningModel;
  /**
   * Faces above the score threshold, after non-maximum suppression, best first.
   * @param smallestFacePx faces of at least this width (frame pixels) must be found; it sets the detection size where the
   *   network's input is free
   */
  detect(frame: Frame, smallestFacePx: number): Promise<readonly DetectedFace[]>;
  dispose(): Promise<void>;
}

/** Landmarks of one face in frame pixels. `points` are all that the model gave (5 or 68). */
export interface FaceShape {
  readonly box: Box;
  readonly five: FiveLandmarks;
  readonly points: readonly Point[];
}

export interface FaceLandmarker {
  readonly running: RunningModel;
  locate(frame: Frame, box: Box): Promise<FaceShape>;
  dispose(): Promise<void>;
}

/** A face cut out for its encoder: planar RGB (all R, all G, all B), values 0..255. Reused by the next `align`. */
export interface AlignedFace {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Brings a face into the place and size that an encoder expects. */
export interface FaceAligner {
  /** Null when the landmarks span nothing or lie outside the frame. The face is reused by the next call. */
  align(frame: Frame, shape: FaceShape): AlignedFace | null;
}

export interface FaceEncoder extends FaceAligner {
  readonly running: RunningModel;
  /** Embedding space id, number of dimensions: from the card. */
  readonly space: string;
  readonly dimensions: number;
  /** One embedding (a fresh array); the mean of the picture's and its mirror image's where `mirror` is on. */
  encode(face: AlignedFace): Promise<Float32Array>;
  dispose(): Promise<void>;
}
