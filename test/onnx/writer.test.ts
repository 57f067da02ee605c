import * as fc from 'fast-check';
import { CPU_ONE_THREAD, type TensorData } from '../../src/inference/model';
import { loadOnnx } from '../../src/inference/onnx';
import { OnnxGraph } from '../../src/onnx/writer';
import { encodeVarint, ProtoWriter } from '../../src/onnx/protobuf';

async function runGraph(graph: OnnxGraph, inputs: Record<string, { data: TensorData; dims: number[] }>) {
  const model = await loadOnnx(graph.encode(), CPU_ONE_THREAD);
  try {
    return await model.run(inputs);
  } finally {
    await model.dispose();
  }
}

describe('ONNX writer, judged by onnxruntime', () => {
  test('a convolution with attributes, weights and a named free dimension computes what it should', async () => {
    const graph = new OnnxGraph('conv');
    graph.input('x', ['batch', 1, 3, 3]);
    graph.initializer(
      'w',
      [1, 1, 3, 3],
      Float32Array.from({ length: 9 }, (_, i) => i),
    );
    graph.initializer('b', [1], Float32Array.of(0.5));
    graph.node('Conv', ['x', 'w', 'b'], ['c'], { pads: { ints: [1, 1, 1, 1] }, group: { int: 1 } });
    graph.node('LeakyRelu', ['c'], ['y'], { alpha: { float: 0.25 } });
    graph.output('y', ['batch', 1, 3, 3]);
    const { y } = await runGraph(graph, { x: { data: new Float32Array(18).fill(1), dims: [2, 1, 3, 3] } });
    expect(y?.dims).toEqual([2, 1, 3, 3]);
    // Top-left: taps 4, 5, 7, 8; centre: 0 + … + 8.
    expect(y?.data[0]).toBeCloseTo(24.5, 5);
    expect(y?.data[4]).toBeCloseTo(36.5, 5);
  });

  test('integer tensors, negative integers, strings and lists of floats survive', async () => {
    const graph = new OnnxGraph('types');
    graph.input('x', [4]);
    graph.initializer('scale', [], Float32Array.of(0.5));
    graph.initializer('zero', [], Int8Array.of(-3));
    graph.initializer('axis', [1], BigInt64Array.of(-1n));
    graph.node('QuantizeLinear', ['x', 'scale', 'zero'], ['q']);
    graph.node('DequantizeLinear', ['q', 'scale', 'zero'], ['d']);
    graph.node('Unsqueeze', ['d', 'axis'], ['u']);
    graph.node('Softmax', ['u'], ['s'], { axis: { int: -1 } });
    graph.node('Constant', [], ['k'], { value_floats: { floats: [1.5, -2.5] } });
    graph.output('d', [4]);
    graph.output('s', [4, 1]);
    graph.output('k', [2]);
    const out = await runGraph(graph, { x: { data: Float32Array.of(-100, -1, 0.26, 2), dims: [4] } });
    expect([...(out['d']?.data as Float32Array)]).toEqual([-62.5, -1, 0.5, 2]);
    expect([...(out['s']?.data as Float32Array)]).toEqual([1, 1, 1, 1]);
    expect([...(out['k']?.data as Float32Array)]).toEqual([1.5, -2.5]);
  });

  test('mistakes of the caller are refused while building', () => {
    const graph = new OnnxGraph('wrong');
    graph.input('x', [1]);
    expect(() => graph.initializer('w', [2, 2], new Float32Array(3))).toThrow('3 values for dims [2, 2]');
    expect(() => graph.node('Relu', ['nowhere'], ['y'])).toThrow('nowhere is used before it is defined');
    expect(() => graph.node('Relu', ['x'], ['x'])).toThrow('x is defined twice');
    expect(() => graph.output('y', [1])).toThrow('y is used before it is defined');
  });
});

describe('protocol-buffers wire format', () => {
  test.each([
    [0, [0]],
    [1, [1]],
    [127, [127]],
    [128, [0x80, 1]],
    [300, [0xac, 2]],
    [-1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
  ])('varint %p', (value, bytes) => {
    expect([...encodeVarint(value)]).toEqual(bytes);
  });

  test('any int64 reads back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const bytes = encodeVarint(value);
        const read = bytes.reduce((sum, byte, i) => sum | (BigInt(byte & 0x7f) << BigInt(7 * i)), 0n);
        expect(BigInt.asIntN(64, read)).toBe(value);
        expect(bytes.slice(0, -1).every((byte) => byte >= 0x80)).toBe(true);
      }),
    );
  });

  test('fields carry number, wire type and length', () => {
    const bytes = new ProtoWriter().varint(1, 5).string(16, 'ab').float(2, 1).packedVarints(3, [1, 300]).finish();
    expect([...bytes]).toEqual([0x08, 5, 0x82, 0x01, 2, 97, 98, 0x15, 0, 0, 0x80, 0x3f, 0x1a, 3, 1, 0xac, 2]);
  });
});
