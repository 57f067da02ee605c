import type { Card } from '../../inference/card';
import type { Frame, Point } from '../picture/frame';
import { warpInto } from '../picture/resample';
import { fitSimilarity, templatePoints } from './align';
import type { AlignedFace, FaceAligner, FaceShape } from './faces';

/** As ArcFace does it: a rotation, scale and shift that bring five landmarks onto the card's template. */
export class FivePointAligner implements FaceAligner {
  private readonly template: readonly Point[];
  private readonly aligned: AlignedFace;

  constructor(
    { template }: Extract<NonNullable<Card['alignment']>, { kind: 'five-point' }>,
    { width, height }: { readonly width: number; readonly height: number },
  ) {
    this.template = templatePoints(template);
    this.aligned = { width, height, data: new Float32Array(3 * width * height) };
  }

  align(frame: Frame, shape: FaceShape): AlignedFace | null {
    const fromTarget = fitSimilarity(this.template, shape.five);
    if (fromTarget === null) return null;
    warpInto(frame, fromTarget, this.aligned.data, this.aligned.width, this.aligned.height);
    return this.aligned;
  }
}
