import { instantiate, WASM_PAGE_BYTES, type WasmMemory } from '../../webassembly';
import {
  type Axis,
  type BilinearKernel,
  createAxis,
  gainsOf,
  paintBlackRows,
  type PlaneLevels,
  type TargetShape,
  type Three,
} from './bilinear';
import { JavaScriptBilinear } from './bilinear-javascript';
import { BILINEAR_WASM_BASE64 } from './bilinear-wasm';
import type { Frame } from './frame';

interface Exports {
  readonly memory: WasmMemory;
  row(
    top: number,
    bottom: number,
    upperWeight: number,
    lowerWeight: number,
    columns: number,
    table: number,
    levels: number,
    red: number,
    green: number,
    blue: number,
  ): void;
}

/** The kernel makes four pixels at once. */
const FEWEST_COLUMNS = 4;
/** Source rows go through the module's memory in bands that stay in the second-level cache together with what is made of them. */
const BAND_BYTES = 131_072;
/** The kernel reads one pixel before and one after a row where their weights are 0, and a sample's load is 8 bytes long. */
const MARGIN_BYTES = 16;
const LEVELS_BYTES = 32;

/**
 * `bilinear.wat` in a separate memory of fixed size, allocated before the first view is made. So `output` is the
 * network's input itself and is not copied.
 */
class SimdBilinear implements BilinearKernel {
  readonly name = 'wasm-simd';
  readonly output: Float32Array;
  readonly columns: Axis;
  readonly rows: Axis;
  private readonly table: number;
  private readonly offsets: Int32Array;
  private readonly band: number;
  private readonly bandView: Uint8Array;
  /** Byte offsets of the planes that red, green and blue go to. */
  private readonly planes: Three;
  private readonly shifts: Three;
  /** For rectangles of which not even two rows fit into a band. */
  private wide: JavaScriptBilinear | null = null;

  constructor(
    private readonly exports: Exports,
    private readonly shape: TargetShape,
    private readonly levels: PlaneLevels,
  ) {
    const { columns, rows, planeSize } = shape;
    this.table = LEVELS_BYTES;
    this.band = align16(this.table + 12 * columns) + MARGIN_BYTES;
    const output = this.band + BAND_BYTES + MARGIN_BYTES;
    const bytes = output + 12 * planeSize;
    exports.memory.grow(Math.ceil(bytes / WASM_PAGE_BYTES) - 1);
    const { buffer } = exports.memory;
    this.output = new Float32Array(buffer, output, 3 * planeSize);
    this.bandView = new Uint8Array(buffer, this.band, BAND_BYTES);
    this.offsets = new Int32Array(buffer, this.table, columns);
    this.columns = {
      first: new Int32Array(columns),
      weight: new Float32Array(buffer, this.table + 4 * columns, columns),
      nextWeight: new Float32Array(buffer, this.table + 8 * columns, columns),
    };
    this.rows = createAxis(rows);
    const { gains, shifts } = gainsOf(levels);
    this.shifts = shifts;
    const plane = [0, 1, 2].map((channel) => levels.order.indexOf(channel)) as [number, number, number];
    const byChannel = plane.flatMap((k) => gains[k] as number).concat(plane.map((k) => shifts[k] as number));
    new Float32Array(buffer, 0, 6).set(byChannel);
    const at = (k: number): number => output + 4 * k * planeSize;
    this.planes = [at(plane[0]), at(plane[1]), at(plane[2])];
  }

  prepare(): void {
    const { first } = this.columns;
    for (let i = 0; i < first.length; i++) this.offsets[i] = 3 * (first[i] as number);
    paintBlackRows(this.output, this.shape, this.rows, this.shifts);
  }

  run(frame: Frame, x: number, y: number, width: number): void {
    const capacity = Math.floor(BAND_BYTES / (3 * width));
    if (capacity < 2) return this.runWide(frame, x, y);
    const { rows } = this.shape;
    for (let row = 0; row < rows;) {
      if (this.isBlack(row)) {
        row++;
        continue;
      }
      const from = this.firstNeeded(row);
      let end = row;
      let to = from;
      for (; end < rows; end++) {
        const last = this.lastNeeded(end);
        if (last >= from + capacity) break;
        to = Math.max(to, last + 1);
      }
      this.load(frame, x, y + from, width, to - from);
      for (; row < end; row++) this.makeRow(row, from, 3 * width);
    }
  }

  /** In the padding wholly; painted once, by `prepare`. */
  private isBlack(row: number): boolean {
    return this.rows.weight[row] === 0 && this.rows.nextWeight[row] === 0;
  }

  /** Source row at which output row `row` begins to look; further on, none begins before it. */
  private firstNeeded(row: number): number {
    const first = this.rows.first[row] as number;
    return this.rows.weight[row] === 0 ? first + 1 : first;
  }

  /** −1 for rows in the padding. */
  private lastNeeded(row: number): number {
    const first = this.rows.first[row] as number;
    if (this.rows.nextWeight[row] !== 0) return first + 1;
    return this.rows.weight[row] === 0 ? -1 : first;
  }

  private load({ data, width: frameWidth }: Frame, x: number, y: number, width: number, count: number): void {
    const start = (y * frameWidth + x) * 3;
    if (width === frameWidth) {
      this.bandView.set(data.subarray(start, start + count * width * 3));
      return;
    }
    for (let row = 0; row < count; row++) {
      const from = start + row * frameWidth * 3;
      this.bandView.set(data.subarray(from, from + width * 3), row * width * 3);
    }
  }

  private makeRow(row: number, bandStart: number, rowBytes: number): void {
    if (this.isBlack(row)) return;
    const upper = this.rows.weight[row] as number;
    const lower = this.rows.nextWeight[row] as number;
    const top = this.band + ((this.rows.first[row] as number) - bandStart) * rowBytes;
    const bottom = top + rowBytes;
    const out = 4 * row * this.shape.stride;
    this.exports.row(
      upper === 0 ? bottom : top,
      lower === 0 ? top : bottom,
      upper,
      lower,
      this.shape.columns,
      this.table,
      0,
      this.planes[0] + out,
      this.planes[1] + out,
      this.planes[2] + out,
    );
  }

  private runWide(frame: Frame, x: number, y: number): void {
    this.wide ??= new JavaScriptBilinear(this.shape, this.levels, this);
    this.wide.prepare();
    this.wide.run(frame, x, y);
  }
}

const align16 = (bytes: number): number => (bytes + 15) & ~15;

/** The fastest kernel that can be had for this shape. */
export function createBilinear(shape: TargetShape, levels: PlaneLevels): BilinearKernel {
  if (shape.columns < FEWEST_COLUMNS) return new JavaScriptBilinear(shape, levels);
  try {
    const exports = instantiate(BILINEAR_WASM_BASE64);
    if (exports !== null) return new SimdBilinear(exports as Exports, shape, levels);
  } catch (error) {
    // No room for one more WebAssembly memory, of which each reserves gigabytes of addresses.
    if (!(error instanceof RangeError)) throw error;
  }
  return new JavaScriptBilinear(shape, levels);
}
