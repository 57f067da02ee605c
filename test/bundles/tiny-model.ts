import { OnnxGraph } from '../../src/onnx/writer';
import type { CardDraft, NewBundle } from '../../src/bundles/write';

/** A whole, small encoder bundle: y = x · weight, 3-d "embedding" of a 1×1 picture. */
export function tinyBundle(name: string, weight = 2): NewBundle {
  return { card: tinyCard(name), modelBytes: tinyModel(weight), goldenInput: tinyInput };
}

export const tinyInput = { data: Float32Array.of(1, -2, 3), dims: [1, 3, 1, 1] };

/** `ballast`: further floats, to make the file larger. */
export function tinyModel(weight: number, ballast = 0): Uint8Array {
  const graph = new OnnxGraph('tiny');
  graph.input('x', [1, 3, 1, 1]);
  graph.initializer('w', [1], Float32Array.of(weight));
  if (ballast > 0) {
    graph.initializer(
      'ballast',
      [ballast],
      Float32Array.from({ length: ballast }, (_, i) => i),
    );
    graph.node('ReduceSum', ['ballast'], ['unused'], { keepdims: { int: 0 } });
  }
  graph.node('Mul', ['x', 'w'], ['m']);
  graph.node('Flatten', ['m'], ['y'], { axis: { int: 1 } });
  graph.output('y', [1, 3]);
  return graph.encode();
}

export function tinyCard(name: string): CardDraft {
  return {
    task: 'face-encoding',
    name,
    version: '1.0.0',
    summary: 'A model for tests',
    set: null,
    licence: { spdx: 'Apache-2.0', origin: 'this test', trainingData: 'none' },
    input: {
      kind: 'image',
      name: 'x',
      layout: 'NCHW',
      colour: 'RGB',
      width: 1,
      height: 1,
      multiple: 1,
      mean: [0, 0, 0],
      scale: [1, 1, 1],
    },
    output: {
      decoding: 'embedding',
      output: 'y',
      dimensions: 3,
      space: 'tiny-v1',
      normalise: true,
      mirror: false,
      thresholds: [{ fmr: 0.01, distance: 1, fnmr: null, measuredOn: 'nothing: for tests' }],
    },
    alignment: null,
    figures: [],
  };
}
