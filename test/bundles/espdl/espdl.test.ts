import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { espdlToInt8Onnx, espdlToOnnx, readEspdl } from '../../../src/bundles/espdl';
import { toFloats, toOihw } from '../../../src/bundles/espdl/kernels';
import { addPRelu } from '../../../src/bundles/espdl/prelu';
import { OnnxGraph } from '../../../src/onnx/writer';
import { UsherError } from '../../../src/errors';
import { CPU_ONE_THREAD } from '../../../src/inference/model';
import { loadOnnx } from '../../../src/inference/onnx';
import { describeWithShared, sharedDir } from '../../support/shared';
import { buildEspdl, type TestModel, type TestNode, withHeader } from './build-espdl';

/** 3 → 20 channels by a 1×1 Conv with Relu (one full block of 16 and a remainder of 4), PRelu, layout change, Flatten, Gemm → 2. */
function smallModel(): TestModel {
  const conv = Int8Array.from({ length: 60 }, (_, i) => (i % 13) - 6);
  const gemm = Int8Array.from({ length: 40 }, (_, i) => (i % 7) - 3);
  return {
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
      { name: 'w', dims: [1, 1, 3, 20], data: conv, exponents: [-2] },
      { name: 'b', dims: [20], data: Int32Array.from({ length: 20 }, (_, i) => i - 10), exponents: [-3] },
      { name: 'slope', dims: [20, 1, 1], data: Int8Array.from({ length: 20 }, (_, i) => i * 9 - 70), exponents: [-6] },
      { name: 'g', dims: [1, 1, 20, 2], data: gemm, exponents: [-1] },
    ],
  };
}

/** The same network by hand, straight from the stored order. */
function smallModelByHand(x: readonly number[]): number[] {
  const { tensors } = smallModel();
  const [w, b, slope, g] = tensors.map((tensor) => tensor.data);
  const bent = Array.from({ length: 20 }, (_, o) => {
    const stored = (c: number) => (o < 16 ? w![c * 16 + o]! : w![48 + c * 4 + (o - 16)]!);
    const sum = x.reduce((total, value, c) => total + (value * stored(c)) / 4, b![o]! / 8);
    return sum > 0 ? sum : (sum * slope![o]!) / 64;
  });
  return [0, 1].map((o) =>
    Math.max(
      0,
      bent.reduce((total, value, c) => total + (value * g![c * 2 + o]!) / 2, 0),
    ),
  );
}

const shape = { input: [1, 3, 1, 1], output: [1, 2] };

async function runOnce(graph: OnnxGraph, data: Float32Array, dims: number[]): Promise<Float32Array> {
  const model = await loadOnnx(graph.encode(), CPU_ONE_THREAD);
  const outputs = await model.run({ input: { data, dims } });
  await model.dispose();
  return outputs['output']!.data as Float32Array;
}

test('a small network computes what its stored integers say', async () => {
  const graph = espdlToOnnx(readEspdl(buildEspdl(smallModel())), 'small', shape);
  for (const x of [
    [1, -2, 3],
    [0, 0, 0],
    [-5, 0.25, 1],
  ]) {
    const out = await runOnce(graph, Float32Array.from(x), [1, 3, 1, 1]);
    smallModelByHand(x).forEach((value, i) => expect(out[i]).toBeCloseTo(value, 4));
  }
});

describe('in 8-bit arithmetic', () => {
  const exponents = { c: -4, p: -4, t: -4, f: -4 };
  const linearEnd = (model: TestModel): TestModel => {
    const fc = { ...model.nodes[4]!, string: { activation: 'Linear' } };
    return { ...model, exponents, nodes: [...model.nodes.slice(0, 4), fc] };
  };

  test.each([
    ['Conv run twice', false],
    ['an Add between Conv and PRelu', true],
  ])('the small network within the rounding of its activations: %s', async (_what, apart) => {
    const model = linearEnd(smallModel());
    if (apart) {
      model.nodes[1]!.inputs[0] = 'sum';
      model.nodes.splice(1, 0, { op: 'Add', name: 'add', inputs: ['c', 'c'], output: 'sum' });
      model.exponents!['sum'] = -4;
    }
    const parsed = readEspdl(buildEspdl(model));
    const x = Float32Array.of(1, -2, 0.5);
    const rounded = await runOnce(espdlToInt8Onnx(parsed, 'int8', shape), x, [1, 3, 1, 1]);
    const exact = await runOnce(espdlToOnnx(parsed, 'float', shape), x, [1, 3, 1, 1]);
    // 20 activations, each off by at most 1.5 steps of 1/16, times weights of at most 1.5.
    exact.forEach((value, i) => expect(Math.abs(rounded[i]! - value)).toBeLessThan(apart ? 0.8 : 0.3));
    expect(Math.abs(exact[0]!)).toBeGreaterThan(3);
  });

  test.each<[string, (model: TestModel) => void, RegExp]>([
    ['a missing scale', (model) => delete model.exponents!['p'], /the activation "p" has no single scale/],
    ['a fused activation', (model) => (model.nodes[0]!.string = { activation: 'Relu' }), /no 8-bit form of a fused/],
    ['another operator', (model) => (model.nodes[1]!.op = 'Sigmoid'), /no 8-bit form of the operator Sigmoid/],
  ])('%s is refused', (_what, change, message) => {
    const model = linearEnd(smallModel());
    change(model);
    expect(() => espdlToInt8Onnx(readEspdl(buildEspdl(model)), 'wrong', shape)).toThrow(message);
  });
});

