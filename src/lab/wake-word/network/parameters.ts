import { type Random, seededRandom, streamSeed } from '../../../random';

/** Sizes of the one family of trigger-word networks that is trained here. */
export interface NetworkShape {
  /** Of the convolution; a multiple of 8. */
  readonly channels: number;
  /** Of each GRU; a multiple of 8. */
  readonly units: number;
}

/** Frames that the convolution sees, and by which it moves on: a step every 30 ms. */
export const KERNEL_FRAMES = 9;
export const STRIDE_FRAMES = 3;
/** Frames before the first step's own that it sees; zeros at the begin of a recording. */
export const CONTEXT_FRAMES = KERNEL_FRAMES - STRIDE_FRAMES;

export interface Parameter {
  readonly dims: readonly [number, number];
  readonly data: Float32Array;
}

/** What is learnt, in the order of the layers. */
export const PARAMETER_NAMES = [
  'conv.kernel',
  'norm1.gamma',
  'norm1.beta',
  'gru1.kernel',
  'gru1.recurrent',
  'gru1.bias',
  'gru2.kernel',
  'gru2.recurrent',
  'gru2.bias',
  'norm2.gamma',
  'norm2.beta',
  'dense.kernel',
  'dense.bias',
] as const;
export const GRU_LAYERS = ['gru1', 'gru2'] as const;
export type GruLayer = (typeof GRU_LAYERS)[number];
export type ParameterName = (typeof PARAMETER_NAMES)[number];
export type Parameters = Readonly<Record<ParameterName, Parameter>>;

/** Running statistics of one batch normalisation. */
export interface Moments {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

export interface Network {
  readonly shape: NetworkShape;
  readonly parameters: Parameters;
  readonly norm1: Moments;
  readonly norm2: Moments;
}

/** A word is rare: begin by believing in silence, or the first hundred steps only learn that. */
const FIRST_BIAS = -3;

/** Glorot-uniform kernels, orthogonal recurrences (Saxe et al. 2013). */
export function createNetwork(shape: NetworkShape, bands: number, seed: number): Network {
  const random = seededRandom(streamSeed(seed, 1));
  const { channels, units } = shape;
  const wide = 3 * units;
  const parameters: Parameters = {
    'conv.kernel': glorot(KERNEL_FRAMES * bands, channels, random),
    'norm1.gamma': constant(1, channels, 1),
    'norm1.beta': constant(1, channels, 0),
    'gru1.kernel': glorot(channels, wide, random),
    'gru1.recurrent': orthogonal(units, random),
    'gru1.bias': constant(2, wide, 0),
    'gru2.kernel': glorot(units, wide, random),
    'gru2.recurrent': orthogonal(units, random),
    'gru2.bias': constant(2, wide, 0),
    'norm2.gamma': constant(1, units, 1),
    'norm2.beta': constant(1, units, 0),
    'dense.kernel': glorot(units, 1, random),
    'dense.bias': constant(1, 1, FIRST_BIAS),
  };
  return { shape, parameters, norm1: unitMoments(channels), norm2: unitMoments(units) };
}

export function parameterCount({ parameters }: Network): number {
  return PARAMETER_NAMES.reduce((sum, name) => sum + parameters[name].data.length, 0);
}

function unitMoments(size: number): Moments {
  return { mean: new Float32Array(size), variance: new Float32Array(size).fill(1) };
}

function constant(rows: number, columns: number, value: number): Parameter {
  return { dims: [rows, columns], data: new Float32Array(rows * columns).fill(value) };
}

function glorot(rows: number, columns: number, random: Random): Parameter {
  const limit = Math.sqrt(6 / (rows + columns));
  const data = Float32Array.from({ length: rows * columns }, () => random.between(-limit, limit));
  return { dims: [rows, columns], data };
}

/** An orthogonal square for each of the three gates, side by side. */
function orthogonal(units: number, random: Random): Parameter {
  const data = new Float32Array(units * 3 * units);
  for (let gate = 0; gate < 3; gate++)
    gramSchmidt(units, random).forEach((row, i) => data.set(row, i * 3 * units + gate * units));
  return { dims: [units, 3 * units], data };
}

function gramSchmidt(size: number, random: Random): Float64Array[] {
  const rows: Float64Array[] = [];
  while (rows.length < size) {
    const row = Float64Array.from({ length: size }, () => random.normal());
    for (const other of rows) {
      const share = dot(row, other);
      for (let i = 0; i < size; i++) row[i] = (row[i] as number) - share * (other[i] as number);
    }
    const length = Math.sqrt(dot(row, row));
    rows.push(row.map((value) => value / length));
  }
  return rows;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
