import { UsherError } from '../../errors';
import type { RunningModel } from '../../events';
import type { CardOutput, ImageInput } from '../../inference/card';
import type { Model } from '../../inference/model';
import { suppress } from '../picture/boxes';
import type { DetectedFace, FaceDetector } from './faces';
import type { Frame } from '../picture/frame';
import { clipToFrame, SquareCrop } from '../picture/square-crop';

/**
 * Face width in network pixels at which this network finds a face surely: of 39 faces put into other surroundings it found all
 * at 44, 38 at 40, 16 at 32, 1 at 26.
 */
const SURE_FACE_PX = 44;
const SMALLEST_SIZE = 128;
/** Above this a frame takes longer than 50 ms on one core; faces that are too small then must come nearer. */
const LARGEST_SIZE = 1280;
/**
 * How far beyond its own end a grid cell sees (three 3×3 convolutions and two poolings at strides 32, 16, 8 …: 127 pixels from
 * its start). So much of the black padding is kept, and every cell in the picture answers as if all of it were there.
 */
const REACH_PX = 96;
/** Box centre, box size and score of one anchor. */
const VALUES = 5;

interface Geometry {
  readonly key: string;
  /** Side of the square that the picture is padded to, in network pixels. */
  readonly size: number;
  readonly columns: number;
  readonly rows: number;
  readonly crop: SquareCrop;
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
  ) {
    if (image.width !== null || image.height !== null || image.layout !== 'NCHW' || image.colour !== 'RGB')
      throw new UsherError('model-invalid', `${running.name}: this detector needs a free NCHW input in RGB`);
  }

  detect(frame: Frame, smallestFacePx: number): Promise<readonly DetectedFace[]> {
    return this.detectAt(frame, this.sizeFor(frame, smallestFacePx));
  }

  /**
   * As `detect`, at the library's `inputSize`.
   * @param size side of the padded square in network pixels, a multiple of the card's `multiple`
   * @throws RangeError for another size
   */
  async detectAt(frame: Frame, size: number): Promise<readonly DetectedFace[]> {
    const geometry = this.geometryFor(frame, size);
    const whole = { x: 0, y: 0, width: frame.width, height: frame.height };
    geometry.crop.run(frame, whole);
    const outputs = await this.model.run({ [this.image.name]: { data: geometry.crop.output, dims: geometry.dims } });
    const grid = outputs[this.output.output]?.data;
    const cells = (geometry.columns * geometry.rows) / this.output.cellPx ** 2;
    if (!(grid instanceof Float32Array) || grid.length !== cells * VALUES * this.output.anchors.length)
      throw new UsherError('model-invalid', `${this.running.name}: output "${this.output.output}" is not a face grid`);
    return suppress(this.decode(grid, cells, geometry, frame), this.output.iouThreshold);
  }

  async dispose(): Promise<void> {
    await this.model.dispose();
  }

  /** Size at which a face of that width is found surely; never above the frame's own resolution. */
  sizeFor(frame: Frame, smallestFacePx: number): number {
    const wanted = Math.max(frame.width, frame.height) * Math.min(1, SURE_FACE_PX / smallestFacePx);
    return this.roundUp(Math.min(Math.max(wanted, SMALLEST_SIZE), LARGEST_SIZE));
  }

  private roundUp(pixels: number): number {
    return Math.ceil(pixels / this.image.multiple) * this.image.multiple;
  }

  private geometryFor(frame: Frame, size: number): Geometry {
    const key = `${frame.width}x${frame.height}/${size}`;
    if (this.geometry?.key === key) return this.geometry;
    if (!(size > 0 && size % this.image.multiple === 0))
      throw new RangeError(`detection size ${size} is not a multiple of ${this.image.multiple}`);
    const scale = size / Math.max(frame.width, frame.height);
    const columns = Math.min(size, this.roundUp(frame.width * scale) + REACH_PX);
    const rows = Math.min(size, this.roundUp(frame.height * scale) + REACH_PX);
    this.geometry = {
      key,
      size,
      columns,
      rows,
      crop: new SquareCrop(size, false, this.image, { columns, rows }),
      dims: [1, 3, rows, columns],
    };
    return this.geometry;
  }

  private decode(grid: Float32Array, plane: number, { size, columns }: Geometry, frame: Frame): DetectedFace[] {
    const { anchors, scoreThreshold, cellPx } = this.output;
    // Compared before the sigmoid: few cells pass, and an exponential for each is dear.
    const threshold = Math.log(scoreThreshold / (1 - scoreThreshold));
    const scale = size / Math.max(frame.width, frame.height);
    // The library rounds the picture's size inside the square to whole pixels before it scales back.
    const toFrameX = (frame.width / Math.round(frame.width * scale)) * cellPx;
    const toFrameY = (frame.height / Math.round(frame.height * scale)) * cellPx;
    const perRow = columns / cellPx;
    const found: DetectedFace[] = [];
    anchors.forEach(([anchorWidth, anchorHeight], anchor) => {
      const first = anchor * VALUES * plane;
      for (let cell = 0; cell < plane; cell++) {
        const logit = grid[first + 4 * plane + cell] as number;
        if (!(logit > threshold)) continue;
        const column = cell % perRow;
        const row = (cell - column) / perRow;
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
