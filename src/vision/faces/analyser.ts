import type { Box, Quality, QualityRefusal, RunningModel } from '../../events';
import type { QualityGates } from '../../config/schema/cameras';
import { UsherError } from '../../errors';
import { vectorFault } from '../../store/members/vector';
import { poseOf } from './align';
import type { AlignedFace, DetectedFace, FaceDetector, FaceEncoder, FaceLandmarker, FaceShape } from './faces';
import type { FiveLandmarks, Frame } from '../picture/frame';
import { measureQuality, refuseByGeometry, refuseByPicture, type Region, WHOLE_FRAME } from './quality';

export interface AnalysedFace {
  readonly box: Box;
  readonly score: number;
  readonly quality: Quality;
  /** Why it should not be used for a decision; the embedding may still be there (stills are encoded regardless). */
  readonly refusal: QualityRefusal | null;
  readonly embedding: Float32Array | null;
  readonly five: FiveLandmarks;
}

export interface StillAnalysis {
  /** Best detection first. */
  readonly faces: readonly AnalysedFace[];
}

export interface LiveAnalysis {
  /** Faces found, suitable or not. */
  readonly faces: number;
  readonly subject: AnalysedFace | null;
}

export interface AnalyserOptions {
  readonly region: Region;
  readonly minFacePx: number;
  readonly gates: QualityGates;
}

/** Detection sizes for stills, as the smallest face that must be found, in shares of the longer side; coarse first. */
const STILL_FACE_SHARES = [1 / 32, 1 / 64, 1 / 8] as const;

/** So many answers in a row that are no vector: the network is broken, not the face. */
const UNUSABLE_MAX = 20;

/** Frame → faces → vectors. Both model families stand behind its three parts. Not re-entrant: one call at a time. */
export class FaceAnalyser {
  private gates: QualityGates;
  /** Answers of the encoder in a row that are no vector of a face. */
  private unusable = 0;

  constructor(
    private readonly detector: FaceDetector,
    private readonly landmarker: FaceLandmarker | null,
    private readonly encoder: FaceEncoder,
    private readonly options: AnalyserOptions,
  ) {
    this.gates = options.gates;
  }

  /** Gates from the next face on: they may differ by day and by night. */
  useGates(gates: QualityGates): void {
    this.gates = gates;
  }

  get space(): string {
    return this.encoder.space;
  }

  get dimensions(): number {
    return this.encoder.dimensions;
  }

  get running(): readonly RunningModel[] {
    const landmarker = this.landmarker === null ? [] : [this.landmarker.running];
    return [this.detector.running, ...landmarker, this.encoder.running];
  }

  /**
   * Every face of a still, each encoded, with the gate that it would fail. Looks again at another detection size when
   * nothing is found: a passport picture and a group picture need different ones.
   */
  async still(frame: Frame): Promise<StillAnalysis> {
    const longer = Math.max(frame.width, frame.height);
    for (const share of STILL_FACE_SHARES) {
      const detections = await this.detector.detect(frame, Math.max(16, longer * share));
      if (detections.length === 0) continue;
      const faces: AnalysedFace[] = [];
      for (const detection of detections) {
        const shape = await this.shapeOf(frame, detection);
        faces.push(await this.encodeFace(frame, detection, shape, WHOLE_FRAME, true));
      }
      return { faces };
    }
    return { faces: [] };
  }

  /**
   * The one face of a camera frame that a decision may rest on: the largest in the region whose geometry suits, or, where
   * none does, the largest, with the reason. Only this face is encoded, and only if it passes the gates.
   */
  async live(frame: Frame): Promise<LiveAnalysis> {
    const { region, minFacePx } = this.options;
    const detections = await this.detector.detect(frame, minFacePx);
    const bySize = [...detections].sort((a, b) => b.box.width * b.box.height - a.box.width * a.box.height);
    let fallback: DetectedFace | null = null;
    for (const detection of bySize) {
      const refusal = this.geometryRefusal(frame, detection, region);
      if (refusal === 'outside-region') continue;
      if (refusal !== null) {
        fallback ??= detection;
        continue;
      }
      const shape = await this.shapeOf(frame, detection);
      return { faces: detections.length, subject: await this.encodeFace(frame, detection, shape, region, false) };
    }
    if (fallback === null) return { faces: detections.length, subject: null };
    const shape = await this.shapeOf(frame, fallback);
    return { faces: detections.length, subject: await this.encodeFace(frame, fallback, shape, region, false) };
  }

  /** Score of the best face of a frame; 0 without a face. */
  async bestScore(frame: Frame): Promise<number> {
    return (await this.detector.detect(frame, this.options.minFacePx))[0]?.score ?? 0;
  }

  async dispose(): Promise<void> {
    await this.detector.dispose();
    await this.landmarker?.dispose();
    await this.encoder.dispose();
  }

  private geometryRefusal(frame: Frame, face: DetectedFace, region: Region): QualityRefusal | null {
    return refuseByGeometry(frame, face.box, face.landmarks, region, this.options.minFacePx, this.gates);
  }

  private async shapeOf(frame: Frame, face: DetectedFace): Promise<FaceShape> {
    if (face.landmarks !== null) return { box: face.box, five: face.landmarks, points: face.landmarks };
    if (this.landmarker === null) throw new Error('a detector without landmarks was built without a landmarker');
    return this.landmarker.locate(frame, face.box);
  }

  private async encodeFace(
    frame: Frame,
    detection: DetectedFace,
    shape: FaceShape,
    region: Region,
    regardless: boolean,
  ): Promise<AnalysedFace> {
    const { gates } = this;
    const { minFacePx } = this.options;
    const aligned = this.encoder.align(frame, shape);
    if (aligned === null) return uncuttable(detection, shape);
    const quality = measureQuality(aligned, shape.five);
    const refusal =
      refuseByGeometry(frame, detection.box, shape.five, region, minFacePx, gates) ?? refuseByPicture(quality, gates);
    const embedding = refusal === null || regardless ? await this.encode(aligned) : null;
    return { box: detection.box, score: detection.score, quality, refusal, embedding, five: shape.five };
  }

  /**
   * Null for an output that cannot be a face's vector: zeros, or values that are not finite. One face may cause that in
   * a half-precision network. A network that returns nothing else is broken and must be reported.
   * @throws UsherError `model-invalid`
   */
  private async encode(face: AlignedFace): Promise<Float32Array | null> {
    const embedding = await this.encoder.encode(face);
    const fault = vectorFault(embedding);
    this.unusable = fault === null ? 0 : this.unusable + 1;
    if (fault === null) return embedding;
    if (this.unusable < UNUSABLE_MAX) return null;
    throw new UsherError(
      'model-invalid',
      `${this.encoder.running.name}: ${this.unusable} answers in a row have ${fault}`,
      {
        remedy:
          'Check the models with `usher doctor`, or run them on another execution provider (inference.providers).',
      },
    );
  }
}

function uncuttable(detection: DetectedFace, shape: FaceShape): AnalysedFace {
  return {
    box: detection.box,
    score: detection.score,
    quality: { ...poseOf(shape.five), sharpness: 0, brightness: 0, contrast: 0, score: 0 },
    refusal: 'cut-off',
    embedding: null,
    five: shape.five,
  };
}
