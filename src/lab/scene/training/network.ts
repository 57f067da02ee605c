import { toOihw } from '../../../bundles/face-api/layers';
import { OnnxGraph } from '../../../onnx/writer';
import type { Random } from '../../../random';
import type { Tensor2D, Tensor4D, Tf, TfTensor, Variable } from '../../learning/tensorflow';

export const SCENE_INPUT = 'picture';
export const SCENE_OUTPUT = 'scores';

/** `unit`: one logistic unit a label on the bare pixels. `small`: three convolutions, the mean over the picture, then that unit. */
export type SceneArchitecture = 'unit' | 'small';

export interface SceneShape {
  readonly architecture: SceneArchitecture;
  /** Side of the input: a multiple of 16 for `small`. */
  readonly size: number;
  readonly outputs: number;
}

/** The first convolution looks at patches that do not overlap, 16 × 16 of them whatever the size of the input. */
const PATCHES = 16;
const SLIDING = 3;
const WIDTHS = { patch: 16, first: 24, second: 32 } as const;

export type SceneWeights = ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: Float32Array }>;

/**
 * The networks of `usher train scene`. Convolutions are written as unfold + matMul: the wasm backend of TensorFlow.js has no
 * gradient of a convolution's kernel. Rows of a kernel's matrix run over (y, x, channel in).
 */
export class SceneNetwork {
  private readonly variables = new Map<string, Variable>();

  constructor(
    private readonly tf: Tf,
    readonly shape: SceneShape,
    random: Random,
  ) {
    const { architecture, size, outputs } = shape;
    if (architecture === 'unit') {
      // From zero: the loss is convex.
      this.add('unit.weight', [size * size * 3, outputs], () => 0);
      this.add('unit.bias', [outputs], () => 0);
      return;
    }
    if (size % PATCHES !== 0) throw new RangeError(`an input of ${size} pixels is not a multiple of ${PATCHES}`);
    const patch = (size / PATCHES) ** 2 * 3;
    this.layer('patch', patch, WIDTHS.patch, random);
    this.layer('first', 9 * WIDTHS.patch, WIDTHS.first, random);
    this.layer('halve', 4 * WIDTHS.first, WIDTHS.second, random);
    this.layer('second', 9 * WIDTHS.second, WIDTHS.second, random);
    this.layer('head', WIDTHS.second, outputs, random);
  }

  get parameters(): Variable[] {
    return [...this.variables.values()];
  }

  /** Matrices alone: what weight decay is laid on. */
  get matrices(): Variable[] {
    return [...this.variables].filter(([name]) => name.endsWith('.weight')).map(([, variable]) => variable);
  }

  /** @param pictures [batch, size, size, 3], normalised. @returns [batch, outputs] */
  logits(pictures: Tensor4D): Tensor2D {
    const { tf } = this;
    return tf.tidy(() => {
      if (this.shape.architecture === 'unit') return this.dense('unit', tf.reshape(pictures, [pictures.shape[0], -1]));
      const patches = this.tiles('patch', pictures, this.shape.size / PATCHES);
      const first = this.around('first', patches);
      const second = this.around('second', this.tiles('halve', first, 2));
      return this.dense('head', tf.mean(second, [1, 2]));
    });
  }

  /** A copy of all weights. */
  weights(): SceneWeights {
    return new Map(
      [...this.variables].map(([name, variable]) => [
        name,
        { dims: variable.shape, data: Float32Array.from(variable.dataSync()) },
      ]),
    );
  }

  load(weights: SceneWeights): void {
    for (const [name, variable] of this.variables) {
      const values = weights.get(name);
      if (values === undefined) throw new RangeError(`no weights for ${name}`);
      const tensor = this.tf.tensor(values.data, [...values.dims]);
      variable.assign(tensor);
      tensor.dispose();
    }
  }

  dispose(): void {
    for (const variable of this.variables.values()) variable.dispose();
  }

  private layer(name: string, inputs: number, outputs: number, random: Random): void {
    // He et al. 2015, for rectifiers.
    const deviation = Math.sqrt(2 / inputs);
    this.add(`${name}.weight`, [inputs, outputs], () => deviation * random.normal());
    this.add(`${name}.bias`, [outputs], () => 0);
  }

  private add(name: string, dims: number[], value: () => number): void {
    const count = dims.reduce((product, dim) => product * dim, 1);
    const start = this.tf.tensor(Float32Array.from({ length: count }, value), dims);
    this.variables.set(name, this.tf.variable(start));
    start.dispose();
  }

  private dense(name: string, input: TfTensor): Tensor2D {
    const weight = this.variables.get(`${name}.weight`) as Variable;
    const bias = this.variables.get(`${name}.bias`) as Variable;
    return this.tf.add(this.tf.matMul(input as Tensor2D, weight as unknown as Tensor2D), bias);
  }