describe('kernels', () => {
  const tensor = (dims: number[], exponents = [0]) => ({
    name: 'w',
    dims,
    exponents,
    data: Int8Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i % 127),
  });

  test('a reordered kernel is a permutation of the stored one', () => {
    const size = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(size, size, size, fc.integer({ min: 1, max: 40 }), (h, w, c, o) => {
        const stored = tensor([h, w, c, o]);
        const kernel = toOihw(stored, 1);
        expect(kernel.dims).toEqual([o, c, h, w]);
        expect([...kernel.data].sort()).toEqual([...stored.data].sort());
      }),
    );
  });

  test('depthwise: channels take the place of outputs', () => {
    const kernel = toOihw(tensor([1, 2, 18, 1]), 18);
    expect(kernel.dims).toEqual([18, 1, 1, 2]);
    // Channel 3: lane 3 of the block at each position; channel 17: lane 1 of the remainder of 2 after 32 values.
    expect([...kernel.data.slice(6, 8)]).toEqual([3, 19]);
    expect([...kernel.data.slice(34, 36)]).toEqual([33, 35]);
  });

  test('scales are spread over the output channels', () => {
    expect([...toFloats(Int8Array.of(1, 2, 3, 4), [-1, 2])]).toEqual([0.5, 1, 12, 16]);
    expect([...toFloats(Int8Array.of(1, 2), [-2])]).toEqual([0.25, 0.5]);
  });

  test('a wrong number of dimensions or scales is refused', () => {
    expect(() => toOihw(tensor([2, 2]), 1)).toThrow('2 dimensions instead of 4');
    expect(() => toOihw(tensor([1, 1, 2, 4], [0, 0, 0]), 1)).toThrow('3 scales for 4 channels');
  });
});

test.each([
  ['gentle, negative and zero', [0.25, -0.5, 0, 1]],
  ['one beyond 1', [0.25, -1.5, 1.75, 1]],
])('PRelu in disguise is PRelu: slopes %s', async (_what, slopes) => {
  const graph = new OnnxGraph('prelu');
  graph.input('input', [1, 4, 1, 2]);
  addPRelu(graph, 'input', Float32Array.from(slopes), 'output');
  graph.output('output', [1, 4, 1, 2]);
  const x = Float32Array.of(2, -2, 3, -3, 0, -1, 5, -7);
  const y = await runOnce(graph, x, [1, 4, 1, 2]);
  x.forEach((value, i) => expect(y[i]).toBeCloseTo(value > 0 ? value : value * slopes[i >> 1]!, 5));
});

