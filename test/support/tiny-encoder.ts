import { OnnxGraph } from '../../src/onnx/writer';
import { writeBundle } from '../../src/bundles/write';

export const TINY_DIMENSIONS = 12;
const D = TINY_DIMENSIONS;

/** An encoder small enough for a test: the mean of each colour, multiplied out. */
export function tinyEncoder(): Uint8Array {
  const graph = new OnnxGraph('tiny', 17);
  graph.input('input', [1, 3, 4, 4]);
  graph.node('GlobalAveragePool', ['input'], ['pooled']);
  graph.node('Flatten', ['pooled'], ['flat'], { axis: { int: 1 } });
  graph.initializer(
    'weight',
    [3, D],
    Float32Array.from({ length: 3 * D }, (_, i) => Math.sin(1 + i)),
  );
  graph.node('MatMul', ['flat', 'weight'], ['encoding']);
  graph.output('encoding', [1, D]);
  return graph.encode();
}

/** For it. */
export const TINY_INPUT = { data: Float32Array.from({ length: 48 }, (_, i) => Math.cos(i)), dims: [1, 3, 4, 4] };

/** Its bundle, in a space called tiny-v1. */
export async function writeTinyEncoder(dir: string, name: string): Promise<void> {
  await writeBundle(dir, {
    card: {
      task: 'face-encoding',
      name,
      version: '1.0.0',
      summary: 'for a test',
      set: null,
      licence: { spdx: 'CC0-1.0', origin: 'a test', trainingData: 'none' },
      input: {
        kind: 'image',
        name: 'input',
        layout: 'NCHW',
        colour: 'RGB',
        width: 4,
        height: 4,
        multiple: 1,
        mean: [0, 0, 0],
        scale: [1, 1, 1],
      },
      output: {
        decoding: 'embedding',
        output: 'encoding',
        dimensions: D,
        space: 'tiny-v1',
        normalise: true,
        mirror: true,
        thresholds: [{ fmr: 0.01, distance: 1, fnmr: null, measuredOn: 'nothing' }],
      },
      alignment: { kind: 'face-api-box' },
      figures: [],
    },
    modelBytes: tinyEncoder(),
    goldenInput: TINY_INPUT,
  });
}
