import type { Box } from '../../events';
import { intersectionOverUnion } from '../picture/boxes';
import { FusedEmbedding } from './fusion';
import { l2Distance } from '../../store/members/vector';

export interface TrackUpdate {
  readonly track: number;
  /** Quality-weighted mean of the track's last embeddings; null until one was added. */
  readonly fused: Float32Array | null;
  readonly fusedFrames: number;
}

export interface TrackerOptions {
  readonly dimensions: number;
  readonly normalise: boolean;
  /** Two embeddings farther apart than this are not taken for one person: the loosest threshold of the card. */
  readonly samePersonDistance: number;
  /** The track ends when its face was not seen for so long. */
  readonly absentMs: number;
}

/** Least overlap of one person's boxes in successive analysed frames; below it, nearness of the centres may still decide. */
const SAME_BOX_IOU = 0.25;
const SAME_BOX_SHIFT = 0.75;
/** One odd frame (a moment of blur) is left out of the mean; a second in a row is another person. */
const STRANGER_FRAMES = 2;

/**
 * Follows the one subject of a camera and fuses its embeddings. A new track begins when the face was away, jumped, or
 * stopped looking like itself: votes must never be inherited from the person who stood there before.
 */
export class SubjectTracker {
  private readonly fusion: FusedEmbedding;
  private track = 0;
  private box: Box | null = null;
  private lastSeenAt = 0;
  private strangerFrames = 0;

  constructor(private readonly options: TrackerOptions) {
    this.fusion = new FusedEmbedding(options.dimensions, options.normalise);
  }

  /** @param at time of the frame in ms; `embedding` null when the face was refused by a gate */
  update(at: number, box: Box, embedding: Float32Array | null, weight: number): TrackUpdate {
    if (this.box === null || at - this.lastSeenAt > this.options.absentMs || !isSamePlace(this.box, box)) this.begin();
    this.box = box;
    this.lastSeenAt = at;
    if (embedding !== null) this.fuse(embedding, weight);
    const frames = this.fusion.frames;
    return { track: this.track, fused: frames === 0 ? null : this.fusion.mean(), fusedFrames: frames };
  }

  private fuse(embedding: Float32Array, weight: number): void {
    const alike =
      this.fusion.frames === 0 || l2Distance(this.fusion.mean(), embedding) <= this.options.samePersonDistance;
    if (!alike) {
      this.strangerFrames++;
      if (this.strangerFrames < STRANGER_FRAMES) return;
      this.begin();
    }
    this.strangerFrames = 0;
    this.fusion.add(embedding, weight);
  }

  private begin(): void {
    this.track++;
    this.strangerFrames = 0;
    this.fusion.reset();
  }
}

function isSamePlace(before: Box, after: Box): boolean {
  if (intersectionOverUnion(before, after) >= SAME_BOX_IOU) return true;
  const shift = Math.hypot(
    before.x + before.width / 2 - after.x - after.width / 2,
    before.y + before.height / 2 - after.y - after.height / 2,
  );
  const ratio = before.width / after.width;
  return shift <= SAME_BOX_SHIFT * Math.max(before.width, after.width) && ratio > 0.5 && ratio < 2;
}
