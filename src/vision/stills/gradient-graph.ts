import { type OnnxAttribute, OnnxGraph } from '../../onnx/writer';
import type { Convolution, StyleLayer } from './style-network';

/** A value of the graph, [1, channels, rows, columns]. */
export interface Planes {
  readonly name: string;
  readonly channels: number;
  readonly rows: number;
  readonly columns: number;
}

/** Writes layers into an ONNX graph, and after them the gradient to their inputs. onnxruntime itself has no gradients in Node. */
export class GradientGraph {
  readonly graph: OnnxGraph;
  private count = 0;
  private readonly weights = new Map<Convolution, string>();

  constructor(name: string) {
    this.graph = new OnnxGraph(name);
  }

  input(name: string, channels: number, rows: number, columns: number): Planes {
    this.graph.input(name, [1, channels, rows, columns]);
    return { name, channels, rows, columns };
  }

  /** @returns the name of the node's only output */
  node(opType: string, inputs: readonly string[], attributes: Readonly<Record<string, OnnxAttribute>> = {}): string {
    const name = `v${this.count++}`;
    this.graph.node(opType, inputs, [name], attributes);
    return name;
  }

  constant(value: number): string {
    return this.graph.initializer(`c${this.count++}`, [], Float32Array.of(value));
  }

  /** Exports a value under another name. */
  output(value: string, name: string, dims: readonly number[]): void {
    this.graph.node('Identity', [value], [name]);
    this.graph.output(name, dims);
  }

  /** `from` as a matrix [channels, rows × columns]. */
  matrix({ name, channels, rows, columns }: Planes): string {
    return this.node('Reshape', [name, this.shape([channels, rows * columns])]);
  }

  /** `matrix` back as planes like those of `like`. */
  planes(matrix: string, { channels, rows, columns }: Planes): string {
    return this.node('Reshape', [matrix, this.shape([1, channels, rows, columns])]);
  }

  convolve(from: Planes, convolution: Convolution): Planes {
    const { dims, bias, stride, padding } = convolution;
    const inputs = [from.name, this.weightsOf(convolution)];
    if (bias !== null) inputs.push(this.graph.initializer(`c${this.count++}`, [bias.length], bias));
    const name = this.node('Conv', inputs, attributesOf(convolution));
    const size = (side: number, kernel: number): number => Math.floor((side + 2 * padding - kernel) / stride) + 1;
    return { name, channels: dims[0], rows: size(from.rows, dims[2]), columns: size(from.columns, dims[3]) };
  }

  /** The gradient at `from`, where `to` is `from` convolved: the transposed convolution, by the same weights. */
  convolveBack(gradient: string, to: Planes, from: Planes, convolution: Convolution): string {
    const { dims, stride, padding } = convolution;
    // What a stride skipped at the end has no part in the loss.
    const rest = (side: number, made: number, kernel: number): number =>
      side - ((made - 1) * stride + kernel - 2 * padding);
    return this.node('ConvTranspose', [gradient, this.weightsOf(convolution)], {
      ...attributesOf(convolution),
      output_padding: { ints: [rest(from.rows, to.rows, dims[2]), rest(from.columns, to.columns, dims[3])] },
    });
  }

  layer(from: Planes, { convolutions, slope }: StyleLayer): LayerPass {
    const passed = [from];
    for (const convolution of convolutions) passed.push(this.convolve(passed.at(-1) as Planes, convolution));
    const last = passed.at(-1) as Planes;
    return { passed, result: { ...last, name: this.node('LeakyRelu', [last.name], { alpha: { float: slope } }) } };
  }

  /** @param gradient at the layer's result */
  layerBack(gradient: string, { passed, result }: LayerPass, { convolutions, slope }: StyleLayer): string {
    // The result has the sign of what went into the ReLU.
    const positive = this.node('Greater', [result.name, this.constant(0)]);
    const gain = this.node('Where', [positive, this.constant(1), this.constant(slope)]);
    let at = this.node('Mul', [gradient, gain]);
    for (const [i, convolution] of [...convolutions.entries()].reverse())
      at = this.convolveBack(at, passed[i + 1] as Planes, passed[i] as Planes, convolution);
    return at;
  }

  sum(names: readonly string[]): string {
    return this.node('Sum', names);
  }

  /** The bytes of the `.onnx` file. */
  encode(): Uint8Array {
    return this.graph.encode();
  }

  private shape(dims: readonly number[]): string {
    return this.graph.initializer(`c${this.count++}`, [dims.length], BigInt64Array.from(dims, BigInt));
  }

  private weightsOf(convolution: Convolution): string {
    const known = this.weights.get(convolution);
    if (known !== undefined) return known;
    const name = this.graph.initializer(`c${this.count++}`, convolution.dims, convolution.weights);
    this.weights.set(convolution, name);
    return name;
  }
}

/** A layer as it was computed: its input, the results of its convolutions, its own. */
export interface LayerPass {
  readonly passed: readonly Planes[];
  readonly result: Planes;
}

function attributesOf({ dims, group, stride, padding }: Convolution): Record<string, OnnxAttribute> {
  return {
    kernel_shape: { ints: [dims[2], dims[3]] },
    strides: { ints: [stride, stride] },
    pads: { ints: [padding, padding, padding, padding] },
    group: { int: group },
  };
}
