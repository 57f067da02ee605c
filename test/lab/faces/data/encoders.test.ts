import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseEncoders } from '../../../../src/lab/faces/data/encoders';
import { CARD_SCHEMA_VERSION, type Card } from '../../../../src/inference/card';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'encoders-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function install(name: string, set: Card['set'], output?: Card['output']): void {
  const card: Card = {
    schema: CARD_SCHEMA_VERSION,
    task: output === undefined ? 'face-encoding' : 'face-detection',
    name,
    version: '1.0.0',
    summary: 'for a test',
    set,
    model: 'model.onnx',
    files: { 'model.onnx': '0'.repeat(64) },
    licence: { spdx: 'MIT', origin: 'here', trainingData: 'none' },
    input: {
      kind: 'image',
      name: 'x',
      layout: 'NCHW',
      colour: 'RGB',
      width: 112,
      height: 112,
      multiple: 1,
      mean: [0, 0, 0],
      scale: [1, 1, 1],
    },
    output: output ?? {
      decoding: 'embedding',
      output: 'y',
      dimensions: 8,
      space: `${name}-1`,
      normalise: true,
      mirror: true,
      thresholds: [{ fmr: 1e-4, distance: 1, fnmr: null, measuredOn: 'nothing' }],
    },
    alignment: output === undefined ? { kind: 'face-api-box' } : null,
    figures: [],
    golden: { input: 'in.bin', inputDims: [1], outputs: [{ name: 'y', file: 'out.bin', dims: [1] }], tolerance: 1 },
  };
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'card.json'), JSON.stringify(card));
}

function installAll(): void {
  install('aaa-mine', null);
  install('mobilefacenet', 'recommended');
  install('mbf', 'recommended');
  install('face-api-resnet', 'fallback');
  install('yunet-n', 'recommended', {
    decoding: 'yunet',
    strides: [8],
    scoreThreshold: 0.7,
    iouThreshold: 0.3,
  });
}

test.each([
  [['recommended'], ['mbf yunet-n', 'mobilefacenet yunet-n']],
  [['fallback'], ['face-api-resnet tiny-yolo-face']],
  [
    ['aaa-mine', 'mbf', 'mbf'],
    ['aaa-mine yunet-n', 'mbf yunet-n'],
  ],
  [
    ['mobilefacenet', 'recommended'],
    ['mobilefacenet yunet-n', 'mbf yunet-n'],
  ],
])('%j means %j', async (names, expected) => {
  installAll();
  const chosen = await chooseEncoders(folder, names);
  expect(chosen.map(({ name, detector }) => `${name} ${detector}`)).toEqual(expected);
});

test('a detector may be named instead', async () => {
  installAll();
  expect(await chooseEncoders(folder, ['mbf'], 'yunet-s')).toMatchObject([{ name: 'mbf', detector: 'yunet-s' }]);
});

test('an unknown name, a detector in its place, and a set that is not there', async () => {
  installAll();
  const remedy = 'Known: recommended, fallback, aaa-mine, face-api-resnet, mbf, mobilefacenet';
  await expect(chooseEncoders(folder, ['resnet'])).rejects.toMatchObject({ code: 'usage', remedy });
  await expect(chooseEncoders(folder, ['yunet-n'])).rejects.toMatchObject({ code: 'usage', remedy });
  await expect(chooseEncoders(join(folder, 'empty'), ['fallback'])).rejects.toMatchObject({
    code: 'model-missing',
    remedy: 'Run: usher models build',
  });
});
