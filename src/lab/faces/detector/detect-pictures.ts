import type { DetectedPicture } from './average-precision';
import type { BoxedPicture } from './box-labels';
import { readAhead } from '../data/encode-pictures';
import { UsherError } from '../../../errors';
import type { Box } from '../../../events';
import type { FaceDetector } from '../../../vision/faces/faces';
import type { Frame } from '../../../vision/picture/frame';

export interface FramedPicture {
  readonly frame: Frame;
  /** In pixels of the frame. */
  readonly truth: readonly Box[];
}

/**
 * Labelled pictures, decoded in order, a few ahead.
 * @throws UsherError `picture-invalid`: here a picture that cannot be read is not one without faces
 */
export async function* framed(pictures: readonly BoxedPicture[]): AsyncGenerator<FramedPicture> {
  let at = 0;
  for await (const frame of readAhead(pictures.map(({ file }) => file))) {
    if (typeof frame === 'string') throw new UsherError('picture-invalid', frame);
    const truth = (pictures[at++]?.boxes ?? []).map(({ x, y, width, height }) => ({
      x: x * frame.width,
      y: y * frame.height,
      width: width * frame.width,
      height: height * frame.height,
    }));
    yield { frame, truth };
  }
}

/** @param onProgress pictures done */
export async function detectIn(
  pictures: readonly BoxedPicture[],
  detector: Pick<FaceDetector, 'detect'>,
  smallestFacePx: number,
  onProgress: (done: number) => void = () => undefined,
): Promise<DetectedPicture[]> {
  const results: DetectedPicture[] = [];
  for await (const { frame, truth } of framed(pictures)) {
    const found = await detector.detect(frame, smallestFacePx);
    results.push({ found: found.map(({ box, score }) => ({ box, score })), truth });
    onProgress(results.length);
  }
  return results;
}
