import type { Box } from '../../events';
import { CPU_ONE_THREAD, type Tensors } from '../../inference/model';
import { loadOnnx } from '../../inference/onnx';
import { seededRandom } from '../../random';
import type { Frame } from '../picture/frame';
import { Adam } from './adam';
import { brushStyle } from './brush-style';
import { faceMask, lightOf, withoutFeatures } from './face-regions';
import { lossGraph, type LossWeights, viewGraph } from './style-graphs';
import type { StyleLayer } from './style-network';

export interface StyliseOptions extends LossWeights {
  /** null: brush strokes in the content's own colours. */
  readonly style: Frame | null;
  readonly from: 'content' | 'noise';
  readonly steps: number;
  /** Faces in `content`: their features are removed before, and the content has no weight there. */
  readonly faces: readonly Box[];
  /** Adam's step, of a picture that goes from 0 to 1. */
  readonly rate: number;
  readonly seed: number;
  /** @param step from 1 */
  readonly onStep?: (step: number, loss: number) => void | Promise<void>;
}

export const STYLISE_DEFAULTS = {
  style: null,
  from: 'content',
  steps: 20,
  contentWeight: 1,
  styleWeight: 1000,
  smoothness: 0,
  rate: 0.02,
  seed: 1,
} as const;

/**
 * Weights that suit where the pixels begin. Content that is there already survives a style that weighs a thousand times more; out of
 * noise it has to be found first, against a style that noise nearly satisfies: with the same weights nothing but texture came of it.
 */
export function styliseDefaults(from: StyliseOptions['from']): Omit<StyliseOptions, 'faces'> {
  return from === 'content'
    ? STYLISE_DEFAULTS
    : { ...STYLISE_DEFAULTS, from, steps: 200, styleWeight: 20, smoothness: 1e-3, rate: 0.05 };
}

/**
 * Repaints `content`: Adam trains its pixels until a network sees the things of the content in the manner of the style. Faces lose
 * their features first (`withoutFeatures`), and where they are only the style counts.
 *
 * @returns of the content's size
 */
export async function stylise(network: readonly StyleLayer[], content: Frame, options: StyliseOptions): Promise<Frame> {
  const { faces, from, steps, rate, onStep } = options;
  const { width, height } = content;
  const light = lightOf(content);
  const faceless = withoutFeatures(content, faces, light);
  if (steps === 0 && from === 'content') return faceless;
  const goal = await goalOf(network, faceless, options.style ?? brushStyle(faceless), faces);
  const picture = from === 'content' ? planesOf(faceless) : noise(3 * width * height, options.seed);
  const optimiser = new Adam(picture, rate);
  const inputs = { ...goal, picture: { data: picture, dims: [1, 3, height, width] } };
  const model = await loadOnnx(lossGraph(network, width, height, options), CPU_ONE_THREAD);
  try {
    for (let step = 1; step <= steps; step++) {
      const { loss, gradient } = await model.run(inputs);
      optimiser.step(gradient?.data as Float32Array);
      await onStep?.(step, loss?.data[0] as number);
    }
  } finally {
    await model.dispose();
  }
  return withoutFeatures(frameOf(picture, width, height), faces, light);
}

/** What the pixels are trained towards: all inputs of `lossGraph` but the picture. `faces` in pixels of `content`. */
export async function goalOf(
  network: readonly StyleLayer[],
  content: Frame,
  style: Frame,
  faces: readonly Box[],
): Promise<Tensors> {
  const { content: wanted } = await view(network, content);
  const [, , rows = 0, columns = 0] = wanted?.dims ?? [];
  const [sx, sy] = [columns / content.width, rows / content.height];
  const mask = faceMask(
    columns,
    rows,
    faces.map(({ x, y, width, height }) => ({ x: x * sx, y: y * sy, width: width * sx, height: height * sy })),
  );
  const weight = { data: mask.map((inside) => 1 - inside), dims: [1, 1, rows, columns] };
  return { ...(await view(network, style)), ...(wanted === undefined ? {} : { content: wanted }), weight };
}

/** What `viewGraph` finds in a picture. */
async function view(network: readonly StyleLayer[], picture: Frame): Promise<Tensors> {
  const { width, height } = picture;
  const model = await loadOnnx(viewGraph(network, width, height), CPU_ONE_THREAD);
  try {
    return await model.run({ picture: { data: planesOf(picture), dims: [1, 3, height, width] } });
  } finally {
    await model.dispose();
  }
}

/** Of a frame, all red, all green, all blue, 0..1. */
export function planesOf({ width, height, data }: Frame): Float32Array {
  const area = width * height;
  const planes = new Float32Array(3 * area);
  for (let pixel = 0; pixel < area; pixel++)
    for (let c = 0; c < 3; c++) planes[c * area + pixel] = (data[3 * pixel + c] as number) / 255;
  return planes;
}

function frameOf(planes: Float32Array, width: number, height: number): Frame {
  const area = width * height;
  const data = new Uint8Array(3 * area);
  for (let pixel = 0; pixel < area; pixel++)
    for (let c = 0; c < 3; c++) data[3 * pixel + c] = Math.round(255 * (planes[c * area + pixel] as number));
  return { width, height, data };
}

/** About mid grey. Faint: what the network's means hide from the losses would only have to be smoothed away again. */
function noise(length: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length }, () => random.between(0.45, 0.55));
}
