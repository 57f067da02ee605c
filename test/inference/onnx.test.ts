import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OnnxGraph } from '../../src/onnx/writer';
import type { UsherError } from '../../src/errors';
import { CPU_ONE_THREAD, type TensorData } from '../../src/inference/model';
import { loadOnnx } from '../../src/inference/onnx';
import { tinyInput, tinyModel } from '../bundles/tiny-model';

const dir = mkdtempSync(join(tmpdir(), 'usher-onnx-'));
afterAll(() => rmSync(dir, { recursive: true }));

const refusalOf = (source: string | Uint8Array, execution = CPU_ONE_THREAD): Promise<UsherError> =>
  loadOnnx(source, execution).then(
    () => {
      throw new Error('it was loaded');
    },
    (error: unknown) => error as UsherError,
  );

test('from memory and from a file: names, provider, values', async () => {
  const file = join(dir, 'tiny.onnx');
  writeFileSync(file, tinyModel(2));
  for (const source of [file, tinyModel(2)]) {
    const model = await loadOnnx(source, CPU_ONE_THREAD);
    expect([model.inputs, model.outputs, model.provider]).toEqual([['x'], ['y'], 'cpu']);
    const { y } = await model.run({ x: tinyInput });
    expect(y!.dims).toEqual([1, 3]);
    expect(y!.data).toEqual(Float32Array.of(2, -4, 6));
    await model.dispose();
  }
});

test.each<[string, TensorData]>([
  ['float32', Float32Array.of(1.5, -2)],
  ['uint8', Uint8Array.of(255, 0)],
  ['int8', Int8Array.of(-128, 127)],
  ['int32', Int32Array.of(-70000, 70000)],
  ['int64', BigInt64Array.of(-(2n ** 40n), 2n ** 40n)],
])('%s goes in and comes out as it is', async (type, data) => {
  const graph = new OnnxGraph('same');
  graph.input('x', [2], type as 'int8');
  graph.node('Identity', ['x'], ['y']);
  graph.output('y', [2], type as 'int8');
  const model = await loadOnnx(graph.encode(), CPU_ONE_THREAD);
  const { y } = await model.run({ x: { data, dims: [2] } });
  expect(y!.data).toEqual(data);
  await model.dispose();
});

test('an output of a type that nobody here reads is refused, not misread', async () => {
  const graph = new OnnxGraph('truth');
  graph.input('x', [2]);
  graph.node('IsNaN', ['x'], ['y']);
  graph.output('y', [2]);
  // The writer knows no bool; in the last description of a tensor, that of y, float (1) becomes bool (9).
  const bytes = Buffer.from(graph.encode());
  bytes[bytes.lastIndexOf(Buffer.of(0x08, 1, 0x12)) + 1] = 9;
  const model = await loadOnnx(bytes, CPU_ONE_THREAD);
  await expect(model.run({ x: { data: Float32Array.of(1, NaN), dims: [2] } })).rejects.toMatchObject({
    code: 'model-invalid',
    message: 'output "y" has the unsupported element type bool',
  });
  await model.dispose();
});

const hostile: Record<string, string | Uint8Array> = {
  'no file': join(dir, 'missing.onnx'),
  'a folder': dir,
  'no bytes': new Uint8Array(0),
  'bytes of something else': Buffer.from('%PDF-1.7 this is no network'),
  'a network cut short': tinyModel(2).subarray(0, 60),
};
test.each(Object.entries(hostile))(
  '%s: said with the provider that refused it and what to do',
  async (_what, source) => {
    const error = await refusalOf(source);
    expect(error).toMatchObject({ name: 'UsherError', code: 'model-invalid' });
    expect(error.message).toMatch(/cannot be loaded \(cpu: .+\)/s);
    expect(error.remedy).toMatch(/usher models/);
  },
);

test.each([
  ['an input of another name', { z: tinyInput }],
  ['another shape', { x: { data: Float32Array.of(1, 2), dims: [1, 2] } }],
  ['another type', { x: { data: Int8Array.of(1, 2, 3), dims: [1, 3, 1, 1] } }],
  ['fewer values than the shape says', { x: { data: Float32Array.of(1), dims: [1, 3, 1, 1] } }],
])('%s is refused at the run, and the network still serves', async (_what, inputs) => {
  const model = await loadOnnx(tinyModel(2), CPU_ONE_THREAD);
  await expect(model.run(inputs as { x: typeof tinyInput })).rejects.toThrow();
  expect([...(await model.run({ x: tinyInput }))['y']!.data]).toEqual([2, -4, 6]);
  await model.dispose();
});
