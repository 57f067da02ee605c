import { appendMatrixProduct, exposeTensor, replaceConstants } from '../../src/onnx/edit';
import { integersOf, ProtoWriter, readFields } from '../../src/onnx/protobuf';
import { OnnxGraph } from '../../src/onnx/writer';
import { CPU_ONE_THREAD } from '../../src/inference/model';
import { loadOnnx } from '../../src/inference/onnx';
import { readOnnxFile } from '../../src/onnx/reader';
import { failureOf } from '../store/fixtures';

function tinyNetwork(): Uint8Array {
  const graph = new OnnxGraph('tiny', 17);
  const x = graph.input('x', [1, 2, 'height', 2]);
  const kernel = graph.initializer('kernel', [1, 2, 1, 1], Float32Array.of(2, 3));
  graph.node('LeakyRelu', [x], ['inner'], { alpha: { float: 0.5 } });
  graph.node('Conv', ['inner', kernel], ['sum'], {
    kernel_shape: { ints: [1, 1] },
    pads: { ints: [0, 0, 0, 0] },
    group: { int: 1 },
  });
  graph.node('Identity', ['sum'], ['out']);
  graph.output('out', [1, 1, 'height', 2]);
  return graph.encode();
}

const x = { data: Float32Array.of(1, -2, 3, -4), dims: [1, 2, 1, 2] };

async function run(bytes: Uint8Array): Promise<Record<string, number[]>> {
  const model = await loadOnnx(bytes, CPU_ONE_THREAD);
  try {
    const outputs = await model.run({ x });
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
    );
  } finally {
    await model.dispose();
  }
}

test('nodes, attributes and constants are read as they were written', () => {
  const { nodes, tensors, inputs, outputs } = readOnnxFile(tinyNetwork(), 'tiny');
  expect([inputs, outputs]).toEqual([['x'], ['out']]);
  expect(nodes.map(({ opType }) => opType)).toEqual(['LeakyRelu', 'Conv', 'Identity']);
  expect(nodes[0]!.floats).toEqual({ alpha: 0.5 });
  expect(nodes[1]!).toMatchObject({
    inputs: ['inner', 'kernel'],
    ints: { kernel_shape: [1, 1], pads: [0, 0, 0, 0], group: [1] },
  });
  expect(tensors.get('kernel')).toEqual({ dims: [1, 2, 1, 1], data: Float32Array.of(2, 3) });
});

test('a value inside becomes an output too, and the network computes the same', async () => {
  expect(await run(tinyNetwork())).toEqual({ out: [11, -8] });
  expect(await run(exposeTensor(tinyNetwork(), 'inner'))).toEqual({ out: [11, -8], inner: [1, -1, 3, -2] });
});

test('other constants, other results; what is not there, or of another size, is an error', async () => {
  expect(await run(replaceConstants(tinyNetwork(), new Map([['kernel', Float32Array.of(1, 0)]])))).toEqual({
    out: [1, -1],
  });
  expect(() => replaceConstants(tinyNetwork(), new Map([['bias', Float32Array.of(1)]]))).toThrow(/no constant bias/);
  expect(() => replaceConstants(tinyNetwork(), new Map([['kernel', Float32Array.of(1)]]))).toThrow(/1 floats/);
});

test('a file that is cut off anywhere is refused, whether it is read or edited', () => {
  const whole = tinyNetwork();
  const product = { input: 'out', output: 'new', rows: 1, columns: 1, matrix: Float32Array.of(2) };
  const uses: [string, (bytes: Uint8Array) => unknown][] = [
    ['read', (bytes) => readOnnxFile(bytes, 'cut')],
    ['expose', (bytes) => exposeTensor(bytes, 'inner')],
    ['append', (bytes) => appendMatrixProduct(bytes, product)],
    ['replace', (bytes) => replaceConstants(bytes, new Map())],
  ];
  for (const [name, use] of uses) {
    use(whole);
    for (let length = 0; length < whole.length; length++)
      expect([name, length, failureOf(() => use(whole.subarray(0, length))).code]).toEqual([
        name,
        length,
        'model-invalid',
      ]);
  }
  expect(() => readOnnxFile(Buffer.from('no model'), 'text')).toThrow(/text cannot be read/);
});

test('a list of numbers that is cut off inside its field is damage', () => {
  const [field] = readFields(new ProtoWriter().bytes(8, Uint8Array.of(1, 0xac, 2, 0xac)).finish());
  expect(() => integersOf([field!], 8)).toThrow('a number is cut off');
});
