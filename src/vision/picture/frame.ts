/** A picture in memory: packed RGB, 8 bit, row by row, no padding. `data.length === width * height * 3`. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A frame from a camera, with its place in the stream. */
export interface CapturedFrame extends Frame {
  /** Ordinal in the source, from 0; gaps mean frames that were dropped before analysis. */
  readonly seq: number;
  /** When the last byte arrived here (epoch ms). */
  readonly at: number;
  /**
   * When the picture was taken, on the machine's monotonic clock (ms), as far as its source can tell: never later than its arrival, and
   * -Infinity while the source does not know how old its pictures are.
   */
  readonly mono: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Five landmarks as ArcFace orders them, as seen in the picture: left eye, right eye, nose tip, left and right mouth
 * corner ("left" is the smaller x on an upright face).
 */
export type FiveLandmarks = readonly [Point, Point, Point, Point, Point];
