import { messageOf } from '../../../errors';
import type { Box, Quality, QualityRefusal } from '../../../events';
import type { AnalysedFace, FaceAnalyser } from '../../../vision/faces/analyser';
import type { Frame } from '../../../vision/picture/frame';
import { readPicture } from '../../../vision/picture/picture';

export interface EncodedPicture {
  readonly embedding: Float32Array | null;
  readonly box: Box | null;
  readonly quality: Quality | null;
  /** Why there is no embedding, or which gate would refuse the face at a door. */
  readonly refusal: QualityRefusal | 'no-face' | 'unreadable' | null;
  readonly detail: string | null;
}

/** Number of pictures decoded ahead; decoding runs on other threads. */
const READ_AHEAD = 4;

/**
 * The face that the label means: the one nearest the centre, which is LFW's convention. Labelled pictures are cropped
 * around their person and may show others at the edge, sometimes larger; a detector's mistake may be larger too.
 */
export function centralFace(faces: readonly AnalysedFace[], frame: Frame): AnalysedFace | null {
  const offset = ({ box }: AnalysedFace): number =>
    Math.hypot(box.x + box.width / 2 - frame.width / 2, box.y + box.height / 2 - frame.height / 2);
  return faces.reduce<AnalysedFace | null>(
    (best, face) => (best === null || offset(face) < offset(best) ? face : best),
    null,
  );
}

/**
 * One result a picture. A picture that cannot be read or shows no face gets no embedding but a reason: it counts as a
 * failure to acquire and does not end a run over thousands.
 * @param gated drop faces that the quality gates refuse, as a door does; otherwise the gates only report
 */
export async function encodePictures(
  files: readonly string[],
  analyser: Pick<FaceAnalyser, 'still'>,
  { gated = false, onProgress }: { gated?: boolean; onProgress?: (done: number) => void } = {},
): Promise<EncodedPicture[]> {
  const encoded: EncodedPicture[] = [];
  for await (const frame of readAhead(files)) {
    encoded.push(typeof frame === 'string' ? unusable('unreadable', frame) : await encode(frame, analyser, gated));
    onProgress?.(encoded.length);
  }
  return encoded;
}

async function encode(frame: Frame, analyser: Pick<FaceAnalyser, 'still'>, gated: boolean): Promise<EncodedPicture> {
  const { faces } = await analyser.still(frame);
  const face = centralFace(faces, frame);
  if (face === null) return unusable('no-face', null);
  const refused = gated && face.refusal !== null;
  const { box, quality, refusal } = face;
  return { embedding: refused ? null : face.embedding, box, quality, refusal, detail: null };
}

const unusable = (refusal: 'no-face' | 'unreadable', detail: string | null): EncodedPicture => ({
  embedding: null,
  box: null,
  quality: null,
  refusal,
  detail,
});

/** Frames in order, or the error message of one. */
export async function* readAhead(files: readonly string[]): AsyncGenerator<Frame | string> {
  const reading: Promise<Frame | string>[] = [];
  for (let i = 0; i < files.length + READ_AHEAD; i++) {
    const file = files[i];
    if (file !== undefined) reading.push(readPicture(file).catch(messageOf));
    if (i < READ_AHEAD) continue;
    const next = reading.shift();
    if (next !== undefined) yield await next;
  }
}
