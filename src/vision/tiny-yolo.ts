import { UsherError } from '../errors';
import type { RunningModel } from '../events';
import type { CardOutput, ImageInput } from '../inference/card';
import type { Model } from '../inference/model';
import { suppress } from './boxes';
import type { DetectedFace, FaceDetector } from './faces';
import type { Frame } from './frame';
import { clipToFrame, SquareCrop } from './square-crop';

/** Width in network pixels at which this network finds a face surely. */
const SURE_FACE_PX = 40;
/** face-api's own range of useful input sizes ends at 608; beyond a megapixel the network costs more than it finds. */
const LARGEST_SIZE = 1024;
const SMALLEST_SIZE = 128;
/** Box centre, box size and score of one anchor. */
const VALUES = 5;

interface Geometry {
  readonly size: number;
  readonly rows: number;
  readonly crop: SquareCrop;
  readonly input: Float32Array;
  readonly dims: readonly number[];
}

/**
 * face-api's Tiny Face Detector: Tiny YOLOv2 (Redmon & Farhadi, "YOLO9000", 2017) on the picture padded with black to a square.
 * Boxes, scores and their order are the library's (tinyYolov2/TinyYolov2Base.ts), to within float rounding.
 */
export class TinyYoloDetector implements FaceDetector {
  private geometry: Geometry | null = null;

  constructor(
    readonly running: RunningModel,
    private readonly model: Model,
    private readonly image: ImageInput,
    private readonly output: CardOutput<'tiny-yolo-v2'>,
  ) {}

  detect(frame: Frame, smallestFacePx: number): Promise<readonly DetectedFace[]> {
    return this.detectAt(frame, this.sizeFor(frame, smallestFacePx));
  }

  /**
   * As `detect`, at the library's `inputSize`.
   * @param size side of the network's input, a multiple of the card's `multiple`; ignored where the card fixes it
   */
  async detectAt(frame: Frame, size: number, rows = size): Promise<readonly DetectedFace[]> {
    const geometry = this.geometryFor(size, rows);
    const whole = { x: 0, y: 0, width: frame.width, height: frame.height };
    geometry.crop.run(frame, whole, geometry.input, this.image.mean, this.image.scale);
    const outputs = await this.model.run({ [this.image.name]: { data: geometry.input, dims: geometry.dims } });
    const grid = outputs[this.output.output]?.data;
    const columns = geometry.size / this.output.cellPx;
    const cells = columns * (geometry.rows / this.output.cellPx);
    if (!(grid instanceof Float32Array) || grid.length !== cells * VALUES * this.output.anchors.length)
      throw new UsherError('model-invalid', `${this.running.name}: output "${this.output.output}" is not a face grid`);
    return suppress(this.decode(grid, cells, columns, frame), this.output.iouThreshold);
  }

  async dispose(): Promise<void> {
    await this.model.dispose();
  }

  /** Input size at which a face of that width is found surely: never above the frame's own resolution. */
  sizeFor(frame: Frame, smallestFacePx: number): number {
    const side = Math.max(frame.width, frame.height);
    const wanted = side * Math.min(1, SURE_FACE_PX / smallestFacePx);
    const { multiple } = this.image;
    return Math.ceil(Math.min(Math.max(wanted, SMALLEST_SIZE), LARGEST_SIZE) / multiple) * multiple;
  }

  private geometryFor(size: number, rows: number): Geometry {
    if (this.geometry?.size === size && this.geometry.rows === rows) return this.geometry;
    if (!(size > 0 && size % this.image.multiple === 0))
      throw new RangeError(`detection size ${size} is not a multiple of ${this.image.multiple}`);
    this.geometry = {
      size,
      rows,
      crop: new SquareCrop(size, false, rows),
      input: new Float32Array(3 * rows * size),
      dims: [1, 3, rows, size],
    };
    return this.geometry;
  }

  private decode(grid: Float32Array, plane: number, columns: number, frame: Frame): DetectedFace[] {
    const { anchors, scoreThreshold } = this.output;
    // Compared before the sigmoid: few cells pass, and an exponential for each is dear.
    const threshold = Math.log(scoreThreshold / (1 - scoreThreshold));
    const longer = Math.max(frame.width, frame.height);
    // The library rounds the picture's size inside the square to whole pixels before it scales back.
    const { cellPx } = this.output;
    const toFrameX = (frame.width / Math.round((frame.width * columns * cellPx) / longer)) * cellPx;
    const toFrameY = (frame.height / Math.round((frame.height * columns * cellPx) / longer)) * cellPx;
    const found: DetectedFace[] = [];
    anchors.forEach(([anchorWidth, anchorHeight], anchor) => {
      const first = anchor * VALUES * plane;
      for (let cell = 0; cell < plane; cell++) {
        const logit = grid[first + 4 * plane + cell] as number;
        if (!(logit > threshold)) continue;
        const column = cell % columns;
        const row = (cell - column) / columns;
        const width = Math.exp(grid[first + 2 * plane + cell] as number) * anchorWidth * toFrameX;
        const height = Math.exp(grid[first + 3 * plane + cell] as number) * anchorHeight * toFrameY;
        const box = {
          x: (column + sigmoid(grid[first + cell] as number)) * toFrameX - width / 2,
          y: (row + sigmoid(grid[first + plane + cell] as number)) * toFrameY - height / 2,
          width,
          height,
        };
        // The grid reaches into the padding, where no landmark and no encoding can follow.
        const seen = clipToFrame(box, frame);
        if (seen.width > 0 && seen.height > 0) found.push({ box, score: sigmoid(logit), landmarks: null });
      }
    });
    return found;
  }
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
