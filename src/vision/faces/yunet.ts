import { UsherError } from '../../errors';
import type { RunningModel } from '../../events';
import type { CardOutput, ImageInput } from '../../inference/card';
import type { Model, Tensors } from '../../inference/model';
import { suppress } from '../picture/boxes';
import type { DetectedFace, FaceDetector } from './faces';
import type { FiveLandmarks, Frame, Point } from '../picture/frame';
import { FrameResizer, PLANES } from '../picture/resample';

/**
 * Width in network pixels at which YuNet-n finds a face surely: of 120 faces of 80 px in 1280×720, 117 at 28 network pixels, 103 at
 * 24 (and of 120 at a score threshold of 0.7 instead of 0.5: 100 and 91). YuNet-s needs about 40.
 */
const SURE_FACE_PX = 28;

interface Geometry {
  readonly key: string;
  /** Network pixels per frame pixel. */
  readonly scale: number;
  readonly width: number;
  readonly height: number;
  readonly resizer: FrameResizer;
}

/**
 * YuNet (Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023): anchor-free heads at several strides; per cell
 * class and objectness scores, a box and five landmarks.
 */
export class YuNetDetector implements FaceDetector {
  private geometry: Geometry | null = null;

  constructor(
    readonly running: RunningModel,
    private readonly model: Model,
    private readonly image: ImageInput,
    private readonly output: CardOutput<'yunet'>,
  ) {}

  async detect(frame: Frame, smallestFacePx: number): Promise<readonly DetectedFace[]> {
    const geometry = this.geometryFor(frame, smallestFacePx);
    geometry.resizer.run(frame);
    const outputs = await this.model.run({
      [this.image.name]: { data: geometry.resizer.output, dims: [1, 3, geometry.height, geometry.width] },
    });
    const candidates: DetectedFace[] = [];
    for (const stride of this.output.strides) this.decode(outputs, stride, geometry, candidates);
    return suppress(candidates, this.output.iouThreshold);
  }

  async dispose(): Promise<void> {
    await this.model.dispose();
  }

  private geometryFor(frame: Frame, smallestFacePx: number): Geometry {
    const key = `${frame.width}x${frame.height}/${smallestFacePx}`;
    if (this.geometry?.key === key) return this.geometry;
    const { width: fixedWidth, height: fixedHeight, multiple } = this.image;
    const fixed = fixedWidth !== null && fixedHeight !== null;
    const scale = fixed
      ? Math.min(fixedWidth / frame.width, fixedHeight / frame.height)
      : Math.min(1, SURE_FACE_PX / smallestFacePx);
    const innerWidth = Math.max(1, Math.round(frame.width * scale));
    const innerHeight = Math.max(1, Math.round(frame.height * scale));
    const width = fixed ? fixedWidth : Math.ceil(innerWidth / multiple) * multiple;
    const height = fixed ? fixedHeight : Math.ceil(innerHeight / multiple) * multiple;
    this.geometry = {
      key,
      scale,
      width,
      height,
      resizer: new FrameResizer(
        frame.width,
        frame.height,
        { columns: innerWidth, rows: innerHeight, stride: width, planeSize: width * height },
        { order: PLANES[this.image.colour], mean: this.image.mean, scale: this.image.scale },
      ),
    };
    return this.geometry;
  }

  private decode(outputs: Tensors, stride: number, geometry: Geometry, found: DetectedFace[]): void {
    const read = (head: string): Float32Array => {
      const tensor = outputs[`${head}_${stride}`];
      if (tensor === undefined)
        throw new UsherError('model-invalid', `${this.running.name}: no output ${head}_${stride}`);
      return tensor.data as Float32Array;
    };
    const cls = read('cls');
    const obj = read('obj');
    const columns = geometry.width / stride;
    // sqrt(cls·obj) ≥ threshold, without a square root for every cell.
    const product = this.output.scoreThreshold * this.output.scoreThreshold;
    for (let cell = 0; cell < cls.length; cell++) {
      const score = clamp01(cls[cell] as number) * clamp01(obj[cell] as number);
      if (!(score >= product)) continue;
      const bbox = read('bbox');
      const kps = read('kps');
      const column = cell % columns;
      const row = (cell - column) / columns;
      const toFrame = stride / geometry.scale;
      const width = Math.exp(bbox[cell * 4 + 2] as number) * toFrame;
      const height = Math.exp(bbox[cell * 4 + 3] as number) * toFrame;
      const landmark = (k: number): Point => ({
        x: ((kps[cell * 10 + 2 * k] as number) + column) * toFrame,
        y: ((kps[cell * 10 + 2 * k + 1] as number) + row) * toFrame,
      });
      const landmarks: FiveLandmarks = [landmark(0), landmark(1), landmark(2), landmark(3), landmark(4)];
      found.push({
        box: {
          x: ((bbox[cell * 4] as number) + column) * toFrame - width / 2,
          y: ((bbox[cell * 4 + 1] as number) + row) * toFrame - height / 2,
          width,
          height,
        },
        score: Math.sqrt(score),
        landmarks,
      });
    }
  }
}

function clamp01(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}