describe('damaged and foreign files are refused as model-invalid', () => {
  const whole = buildEspdl(smallModel());
  const payload = whole.subarray(16);
  test.each<[string, Uint8Array, RegExp]>([
    ['empty', new Uint8Array(0), /does not begin with EDL2/],
    ['another magic', withHeader(payload, { magic: 'EDL1' }), /does not begin with EDL2/],
    ['encrypted', withHeader(payload, { mode: 1 }), /encrypted/],
    ['truncated', whole.subarray(0, whole.length - 100), /truncated/],
    ['an absurd length', withHeader(payload, { length: 0xffffffff }), /truncated/],
    ['no content', withHeader(new Uint8Array(0)), /outside the file/],
    ['a root offset beyond the end', withHeader(Uint8Array.of(255, 255, 255, 127, 0, 0, 0, 0)), /outside the file/],
  ])('%s', (_what, bytes, message) => {
    expect(() => readEspdl(bytes)).toThrow(message);
    expect(() => readEspdl(bytes)).toThrow(UsherError);
  });

  test('any damaged byte: a clear refusal or a graph, never another failure', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const damaged = Uint8Array.from(whole);
          for (const [at, value] of changes) damaged[at] = value;
          try {
            espdlToOnnx(readEspdl(damaged), 'damaged', shape).encode();
          } catch (error) {
            expect(error).toBeInstanceOf(UsherError);
            expect(error).toMatchObject({ code: 'model-invalid' });
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  const wrongNodes: [string, Partial<TestNode>, RegExp][] = [
    ['an unknown operator', { op: 'Softmax' }, /node conv: the operator Softmax is not known/],
    ['an unknown activation', { string: { activation: 'Swish' } }, /the activation Swish is not known/],
    ['a weight that is not stored', { inputs: ['in', 'nowhere'] }, /its input 1 is no stored tensor/],
    ['a value that nothing makes', { inputs: ['nowhere', 'w'] }, /which nothing before it makes/],
    ['a bias of another length', { inputs: ['in', 'w', 'slope-4'] }, /4 bias values for 20 channels/],
  ];
  test.each(wrongNodes)('%s', (_what, change, message) => {
    const model = smallModel();
    model.tensors.push({ name: 'slope-4', dims: [4], data: new Int8Array(4), exponents: [0] });
    model.nodes[0] = { ...model.nodes[0]!, ...change };
    expect(() => espdlToOnnx(readEspdl(buildEspdl(model)), 'wrong', shape)).toThrow(message);
  });

  test('two nodes of one name', () => {
    const model = smallModel();
    model.nodes[1] = { ...model.nodes[0]!, inputs: ['c', 'w'], output: 'p' };
    expect(() => espdlToOnnx(readEspdl(buildEspdl(model)), 'twice', shape)).toThrow(/is defined twice/);
  });

  test('a tensor that claims more than the file holds', () => {
    const model = smallModel();
    const big = { name: 'big', dims: [400_000], data: new Int8Array(400_000), exponents: [0] };
    const file = buildEspdl({ ...model, tensors: [big] });
    expect(readEspdl(file).initializers.get('big')?.data.length).toBe(400_000);
    const claim = buildEspdl({ ...model, tensors: [{ ...big, data: new Int8Array(16) }] });
    expect(() => readEspdl(claim)).toThrow(/does not fit its 16 bytes/);
  });
});

describeWithShared('the published MBF encoder', () => {
  const mbf = { input: [1, 3, 112, 112], output: [1, 512] };
  const readMbf = () => readEspdl(readFileSync(path.join(sharedDir, 'models/human_face_feat_mbf_s8_v1.espdl')));
  const pattern = (): Float32Array =>
    Float32Array.from({ length: 3 * 112 * 112 }, (_, i) => {
      const [c, y, column] = [Math.floor(i / 12544), Math.floor(i / 112) % 112, i % 112];
      return (((85 * c + 2 * y + 3 * column) % 256) - 127.5) / 127.5;
    });

  test('its float decode gives the reference vector', async () => {
    const graph = espdlToOnnx(readMbf(), 'mbf', mbf);
    const vector = await runOnce(graph, pattern(), mbf.input);
    const norm = Math.hypot(...vector);
    expect(norm).toBeCloseTo(3.2396, 4);
    const unit = [...vector].map((value) => value / norm);
    const first = [0.0235, -0.0353, -0.1033, -0.0292, -0.0458, 0.0562, -0.0136, -0.036];
    first.forEach((value, i) => expect(unit[i]).toBeCloseTo(value, 4));
    const last = [-0.0478, 0.0378, 0.0519, -0.0154];
    last.forEach((value, i) => expect(unit[508 + i]).toBeCloseTo(value, 4));
  });

  test('its 8-bit form points the same way, even on a picture that is no face', async () => {
    const float = await runOnce(espdlToOnnx(readMbf(), 'mbf', mbf), pattern(), mbf.input);
    const int8 = await runOnce(espdlToInt8Onnx(readMbf(), 'mbf-int8', mbf), pattern(), mbf.input);
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    expect(dot(float, int8) / Math.sqrt(dot(float, float) * dot(int8, int8))).toBeGreaterThan(0.92);
  });
});
