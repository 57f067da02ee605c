import { readFileSync } from 'node:fs';
import path from 'node:path';
import { espdlToInt8Onnx, espdlToOnnx, readEspdl } from '../../../../src/bundles/espdl';
import { parseManifest } from '../../../../src/bundles/face-api/weights';
import { decodeWeights } from '../../../../src/bundles/face-api/weights';
import { readCard } from '../../../../src/inference/bundle';
import { packageRoot } from '../../../../src/system/paths';
import { buildEspdl } from '../../../bundles/espdl/build-espdl';
import { json, type Target } from '../target';
import { place, scratch } from './files';

const model = buildEspdl({
  input: 'in',
  output: 'out',
  nodes: [
    {
      op: 'Conv',
      name: 'conv',
      inputs: ['in', 'w', 'b'],
      output: 'c',
      ints: { kernel_shape: [1, 1], pads: [0, 0, 0, 0], strides: [1, 1], dilations: [1, 1] },
      int: { group: 1 },
      string: { activation: 'Linear' },
    },
    { op: 'PRelu', name: 'bend', inputs: ['c', 'slope'], output: 'p' },
    { op: 'Transpose', name: 'layout', inputs: ['p'], output: 't', ints: { perm: [0, 3, 1, 2] } },
    { op: 'Flatten', name: 'flat', inputs: ['t'], output: 'f', int: { axis: 1 } },
    { op: 'Gemm', name: 'fc', inputs: ['f', 'g'], output: 'out', string: { activation: 'Relu' } },
  ],
  tensors: [
    { name: 'w', dims: [1, 1, 3, 20], data: Int8Array.from({ length: 60 }, (_, i) => (i % 13) - 6), exponents: [-2] },
    { name: 'b', dims: [20], data: Int32Array.from({ length: 20 }, (_, i) => i - 10), exponents: [-3] },
    { name: 'slope', dims: [20, 1, 1], data: Int8Array.from({ length: 20 }, (_, i) => i * 6 - 70), exponents: [-6] },
    { name: 'g', dims: [1, 1, 20, 2], data: Int8Array.from({ length: 40 }, (_, i) => (i % 7) - 3), exponents: [-1] },
  ],
});
const shape = { input: [1, 3, 1, 1], output: [1, 2] };

/** From the vendor's file to the graph, in float and in 8 bits. */
const espdl = (): Target => ({
  name: 'espdl',
  form: 'bytes',
  seeds: () => [Buffer.from(model)],
  feed: (input) => {
    const read = readEspdl(input);
    const failures: unknown[] = [];
    for (const convert of [espdlToOnnx, espdlToInt8Onnx]) {
      try {
        convert(read, 'fuzz', shape).encode();
      } catch (error) {
        failures.push(error);
      }
    }
    // Both may refuse; what they throw is judged alike.
    for (const error of failures) if (!(error instanceof Error && error.name === 'UsherError')) throw error;
  },
});

const weights = (): Target => ({
  name: 'weights-manifest',
  form: 'json',
  seeds: () => [
    json([
      {
        paths: ['a.bin'],
        weights: [
          { name: 'w', shape: [2, 3], dtype: 'float32' },
          { name: 'b', shape: [8], dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.1, min: -1 } },
        ],
      },
    ]),
    readFileSync(
      path.join(packageRoot(), 'node_modules/@vladmandic/face-api/model/face_landmark_68_model-weights_manifest.json'),
    ),
  ],
  feed: (input) => {
    const entries = parseManifest(input.toString('utf8'), 'manifest.json');
    return decodeWeights(entries, new Uint8Array(32), 'a.bin');
  },
});

const SHA = 'ab'.repeat(32);
const card = {
  schema: 1,
  task: 'face-encoding',
  name: 'fuzzed',
  version: '1.0.0',
  summary: 'A card that is good.',
  set: null,
  model: 'model.onnx',
  files: { 'model.onnx': SHA, 'golden-input.f32': SHA, 'golden-output.f32': SHA },
  licence: { spdx: 'Apache-2.0', origin: 'here', trainingData: 'none' },
  input: {
    kind: 'image',
    name: 'input',
    layout: 'NCHW',
    colour: 'RGB',
    width: 112,
    height: 112,
    multiple: 1,
    mean: [0, 0, 0],
    scale: [1, 1, 1],
  },
  output: {
    decoding: 'embedding',
    output: 'vector',
    dimensions: 128,
    space: 'fuzzed-v1',
    normalise: true,
    mirror: false,
    thresholds: [{ fmr: 0.001, distance: 1.1, fnmr: 0.01, measuredOn: 'nothing' }],
  },
  alignment: {
    kind: 'five-point',
    template: [
      [38, 51],
      [73, 51],
      [56, 71],
      [41, 92],
      [70, 92],
    ],
  },
  figures: [{ name: 'x', value: 1, unit: 'ms', data: 'none' }],
  golden: {
    input: 'golden-input.f32',
    inputDims: [1, 3, 112, 112],
    outputs: [{ name: 'vector', file: 'golden-output.f32', dims: [1, 128] }],
    tolerance: 0.01,
  },
};

const cards = (): Target => {
  const dir = scratch();
  return {
    name: 'card',
    form: 'json',
    seeds: () => [json(card)],
    feed: async (input) => {
      place(dir, 'card.json', input);
      await readCard(dir);
    },
  };
};

export const MODELS = [espdl, weights, cards];