  /** Convolution whose kernel is as wide as its stride: a reshape instead of an unfold. */
  private tiles(name: string, input: Tensor4D, side: number): Tensor4D {
    const [batch, height, width, channels] = input.shape;
    const rows = height / side;
    const columns = width / side;
    const { tf } = this;
    const split = tf.reshape(input, [batch, rows, side, columns, side, channels]);
    const unfolded = tf.reshape(tf.transpose(split, [0, 1, 3, 2, 4, 5]), [
      batch * rows * columns,
      side * side * channels,
    ]);
    return tf.reshape(tf.relu(this.dense(name, unfolded)), [batch, rows, columns, -1]);
  }

  /** 3×3 convolution, stride 1, zeros around the picture. */
  private around(name: string, input: Tensor4D): Tensor4D {
    const [batch, height, width, channels] = input.shape;
    const padded = this.tf.pad(input, [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
    const shifted: Tensor4D[] = [];
    for (let y = 0; y < 3; y++)
      for (let x = 0; x < 3; x++) shifted.push(this.tf.slice(padded, [0, y, x, 0], [batch, height, width, channels]));
    const unfolded = this.tf.reshape(this.tf.concat(shifted, 3), [batch * height * width, 9 * channels]);
    return this.tf.reshape(this.tf.relu(this.dense(name, unfolded)), [batch, height, width, -1]);
  }
}

/** The trained network as ONNX: input [1, 3, size, size], output [1, outputs] of probabilities. */
export function sceneGraph(shape: SceneShape, weights: SceneWeights): Uint8Array {
  const { architecture, size, outputs } = shape;
  const graph = new OnnxGraph(`scene-${architecture}-${size}`);
  const input = graph.input(SCENE_INPUT, [1, 3, size, size]);
  const of = (name: string): Float32Array => {
    const values = weights.get(name);
    if (values === undefined) throw new RangeError(`no weights for ${name}`);
    return values.data;
  };
  const finish = (flat: string, weight: Float32Array, inputs: number, bias: Float32Array): Uint8Array => {
    const matrix = graph.initializer('dense.weight', [inputs, outputs], weight);
    graph.node('Gemm', [flat, matrix, graph.initializer('dense.bias', [outputs], bias)], ['logits']);
    graph.node('Sigmoid', ['logits'], [SCENE_OUTPUT]);
    graph.output(SCENE_OUTPUT, [1, outputs]);
    return graph.encode();
  };
  if (architecture === 'unit') {
    graph.node('Flatten', [input], ['flat'], { axis: { int: 1 } });
    // The unit was trained on (y, x, channel), and the picture comes as (channel, y, x).
    const weight = new Float32Array(size * size * 3 * outputs);
    const trained = of('unit.weight');
    for (let pixel = 0; pixel < size * size; pixel++)
      for (let channel = 0; channel < 3; channel++)
        for (let output = 0; output < outputs; output++)
          weight[(channel * size * size + pixel) * outputs + output] = trained[
            (pixel * 3 + channel) * outputs + output
          ] as number;
    return finish('flat', weight, size * size * 3, of('unit.bias'));
  }
  const convolve = (name: string, from: string, side: number, channelsIn: number, channelsOut: number): string => {
    const kernel = toOihw(of(`${name}.weight`), side, side, channelsIn, channelsOut);
    const inputs = [
      from,
      graph.initializer(`${name}.weight`, [channelsOut, channelsIn, side, side], kernel),
      graph.initializer(`${name}.bias`, [channelsOut], of(`${name}.bias`)),
    ];
    // A kernel of 3 slides over the picture with zeros around it; the others tile it.
    const [stride, pad] = side === SLIDING ? [1, 1] : [side, 0];
    graph.node('Conv', inputs, [`${name}.sum`], {
      kernel_shape: { ints: [side, side] },
      strides: { ints: [stride, stride] },
      pads: { ints: [pad, pad, pad, pad] },
    });
    graph.node('Relu', [`${name}.sum`], [`${name}.out`]);
    return `${name}.out`;
  };
  const patches = convolve('patch', input, size / PATCHES, 3, WIDTHS.patch);
  const first = convolve('first', patches, SLIDING, WIDTHS.patch, WIDTHS.first);
  const halved = convolve('halve', first, 2, WIDTHS.first, WIDTHS.second);
  const second = convolve('second', halved, SLIDING, WIDTHS.second, WIDTHS.second);
  graph.node('GlobalAveragePool', [second], ['mean']);
  graph.node('Flatten', ['mean'], ['flat'], { axis: { int: 1 } });
  return finish('flat', of('head.weight'), WIDTHS.second, of('head.bias'));
}
