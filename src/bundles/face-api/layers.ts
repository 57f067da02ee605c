import type { OnnxGraph } from '../../onnx/writer';
import type { WeightSet } from './weights';

/** Zero rows and columns around a picture: [top, left, bottom, right], ONNX's order. */
export type Pads = readonly [number, number, number, number];

export const NO_PADS: Pads = [0, 0, 0, 0];
/** TensorFlow's `same` for a 3×3 kernel at stride 1. */
export const SAME_3X3: Pads = [1, 1, 1, 1];
/** TensorFlow's `same` on an even side with a 3×3 kernel at stride 2, or a 2×2 kernel on an odd side: the odd zero goes last. */
export const SAME_END: Pads = [0, 0, 1, 1];

export interface ConvOptions {
  readonly stride?: number;
  readonly pads?: Pads;
  readonly group?: number;
}

/** Kernel and bias of a convolution, OIHW. */
export interface Kernel {
  readonly dims: readonly [number, number, number, number];
  readonly data: Float32Array;
  readonly bias: Float32Array | null;
}

/**
 * Appends layers to an NCHW graph; each method returns the name of its output. The weights come in TensorFlow's HWIO.
 * NCHW because onnxruntime's CPU kernels block over channels and would transpose around every NHWC convolution.
 */
export class LayerStack {
  private count = 0;

  constructor(
    readonly graph: OnnxGraph,
    readonly weights: WeightSet,
  ) {}

  conv(input: string, kernel: Kernel, { stride = 1, pads = NO_PADS, group = 1 }: ConvOptions = {}): string {
    const id = this.next('conv');
    const names = [input, this.graph.initializer(`${id}.weight`, kernel.dims, kernel.data)];
    if (kernel.bias !== null) names.push(this.graph.initializer(`${id}.bias`, [kernel.bias.length], kernel.bias));
    const [, , height, width] = kernel.dims;
    this.graph.node('Conv', names, [id], {
      kernel_shape: { ints: [height, width] },
      strides: { ints: [stride, stride] },
      pads: { ints: pads },
      group: { int: group },
    });
    return id;
  }

  /** A depthwise 3×3 and a pointwise 1×1 convolution with nothing in between: `tf.separableConv2d`, then the bias. */
  separable(input: string, prefix: string, channelsIn: number, channelsOut: number, options: ConvOptions): string {
    const depthwise: Kernel = {
      dims: [channelsIn, 1, 3, 3],
      data: toOihw(this.weights.take(`${prefix}/depthwise_filter`, [3, 3, channelsIn, 1]), 3, 3, channelsIn, 1),
      bias: null,
    };
    const pointwise = this.plainKernel(`${prefix}/pointwise_filter`, `${prefix}/bias`, 1, channelsIn, channelsOut);
    return this.conv(this.conv(input, depthwise, { ...options, group: channelsIn }), pointwise);
  }

  plainKernel(filters: string, bias: string, side: number, channelsIn: number, channelsOut: number): Kernel {
    const hwio = this.weights.take(filters, [side, side, channelsIn, channelsOut]);
    return {
      dims: [channelsOut, channelsIn, side, side],
      data: toOihw(hwio, side, side, channelsIn, channelsOut),
      bias: this.weights.take(bias, [channelsOut]),
    };
  }

  relu(input: string): string {
    return this.node('Relu', [input]);
  }

  leaky(input: string, alpha: number): string {
    return this.node('LeakyRelu', [input], { alpha: { float: alpha } });
  }

  add(a: string, b: string): string {
    return this.node('Add', [a, b]);
  }

  maxPool(input: string, side: number, stride: number, pads: Pads): string {
    return this.node('MaxPool', [input], {
      kernel_shape: { ints: [side, side] },
      strides: { ints: [stride, stride] },
      pads: { ints: pads },
    });
  }

  averagePool(input: string, side: number, stride: number): string {
    return this.node('AveragePool', [input], {
      kernel_shape: { ints: [side, side] },
      strides: { ints: [stride, stride] },
    });
  }

  /** Zero rows below and zero columns to the right. */
  padEnd(input: string, rows: number, columns: number): string {
    const pads = this.graph.initializer(
      this.next('pads'),
      [8],
      BigInt64Array.from([0, 0, 0, 0, 0, 0, rows, columns], BigInt),
    );
    return this.node('Pad', [input, pads]);
  }

  /** [1, channels, …] to [1, channels] (the mean over space), then a matrix (channels × out) and maybe a bias, into `output`. */
  meanThenDense(
    input: string,
    matrix: string,
    dims: readonly [number, number],
    bias: string | null,
    output: string,
  ): void {
    const flat = this.node('Flatten', [this.node('GlobalAveragePool', [input])], { axis: { int: 1 } });
    const names = [flat, this.graph.initializer('dense.weight', dims, this.weights.take(matrix, dims))];
    if (bias !== null) names.push(this.graph.initializer('dense.bias', [dims[1]], this.weights.take(bias, [dims[1]])));
    this.graph.node('Gemm', names, [output]);
  }

  private node(...[opType, inputs, attributes]: [string, string[], Parameters<OnnxGraph['node']>[3]?]): string {
    const id = this.next(opType.toLowerCase());
    this.graph.node(opType, inputs, [id], attributes);
    return id;
  }

  private next(kind: string): string {
    return `${kind}${this.count++}`;
  }
}

/** TensorFlow's [height][width][in][out] to ONNX's [out][in][height][width]. With out = 1 that is a depthwise kernel too. */
export function toOihw(
  hwio: Float32Array,
  height: number,
  width: number,
  channelsIn: number,
  channelsOut: number,
): Float32Array {
  const oihw = new Float32Array(hwio.length);
  const area = height * width;
  for (let at = 0, from = 0; at < area; at++)
    for (let i = 0; i < channelsIn; i++)
      for (let o = 0; o < channelsOut; o++, from++) oihw[(o * channelsIn + i) * area + at] = hwio[from] as number;
  return oihw;
}
